"""Makes what tests need through the kernel's own functions: an office with people, agencies, cases at every state."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, edits, intake, outbox, transitions
from cases.kernel.actors import Actor
from cases.kernel.evidence import scanning
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, OutboxMessage, User
from cases.kernel.office import demo_people
from cases.ledger import sealing
from tests import keptoffice, keptstories
from tests.keptstories import story

AT = datetime(2026, 11, 14, 10, 0, tzinfo=UTC)
APPROVED_AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
FILED_AT = datetime(2026, 11, 16, 11, 0, tzinfo=UTC)

FACTS: dict[str, Any] = {
    "fpa_case_type": "facility_takeover",
    "reasons": ["unauth_sim_swap"],
    "product": "mob_paym",
    "sales_channel": "phone",
    "is_facility_granted": False,
    "discovered_date": datetime(2026, 11, 14, tzinfo=UTC).date(),
    "value_at_risk_pence": 109_900,
    "loss_pence": 0,
    "account_reference": "NM-4471",
    "notice_version": "2026-02",
    "notice_shown_date": datetime(2026, 3, 2, tzinfo=UTC).date(),
    "narrative": "Caller passed security, swapped the SIM and ordered a handset.",
    "incident_reference": "DET-88112",
}
FRAUDSTER: dict[str, Any] = {
    "role": "third_party_fraudster",
    "is_innocent": False,
    "values": {"alias": "Morwenna Tregaskis", "ip_address": "203.0.113.45"},
    "addresses": [{"kind": "delivery", "line_1": "Unit 4, 77 Fiction Way", "town": "Leeds", "postcode": "LS1 0ZZ"}],
}
VICTIM: dict[str, Any] = {
    "role": "victim_of_takeover",
    "is_innocent": True,
    "values": {
        "forename": "Morwenna",
        "surname": "Tregaskis",
        "phone": "+447700900123",
        "email": "m.tregaskis@example.org",
    },
    "addresses": [{"kind": "current", "line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}],
}
MAKER_ANSWERS = {number: {"is_met": True, "evidence": [1], "exception": ""} for number in (1, 2, 3, 4)}
CHECKER_INPUTS = {
    "pillars": {number: {"is_met": True} for number in (1, 2, 3, 4)},
    "has_reviewed_innocent": True,
}
LISTINGS = (
    ("sandbox-fraud-register", "fpa", "Sandbox Fraud Register", "https://127.0.0.1:9/fpa"),
    ("sandbox-fiu", "fiu", "Sandbox FIU", "https://127.0.0.1:9/fiu"),
    ("sandbox-post", "post", "Sandbox Post", "https://127.0.0.1:9/post"),
    ("sandbox-retail-alert", "fraud_alert", "Sandbox Retail Alert", "https://127.0.0.1:9/alert"),
    ("sandbox-report-fraud", "police_report", "Sandbox Report Fraud", "https://127.0.0.1:9/police"),
)


def office() -> dict[str, Actor]:
    """Return the acting identity of everyone in the demonstration office, by user name; there are agencies too."""
    people = keptoffice.restore()
    if people is None:
        return make_office()
    keptstories.stands_at_office(people)
    return people


def make_office() -> dict[str, Actor]:
    """Make people, teams, policy documents and agencies by the kernel's own functions."""
    people = {user.username: actors.staff(user) for user in demo_people.ensure(AT)}
    for code, kind, name, address in LISTINGS:
        agencies.register(
            agencies.Listing(
                code=code,
                kind=kind,
                display_name=name,
                terms=TERMS,
                channels=(
                    agencies.ChannelPlan(direction="out", address=address, allowed_cidrs=("127.0.0.0/8",)),
                    agencies.ChannelPlan(direction="in"),
                ),
            ),
            actor=actors.system("tests"),
            at=AT,
        )
    return people


def user(username: str) -> User:
    return User.objects.get(username=username)


def job() -> Actor:
    """A named job, which may do what no member of staff does alone."""
    return actors.system("tests")


def fpa() -> Actor:
    return actors.agency(Agency.objects.get(code="sandbox-fraud-register"))


@story
def referred(people: dict[str, Actor], *, by: str = "a.byrne", **facts: Any) -> Case:
    """Each has an incident of its own, unless a test names one: the same is not filed twice."""
    incident = {"incident_reference": f"DET-{88112 + Case.objects.count()}"}
    return intake.open_case(
        "fraud_referral", actor=people[by], at=AT, facts={**FACTS, **incident, **facts}, people=[FRAUDSTER, VICTIM]
    )


@story
def investigating(people: dict[str, Actor]) -> Case:
    case = referred(people)
    transitions.apply(case.pk, "take", actor=people["a.byrne"], at=AT)
    transitions.apply(case.pk, "accept", actor=people["a.byrne"], at=AT)
    edits.attach(
        case.pk,
        kind="call_recording",
        file_name="call-13-november.txt",
        media_type="text/plain",
        data=b"Recording of the call of 13 November.",
        actor=people["a.byrne"],
        at=AT,
    )
    return Case.objects.get(pk=case.pk)


def scan(verdict: str = "clean", *, at: datetime = AT) -> None:
    """Have every document that waits judged so."""
    while scanning.scan_due(now=at, scan=lambda chunks: scanning.Verdict(state=verdict if list(chunks) else "clean")):
        pass


@story
def ready(people: dict[str, Actor]) -> Case:
    case = investigating(people)
    return transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": MAKER_ANSWERS})


@story
def approved(people: dict[str, Actor]) -> Case:
    case = ready(people)
    return transitions.apply(case.pk, "approve", actor=people["d.osei"], at=APPROVED_AT, inputs=CHECKER_INPUTS)


@story
def submitted(people: dict[str, Actor]) -> Case:
    return transitions.apply(approved(people).pk, "submitted", actor=actors.system("delivery"), at=APPROVED_AT)


@story
def rejected(people: dict[str, Actor]) -> Case:
    return transitions.apply(
        approved(people).pk,
        "reject_by_agency",
        actor=actors.system("delivery"),
        at=APPROVED_AT,
        inputs={"errors": [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}]},
    )


@story
def filed(people: dict[str, Actor]) -> Case:
    return transitions.apply(
        submitted(people).pk,
        "file",
        actor=fpa(),
        at=FILED_AT,
        inputs={"agency_reference": "SFR-2026-0004417"},
    )


def filed_for(people: dict[str, Actor], kind: str, reason: str) -> Case:
    """A filing that is not adverse, for the victim alone."""
    case = intake.open_case(
        "fraud_referral",
        actor=people["a.byrne"],
        at=AT,
        facts={**FACTS, "fpa_case_type": kind, "reasons": [reason]},
        people=[VICTIM],
    )
    for move in ("take", "accept"):
        transitions.apply(case.pk, move, actor=people["a.byrne"], at=AT)
    edits.attach(
        case.pk, kind="chat", file_name="a.txt", media_type="text/plain", data=b"a", actor=people["a.byrne"], at=AT
    )
    transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": MAKER_ANSWERS})
    transitions.apply(case.pk, "approve", actor=people["d.osei"], at=APPROVED_AT, inputs=CHECKER_INPUTS)
    reference = {"agency_reference": "SFR-2026-0004417"}
    return transitions.apply(case.pk, "file", actor=fpa(), at=FILED_AT, inputs=reference)


def judge(people: dict[str, Actor], username: str = "h.castellan") -> Actor:
    """An approver of the desk who had no part in the case so far."""
    desk = people["d.osei"].team_ids
    return replace(people[username], roles=frozenset({"fraud_approver"}), team_ids=desk)


@story
def disputed(people: dict[str, Actor]) -> Case:
    return transitions.apply(
        filed(people).pk,
        "dispute",
        actor=people["i.sowande"],
        at=FILED_AT,
        inputs={"grounds": "innocent", "subject": "2"},
    )


@story
def removal_requested(people: dict[str, Actor]) -> Case:
    return transitions.apply(
        filed(people).pk, "remove", actor=people["d.osei"], at=FILED_AT, inputs={"reason_code": "error"}
    )


@story
def removed_by_hand(people: dict[str, Actor]) -> Case:
    """A removal that no message brings to the agency: somebody gave it up."""
    case = removal_requested(people)
    OutboxMessage.objects.filter(case=case, kind="fpa_remove").update(state="skipped")
    return case


@story
def removed(people: dict[str, Actor]) -> Case:
    return transitions.apply(removal_requested(people).pk, "confirm_removal", actor=fpa(), at=FILED_AT)


def body_of(message: OutboxMessage) -> dict[str, Any]:
    """Return the data of a promised message, opened as delivery would."""
    reader = sealing.Reader(actor="system:tests", verb="read", purpose="test", streams=(message.case.uid,))
    raw = outbox.open_body(message, reader=reader, at=FILED_AT)
    return json.loads(raw)["data"]
