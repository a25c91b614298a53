"""A referral from opening to approval, by the demonstration's people; writes to nobody but the agency."""

from __future__ import annotations

from uuid import UUID

from cases.kernel import actors, edits, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import User
from tests import factories


def office() -> dict[str, Actor]:
    """Return the two who are needed."""
    return {name: actors.staff(User.objects.get(username=name)) for name in ("a.byrne", "d.osei")}


def approve_one(people: dict[str, Actor], number: int) -> UUID:
    """Open and approve one referral; its filing is then promised."""
    case = factories.referred(people, incident_reference=f"LOAD-{number}", prejudice_recorded=True)
    maker, at = people["a.byrne"], factories.AT
    transitions.apply(case.pk, "take", actor=maker, at=at)
    transitions.apply(case.pk, "accept", actor=maker, at=at)
    edits.attach(
        case.pk,
        kind="call_recording",
        file_name="call.txt",
        media_type="text/plain",
        data=b"Recording.",
        actor=maker,
        at=at,
    )
    with edits.change(case.pk, actor=maker, at=at) as edit:
        edit.party(2, date_of_birth="1984-03-09")
    transitions.apply(case.pk, "submit", actor=maker, at=at, inputs={"pillars": factories.MAKER_ANSWERS})
    transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )
    return case.uid
