"""Invented breaches for a demonstration, made by the verbs that staff and the data protection officer use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from cases.disclosure.breach import callbacks
from cases.kernel import intake, locks, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case, OutboxMessage

__all__ = ["Cast", "tell"]

_ASSESSED = {
    "is_secret": "no",
    "secrecy": "No request of an authority is involved.",
    "people_count": 41,
    "risk": "likely",
    "consequences": "Unwanted post, and doorstep callers who know the name.",
}
_STORIES: tuple[tuple[int, str, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    (9, "A shop was sent the delivery list of another shop.", ()),
    (40, "A laptop with a copy of the returns list was left on a train.", (("assess", "", _ASSESSED),)),
    (
        200,
        "Letters of one print run had the address of the next customer on the back.",
        (
            ("assess", "", _ASSESSED),
            ("notify", "", {"measures": "The run was stopped; the post house compares every hundredth letter."}),
        ),
    ),
    (120, "A colleague believed that a list had left the firm.", (("dismiss", "It never left the building.", {}),)),
)


@transaction.atomic
def _arrive(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """Let the case note that the Commissioner has the notice, as delivery would."""
    callbacks.delivered(locks.case_for_update(case.pk), message, at=at)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration."""

    colleague: Actor
    protection: Actor


def tell(cast: Cast, *, now: datetime) -> int:
    """Report each breach and take it as far as its story goes. Returns how many."""
    for hours, what, moves in _STORIES:
        at = now - timedelta(hours=hours)
        facts = {"what": what, "nature": "disclosed", "people_count": 40, "aware_at": at - timedelta(minutes=25)}
        case = intake.open_case("breach", actor=cast.colleague, at=at, facts=facts)
        for step, (name, reason, inputs) in enumerate(moves, start=1):
            moment = at + timedelta(hours=3 * step)
            case = transitions.apply(case.pk, name, actor=cast.protection, at=moment, reason=reason, inputs=inputs)
        for message in OutboxMessage.objects.filter(case=case):
            _arrive(case, message, at=at + timedelta(hours=7))
    return len(_STORIES)
