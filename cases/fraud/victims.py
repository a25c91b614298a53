"""The letter to whoever was impersonated or taken over (N11): to the living, in their own name, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from cases.fraud import codes, expiry
from cases.kernel import outbox, tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty, Clock, Letter, Task
from cases.kernel.prepared import Prepared

__all__ = ["TASKS", "fit", "write"]

TASKS = {"fraud_dead_victim": "A dead person was impersonated: write by hand to who looks after their estate"}
TEMPLATE = "n11"


def write(case: Case, *, at: datetime, marked: Sequence[CaseParty] | None = None) -> None:
    """Ask for the letter to every victim not written to yet, inside the current ledger action, unless that would
    prejudice an investigation; a letter that waits and does not fit is taken back. Where a dead person was impersonated
    nothing is posted to the name and address the case holds: who works on the case finds out who looks after the
    estate and writes to them. `marked` are those of whom a marker stands, where the caller has just read them."""
    _take_back(case, at=at)
    if case.fraud_referral.prejudice_recorded:
        return
    for party in _unwritten(case, at=at, marked=marked):
        if codes.DEAD not in case.fraud_referral.reasons:
            letters.request(case, party, template=TEMPLATE, at=at)
        elif not Task.objects.filter(case=case, kind="fraud_dead_victim", detail__person=party.number).exists():
            tasks.raise_task("fraud_dead_victim", case=case, at=at, person=party.number)


def fit(case: Case, *, at: datetime) -> None:
    """After a change of a filing that stands, inside the current ledger action: take back each letter that waits and
    no longer fits, and ask for that of a victim who has a marker and may be written to now. Whoever is named anew is
    written to with the amendment."""
    _take_back(case, at=at)
    if _is_for_nobody(case):
        return
    marked = set(Clock.objects.filter(case=case, rule="k24_victim", ended_at=None).values_list("party_id", flat=True))
    for party in _unwritten(case, at=at):
        if party.pk in marked:
            letters.request(case, party, template=TEMPLATE, at=at)


def _unwritten(case: Case, *, at: datetime, marked: Sequence[CaseParty] | None = None) -> list[CaseParty]:
    """Return the victims of a filing that were not written to yet, by number. Two queries at most."""
    marked = expiry.standing(case, at=at) if marked is None else marked
    victims = [party for party in marked if _is_victim(party)]
    written = set(_live(case).values_list("party_id", flat=True)) if victims else set()
    return [party for party in victims if party.pk not in written]


def _is_victim(party: CaseParty) -> bool:
    return party.is_innocent and party.role in codes.VICTIM_ROLES


def _live(case: Case) -> QuerySet[Letter]:
    return Letter.objects.filter(case=case, template=TEMPLATE).exclude(state="withdrawn")


_WAITING = Prepared(
    lambda case: _live(case).filter(state__in=["due", "rendered"]).select_related("party", "message").order_by("pk"),
    case=-(10**15) - 1,
)


def _is_for_nobody(case: Case) -> bool:
    """Whether nobody of the case is written to: they are dead, or it would prejudice an investigation."""
    facts = case.fraud_referral
    return facts.prejudice_recorded or codes.DEAD in facts.reasons


def _take_back(case: Case, *, at: datetime) -> None:
    """Take back what is not printed yet, or printed and not on its way to the post house, and no longer fits."""
    for letter in _WAITING.objects(case=case.pk):
        if _is_victim(letter.party) and not letter.party.is_detached and not _is_for_nobody(case):
            continue
        if letter.state == "due" or (letter.message is not None and outbox.take_back(letter.message, at=at)):
            letter.state = "withdrawn"
            letter.save(update_fields=["state"])
