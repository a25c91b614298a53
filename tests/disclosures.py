"""Disclosure requests at every state, made by the verbs that the unit and the authority use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.disclosure import package
from cases.kernel import actors, approvals, edits, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies, agreements
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.kernel.office import proposals
from cases.ledger import sealing
from tests.factories import AT
from tests.keptstories import story

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


def facts(case: Case) -> Any:
    """Return the facts of a request as they are now."""
    return Case.objects.get(pk=case.pk).disclosure_request


@story
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


def suspend() -> None:
    """Suspend the authority in the register: nothing is sent to it any more."""
    agency = Agency.objects.get(code=AUTHORITY)
    agreements.enter(agency, replace(TERMS, state="suspended"), actor=actors.system("tests"), at=AT)


@story
def desk(people: dict[str, Actor], *, at: datetime, **changes: Any) -> None:
    """Enter or change a desk of the authority: one proposes, another agrees."""
    row = proposals.propose(
        "authority_contact", {**DESK, **changes}, actor=people["k.mistry"], at=at, reason="National list."
    )
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=at, reason="Compared.")


def authority() -> Actor:
    return actors.agency(Agency.objects.get(code=AUTHORITY))


@story
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


@story
def bare(people: dict[str, Actor]) -> Case:
    """What came is for the interception unit."""
    enter(people)
    return intake.open_case(KIND, actor=people["k.mistry"], at=AT, facts={"request_type": "interception"})


def look(case: Case, actor: Actor, *, at: Any = AT) -> None:
    """Open every file of the package beside the request, as its page does."""
    for part in package.parts_of(case):
        reader = sealing.Reader(
            actor=actor.label, verb="view", purpose="casework", streams=(case.uid,), fields=(f"part-{part.number}",)
        )
        package.bytes_of(part, reader=reader, at=at)


def after(case: Case, name: str, actor: Actor, at: Any = AT, **inputs: Any) -> Case:
    """Take a step; whoever releases has opened every file before."""
    if name == "release":
        look(case, actor, at=at)
    return transitions.apply(case.pk, name, actor=actor, at=at, inputs=inputs)


@story
def authenticated(people: dict[str, Actor], **facts: Any) -> Case:
    return after(received(people, **facts), "verify", people["k.mistry"], **CALL)


@story
def with_shut_item(people: dict[str, Actor]) -> Case:
    """Authenticated; the text of messages is asked for too, which nothing opens."""
    return authenticated(people, items=["subscriber_name", "sms_text"])


@story
def voluntary(people: dict[str, Actor]) -> Case:
    """Authenticated, on a ground that counsel and an approver have to open."""
    return authenticated(people, gateway="ipa_s11_3a_c", items=["subscriber_name"])


@story
def validated(people: dict[str, Actor], **facts: Any) -> Case:
    return after(authenticated(people, **facts), "validate", people["k.mistry"], is_ours=True)


@story
def clarification(people: dict[str, Actor]) -> Case:
    return after(authenticated(people), "clarify", people["k.mistry"], question="Is the period in UTC?")


@story
def refused(people: dict[str, Actor]) -> Case:
    return after(received(people), "refuse", people["k.mistry"], reason_code="no_gateway")


@story
def out_of_scope(people: dict[str, Actor]) -> Case:
    return after(bare(people), "out_of_scope", people["k.mistry"])


@story
def cancelled(people: dict[str, Actor]) -> Case:
    return after(received(people), "cancel", people["k.mistry"], notice="Letter of 14 November.")


@story
def applied_for(people: dict[str, Actor]) -> Case:
    """Notice came that an order is applied for."""
    return received(people, request_type="order_application_notice")


@story
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


@story
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


@story
def closed(people: dict[str, Actor]) -> Case:
    return after(let_go(people), "application_lapsed", people["k.mistry"])


# --- what is given ----------------------------------------------------------------------------------------------------
TEXTS = {
    "necessity": "Who rang the complainant.",
    "proportionality": "Two weeks of one number.",
    "collateral": "Who was rung appears as a number.",
}
NAMES = b"item,address,at,name\nsubscriber_name,+447700900789,,Osian Marchbanks\n"
CALLS = b"item,address,at,to\noutgoing_calls,+447700900789,2026-11-02T09:00Z,+447700900111\n"
CHECKED = ["nothing_beyond", "third_parties", "times", "no_secrets"]
COMPARED = ["urn", "addresses", "period", "items", "sheets"]
ERROR = {
    "fault": "excess_data",
    "found_at": AT + timedelta(minutes=1),
    "how": "A column too many.",
    "collateral": "Nobody else.",
    "is_breach": False,
}
SETTLED = {"kind": "reportable", "cause": "lookup", "prevention": "A second look.", "ask_to_destroy": True}


def other_approver(people: dict[str, Actor]) -> Actor:
    """A second approver of the unit, who released nothing."""
    return replace(
        people["m.achterberg"], roles=frozenset({"disclosure_approver"}), team_ids=people["e.hallam"].team_ids
    )


def say_why(case: Case, item: str, people: dict[str, Actor], *, at: Any = AT, **changes: Any) -> None:
    said = {"texts": TEXTS, "minimised": ["only_items", "only_period"], "is_nothing_held": False, **changes}
    package.set_ground(case.pk, item, actor=people["k.mistry"], at=at, **said)


def add(case: Case, item: str, data: bytes, people: dict[str, Actor], *, at: Any = AT, **said: Any) -> Any:
    said = {"media_type": "text/csv", "actor": people["k.mistry"], **said}
    return package.add_part(case.pk, item=item, data=data, at=at, **said)


def held_by(case: Case, subject: str, since: datetime, until: datetime | None, people: Any, *, at: Any = AT) -> None:
    phone = TARGET["values"]["phone"]
    package.add_holder(
        case.pk, address=phone, subject=subject, begins_at=since, ends_at=until, actor=people["k.mistry"], at=at
    )


@story
def taken_out(people: dict[str, Actor], **facts: Any) -> Case:
    """Being taken out; nothing is in the package yet."""
    return after(validated(people, **facts), "extract", people["k.mistry"])


@story
def extracting(people: dict[str, Actor], **facts: Any) -> Case:
    """Everything is in the package."""
    case = taken_out(people, **facts)
    for item, data in (("subscriber_name", NAMES), ("outgoing_calls", CALLS)):
        if item in facts.get("items", FACTS["items"]):
            say_why(case, item, people)
            add(case, item, data, people)
    held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    return Case.objects.get(pk=case.pk)


@story
def quality_check(people: dict[str, Actor], **facts: Any) -> Case:
    """The approver has opened every file."""
    case = after(extracting(people, **facts), "submit", people["k.mistry"], checked=CHECKED)
    look(case, people["e.hallam"])
    return case


@story
def released(people: dict[str, Actor], **facts: Any) -> Case:
    return after(quality_check(people, **facts), "release", people["e.hallam"], compared=COMPARED)


@story
def tried(people: dict[str, Actor]) -> Case:
    """Released; a try to send it failed, so that the authority may have it."""
    case = released(people)
    OutboxMessage.objects.filter(case=case, kind="le_result").update(attempts=1)
    return case


@story
def receipted(people: dict[str, Actor], **facts: Any) -> Case:
    return after(released(people, **facts), "confirm_receipt", people["k.mistry"], how="By telephone, SPoC 4417.")


@story
def error_review(people: dict[str, Actor], **facts: Any) -> Case:
    """An error came to light after the receipt."""
    case = receipted(people, **facts)
    return after(case, "report_error", people["k.mistry"], AT + timedelta(minutes=2), **ERROR)


@story
def error_before_receipt(people: dict[str, Actor]) -> Case:
    case = released(people)
    return after(case, "report_error", people["k.mistry"], AT + timedelta(minutes=2), **ERROR)


URGENT: dict[str, Any] = {
    "request_type": "cd_urgent",
    "grade": 1,
    "gateway": "ipa_61a",
    "purpose": "prevent_death_injury",
    "granted_date": date(2026, 11, 14),
    "items": ["subscriber_name"],
    "came_by": "telephone",
    "oral_given_at": AT,
}


@story
def urgent(people: dict[str, Actor]) -> Case:
    """Asked for by word of mouth, a life in danger; everything is in the package."""
    return extracting(people, **URGENT)


def written(case: Case, people: dict[str, Actor]) -> Case:
    edits.attach(
        case.pk,
        kind="written_notice",
        file_name="notice.txt",
        media_type="text/plain",
        data=b"Notice of 14 November.",
        actor=people["k.mistry"],
        at=AT,
    )
    return Case.objects.get(pk=case.pk)


@story
def given_orally(people: dict[str, Actor]) -> Case:
    """Given at once on an oral request; the written notice came."""
    case = after(urgent(people), "release_urgent", people["k.mistry"], checked=CHECKED)
    return written(case, people)


@story
def given_orally_and_receipted(people: dict[str, Actor]) -> Case:
    return after(given_orally(people), "confirm_receipt", people["k.mistry"], how="By telephone.")


# One of each open state, and one that counsel has to open.
OPEN = (
    *(received, on_notice, authenticated, with_shut_item, voluntary, validated, clarification),
    *(extracting, quality_check, released, receipted, error_review),
)
