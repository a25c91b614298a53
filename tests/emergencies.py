"""Emergency disclosures at every state, made by the verbs that the night desk uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from cases.kernel.office import proposals
from tests.factories import AT
from tests.keptstories import story

KIND = "emergency_disclosure"
ROOM = "sandbox-999-control"
OPERATOR, APPROVER = "n.okonjo", "e.hallam"
DESK = {
    "agency": ROOM,
    "code": "night",
    "kind": "control_room",
    "desk": "Duty supervisor",
    "accreditation": "",
    "phone": "+441632960099",
    "method": "call_back",
    "is_active": True,
}
FACTS: dict[str, Any] = {
    "control_room": ROOM,
    "risk": "life_now",
    "call_began_at": AT - timedelta(minutes=9),
    "call_ended_at": AT - timedelta(minutes=8),
    "caller": "+447700900321",
    "incident": "SBX-0241",
    "operator": "Op 77",
}
CALLER: dict[str, Any] = {"role": "caller", "values": {"phone": "+447700900321"}}
GIVEN: dict[str, Any] = {
    "contact": "night",
    "is_called_back": True,
    "spoken_to": "Op 77",
    "subscriber": "Osian Marchbanks",
    "address": "4 Breakwater Cottages, Northmoor NM4 0ZZ",
    "position": "50.3720, -4.1420",
    "radius_m": 18,
    "located_at": AT - timedelta(minutes=8),
    "location_source": "aml",
    "is_read_back": True,
}
NO = {"reason_code": "unverified_requester"}
WORDS = {"account": "Dropped call, breathing heard. Name, address and last position were given."}


@story
def another_room(people: dict[str, Actor]) -> None:
    """Enter a second control room with a desk of its own, three days ago."""
    at = AT - timedelta(days=3)
    channels = (
        agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/998", allowed_cidrs=("127.0.0.0/8",)),
    )
    listing = agencies.Listing(
        code="sandbox-coast-control", kind="emergency", display_name="Sandbox Coast", terms=TERMS, channels=channels
    )
    agencies.register(listing, actor=actors.system("tests"), at=at)
    desk(people, at=at, agency="sandbox-coast-control", phone="+441632960098")


@story
def enter(people: dict[str, Actor]) -> Actor:
    """Enter the control room in the register and its desk in the directory, three days ago; return the room."""
    if not Agency.objects.filter(code=ROOM).exists():
        at = AT - timedelta(days=3)
        channels = (
            agencies.ChannelPlan(
                direction="out",
                address="https://127.0.0.1:9/999",
                allowed_cidrs=("127.0.0.0/8",),
                is_ordered=False,
                retry_profile="urgent",
            ),
            agencies.ChannelPlan(direction="in"),
        )
        listing = agencies.Listing(
            code=ROOM, kind="emergency", display_name="Sandbox 999 Control", terms=TERMS, channels=channels
        )
        agencies.register(listing, actor=actors.system("tests"), at=at)
        desk(people, at=at)
    return room()


@story
def desk(people: dict[str, Actor], *, at: Any, **changes: Any) -> None:
    """Enter or change a desk of the control room: one proposes, another agrees."""
    row = proposals.propose(
        "authority_contact", {**DESK, **changes}, actor=people["k.mistry"], at=at, reason="Directory of control rooms."
    )
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=at, reason="Compared.")


def room() -> Actor:
    return actors.agency(Agency.objects.get(code=ROOM))


def after(case: Case, name: str, actor: Actor, at: Any = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


@story
def live(people: dict[str, Actor], *, opened_at: Any = AT, **facts: Any) -> Case:
    enter(people)
    case = intake.open_case(KIND, actor=people[OPERATOR], at=opened_at, facts={**FACTS, **facts}, people=[CALLER])
    return Case.objects.get(pk=case.pk)


@story
def disclosed(people: dict[str, Actor]) -> Case:
    return after(live(people), "disclose", people[OPERATOR], **GIVEN)


@story
def refused(people: dict[str, Actor]) -> Case:
    return after(live(people), "refuse", people[OPERATOR], **NO)


@story
def written_up(people: dict[str, Actor]) -> Case:
    return after(disclosed(people), "write_up", people[OPERATOR], **WORDS)


@story
def checked(people: dict[str, Actor]) -> Case:
    return after(written_up(people), "check", people[APPROVER])


@story
def checked_by_another(people: dict[str, Actor]) -> Case:
    """Checked by an approver who is not the one of the matrix."""
    return after(written_up(people), "check", finder(people))


@story
def over_disclosed(people: dict[str, Actor]) -> Case:
    """Found by an approver who is not the one of the matrix: another settles it."""
    return after(written_up(people), "find_over_disclosure", finder(people), what="The date of birth was read out.")


def finder(people: dict[str, Actor]) -> Actor:
    """Another approver of the unit."""
    return replace(people["k.mistry"], roles=frozenset({"disclosure_approver"}))


@story
def closed(people: dict[str, Actor]) -> Case:
    return after(checked(people), "close", actors.system("tests"))


OPEN = (live, disclosed, refused, written_up, over_disclosed, checked)
