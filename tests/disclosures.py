"""Disclosure requests at every state, made by the verbs that the unit and the authority use."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, approvals, edits, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from cases.kernel.office import proposals
from tests.factories import AT

KIND = "le_disclosure"
AUTHORITY = "sandbox-constabulary"
DESK = {
    "agency": AUTHORITY,
    "code": "spoc",
    "kind": "police",
    "desk": "Single point of contact",
    "accreditation": "SPoC 4417",
    "phone": "+441632960010",
    "method": "call_back",
    "is_active": True,
}
FACTS: dict[str, Any] = {
    "request_type": "cd_authorised",
    "came_by": "e_mail",
    "authority_code": AUTHORITY,
    "authority_kind": "police",
    "urn": "SBX/2026/118834",
    "grade": 3,
    "gateway": "ipa_60a",
    "purpose": "crime_applicable",
    "is_serious_crime": True,
    "granted_date": date(2026, 11, 13),
    "items": ["subscriber_name", "outgoing_calls"],
    "begins_at": datetime(2026, 11, 1, tzinfo=UTC),
    "ends_at": datetime(2026, 11, 14, 23, 59, tzinfo=UTC),
    "asked_by": "DC R. Hallworth",
    "authoriser": "Commissioner's office",
    "particulars": "Calls to the complainant.",
}
TARGET: dict[str, Any] = {"role": "target", "values": {"phone": "+447700900789"}}
CALL = {"contact": "spoc", "called_back_at": AT, "spoken_to": "Duty officer"}


def enter(people: dict[str, Actor]) -> Actor:
    """Enter the authority in the register and its desk in the directory, three days ago; return the authority."""
    if not Agency.objects.filter(code=AUTHORITY).exists():
        at = AT - timedelta(days=3)
        channels = (
            agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/le", allowed_cidrs=("127.0.0.0/8",)),
            agencies.ChannelPlan(direction="in"),
        )
        listing = agencies.Listing(
            code=AUTHORITY, kind="lea", display_name="Sandbox Constabulary SPoC", terms=TERMS, channels=channels
        )
        agencies.register(listing, actor=actors.system("tests"), at=at)
        desk(people, at=at)
    return authority()


def desk(people: dict[str, Actor], *, at: datetime, **changes: Any) -> None:
    """Enter or change a desk of the authority: one proposes, another agrees."""
    row = proposals.propose(
        "authority_contact", {**DESK, **changes}, actor=people["k.mistry"], at=at, reason="National list."
    )
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=at, reason="Compared.")


def authority() -> Actor:
    return actors.agency(Agency.objects.get(code=AUTHORITY))


def received(people: dict[str, Actor], *, by: str = "k.mistry", **facts: Any) -> Case:
    """Each has a number of its own, unless a test names one."""
    enter(people)
    urn = {"urn": f"SBX/2026/{118834 + Case.objects.count()}"}
    case = intake.open_case(KIND, actor=people[by], at=AT, facts={**FACTS, **urn, **facts}, people=[TARGET])
    edits.attach(
        case.pk,
        kind="authorisation",
        file_name="authorisation.txt",
        media_type="text/plain",
        data=b"Authorisation of 13 November.",
        actor=people[by],
        at=AT,
    )
    return Case.objects.get(pk=case.pk)


def bare(people: dict[str, Actor]) -> Case:
    """What came is for the interception unit."""
    enter(people)
    return intake.open_case(KIND, actor=people["k.mistry"], at=AT, facts={"request_type": "interception"})


def after(case: Case, name: str, actor: Actor, at: Any = AT, **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, inputs=inputs)


def authenticated(people: dict[str, Actor], **facts: Any) -> Case:
    return after(received(people, **facts), "verify", people["k.mistry"], **CALL)


def with_shut_item(people: dict[str, Actor]) -> Case:
    """Authenticated; the text of messages is asked for too, which nothing opens."""
    return authenticated(people, items=["subscriber_name", "sms_text"])


def voluntary(people: dict[str, Actor]) -> Case:
    """Authenticated, on a ground that counsel and an approver have to open."""
    return authenticated(people, gateway="ipa_s11_3a_c", items=["subscriber_name"])


def validated(people: dict[str, Actor], **facts: Any) -> Case:
    return after(authenticated(people, **facts), "validate", people["k.mistry"], is_ours=True)


def clarification(people: dict[str, Actor]) -> Case:
    return after(authenticated(people), "clarify", people["k.mistry"], question="Is the period in UTC?")


def refused(people: dict[str, Actor]) -> Case:
    return after(received(people), "refuse", people["k.mistry"], reason_code="no_gateway")


def out_of_scope(people: dict[str, Actor]) -> Case:
    return after(bare(people), "out_of_scope", people["k.mistry"])


def cancelled(people: dict[str, Actor]) -> Case:
    return after(received(people), "cancel", people["k.mistry"], notice="Letter of 14 November.")


def applied_for(people: dict[str, Actor]) -> Case:
    """Notice came that an order is applied for."""
    return received(people, request_type="order_application_notice")


def on_notice(people: dict[str, Actor]) -> Case:
    """Everything is held; the order has come too."""
    case = after(applied_for(people), "give_notice_of_application", people["k.mistry"])
    edits.attach(
        case.pk,
        kind="court_order",
        file_name="order.txt",
        media_type="text/plain",
        data=b"Order of 14 November.",
        actor=people["k.mistry"],
        at=AT,
    )
    return Case.objects.get(pk=case.pk)


def let_go(people: dict[str, Actor]) -> Case:
    """No order was made, and two people released the hold."""
    case = on_notice(people)
    hold = case.holds.get(kind="legal")
    inputs = {"hold": str(hold.pk)}
    transitions.apply(case.pk, "release_hold", actor=people["k.mistry"], at=AT, reason="Lapsed.", inputs=inputs)
    verdicts.decide(
        approvals.open_for(case, "release_hold").uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen."
    )
    return Case.objects.get(pk=case.pk)


def closed(people: dict[str, Actor]) -> Case:
    return after(let_go(people), "application_lapsed", people["k.mistry"])


# One of each open state, and one that counsel has to open.
OPEN = (received, on_notice, authenticated, with_shut_item, voluntary, validated, clarification)
