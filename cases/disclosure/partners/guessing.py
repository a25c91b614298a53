"""Keeps a partner from guessing what our records say of somebody: few comparisons a day about one number."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases.kernel import tasks
from cases.kernel.models import Agency, Case, Task, Team
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["GUESSES", "MOST_A_DAY", "bucket", "tell"]

# Whoever knows a customer's details has them right at once, or after a slip or two.
MOST_A_DAY = 5
GUESSES = "partner_guesses"
tasks.declare(
    {GUESSES: "A partner had details of one number compared too often: ask it why"},
    pages={GUESSES: ("web:case", "query")},
)


def bucket(partner_code: str, number: str) -> str:
    """Return under which name a partner's comparisons about a number are counted. The number is not in it."""
    return f"partner:{partner_code}:about:{sealing.kept_hashes('partner_guesses', number)[0].hex()[:24]}"


@transaction.atomic
def tell(partner: Agency, query: Case, *, at: datetime) -> None:
    """Raise a task for the unit about a query that was refused as one too many, unless one about this partner is open.
    Locks the partner, inside the caller's transaction or its own. Writes one event in the partner's stream."""
    Agency.objects.select_for_update(no_key=True).get(pk=partner.pk)
    if Task.objects.filter(kind=GUESSES, closed_at=None, detail__contains={"agency": partner.code}).exists():
        return
    with ledger.action(partner.uid, "partner.guesses", actor="system:partner_answers", at=at):
        team = Team.objects.get(pk=query.team_id)
        tasks.raise_task(GUESSES, case=None, team=team, at=at, agency=partner.code, query=str(query.uid))
