"""Partners' queries at every state, made as a bank's system makes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.disclosure.partners import simevents
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import actors, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from cases.kernel.office import proposals
from tests.factories import AT
from tests.keptstories import story

KIND = "partner_query"
BANK = "sandbox-bank"
NUMBER = "+447700900123"
HEARD_AT = datetime(2099, 1, 1, tzinfo=UTC)  # the network is never silent, unless a test has it so
SWAPPED_AT = datetime(2026, 11, 13, 10, 0, tzinfo=UTC)
AGREEMENT: dict[str, Any] = {
    "agency": BANK,
    "reference": "SBX-PARTNER-1",
    "purposes": ["sim_swap_check", "bank_txn_verify", "record_accuracy"],
    "allowed_fields": ["swapped", "latestSimChange", "verified", "recordMatches"],
    "per_minute": 60,
    "per_day": 5000,
    "retention_months": 0,
    "audit": "A sample of 50 queries each quarter, compared with the partner's own records.",
    "processors": [],
    "begins_date": date(2026, 1, 1),
    "ends_date": date(2027, 12, 31),
    "is_live": True,
}


@story
def enter(people: dict[str, Actor], **changes: Any) -> Actor:
    """Enter the bank, the network and the agreement, which another person agrees to; return the bank."""
    at = AT - timedelta(days=3)
    for code, kind in ((BANK, "bank"), ("own-network", "own_system")):
        if not Agency.objects.filter(code=code).exists():
            terms = {"terms": TERMS} if kind == "bank" else {}
            plan = agencies.ChannelPlan(direction="in")
            listing = agencies.Listing(code=code, kind=kind, display_name=_name(code), channels=(plan,), **terms)
            agencies.register(listing, actor=actors.system("tests"), at=at)
    simevents.hear(stream=Agency.objects.get(code="own-network").uid, at=HEARD_AT)
    if not PartnerAgreement.objects.exists() or changes:
        agree(people, at=at, **changes)
    return bank()


def _name(code: str) -> str:
    return code.replace("-", " ").title()


@story
def agree(people: dict[str, Actor], *, at: datetime, **changes: Any) -> None:
    """Enter or change the agreement: one proposes, another agrees."""
    payload = {**AGREEMENT, **changes}
    row = proposals.propose("partner_agreement", payload, actor=people["k.mistry"], at=at, reason="Signed.")
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=at, reason="Compared with the paper.")


def bank() -> Actor:
    return actors.agency(Agency.objects.get(code=BANK))


def swap(number: str = NUMBER, swapped_at: datetime = SWAPPED_AT) -> int:
    """Tell of one change of a SIM as the network does."""
    network = Agency.objects.get(code="own-network")
    return simevents.keep([(number, swapped_at)], stream=network.uid, actor=actors.agency(network), at=AT)


ANSWERED = {"is_within_rate": True, "is_served": True, "is_heard": True}


@story
def received(people: dict[str, Actor], **facts: Any) -> Case:
    asker = enter(people)
    agreement = PartnerAgreement.objects.get(agency__code=BANK, is_live=True)
    said = {"question": "sim_swap", "number": NUMBER, "max_age_hours": 240, "their_reference": "PAY-1"} | facts
    case = intake.open_case(
        KIND,
        actor=asker,
        at=AT,
        facts={**said, "partner_id": asker.agency_id, "agreement_id": agreement.pk},
        people=[{"role": "line_user", "source": "partner", "values": {"phone": said["number"]}}],
    )
    return Case.objects.get(pk=case.pk)


@story
def answered(people: dict[str, Actor], **facts: Any) -> Case:
    case, by = received(people, **facts), actors.system("tests")
    return transitions.apply(case.pk, "answer", actor=by, at=AT, inputs=ANSWERED)


@story
def refused(people: dict[str, Actor]) -> Case:
    case, by = received(people), actors.system("tests")
    return transitions.apply(case.pk, "refuse", actor=by, at=AT, inputs={"reason_code": "rate_exceeded"})


@story
def closed(people: dict[str, Actor]) -> Case:
    return transitions.apply(answered(people).pk, "close", actor=actors.system("tests"), at=AT + timedelta(days=366))
