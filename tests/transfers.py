"""Transfers abroad at every state, made by the verbs that staff and the data protection officer use."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, edits, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from tests.factories import AT, scan
from tests.keptstories import story

KIND, OFFICER, PROPOSER, RECIPIENT = "transfer", "j.merriweather", "e.hallam", "sandbox-recoveries"
REVIEW, NEXT_REVIEW = date(2027, 11, 30), date(2028, 11, 30)
FACTS: dict[str, Any] = {"recipient": RECIPIENT, "country": "IN", "why": "A call centre in Pune would ring debtors."}
APPROVED: dict[str, Any] = {
    "mechanism": "idta",
    "assessment": "TRA-2026-07",
    "document": 1,
    "is_not_lower": True,
    "review_date": REVIEW,
}


@story
def enter(code: str = RECIPIENT, kind: str = "dca", name: str = "Sandbox Recoveries", country: str = "GB") -> Agency:
    """Enter a recipient in the register, with a channel; return it."""
    plans = (
        agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/dca", allowed_cidrs=("127.0.0.0/8",)),
        agencies.ChannelPlan(direction="in"),
    )
    listing = agencies.Listing(code=code, kind=kind, display_name=name, country=country, terms=TERMS, channels=plans)
    return agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))


def recoveries() -> Actor:
    return actors.agency(enter())


def after(case: Case, name: str, actor: Actor, at: datetime = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


@story
def proposed(people: dict[str, Actor], *, at: datetime = AT, **facts: Any) -> Case:
    """Each to a country of its own, unless a test names one: the same transfer is not proposed twice."""
    enter()
    taken = Case.objects.filter(kind=KIND).count()
    country = {"country": ("IN", "PH", "ZA", "EG", "US", "KE", "MY")[taken % 7]}
    case = intake.open_case(KIND, actor=people[PROPOSER], at=at, facts={**FACTS, **country, **facts})
    assess(case, people, at=at)
    scan(at=at)
    return Case.objects.get(pk=case.pk)


def assess(case: Case, people: dict[str, Actor], *, at: datetime = AT, data: bytes = b"Assessed: not lower.") -> None:
    """Attach the risk assessment; it waits for the scanner."""
    edits.attach(
        case.pk,
        kind="assessment",
        file_name="assessment.txt",
        media_type="text/plain",
        data=data,
        actor=people[PROPOSER],
        at=at,
    )


@story
def approved(people: dict[str, Actor], *, at: datetime = AT, **inputs: Any) -> Case:
    return after(proposed(people, at=at), "approve", people[OFFICER], at=at, **{**APPROVED, **inputs})


@story
def refused(people: dict[str, Actor]) -> Case:
    return after(proposed(people), "refuse", people[OFFICER])


@story
def ended(people: dict[str, Actor]) -> Case:
    return after(approved(people), "end", people[OFFICER])


@story
def withdrawn(people: dict[str, Actor]) -> Case:
    return after(proposed(people), "take_back", people[PROPOSER])


@story
def lapsed(people: dict[str, Actor]) -> Case:
    return after(approved(people), "lapse", actors.system("clocks"), at=AT + timedelta(days=500))
