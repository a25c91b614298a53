"""Traces of calls at every state, made by the verbs that staff use (scenario N-1)."""

from __future__ import annotations

from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from tests import disclosures
from tests.factories import AT
from tests.keptstories import story

KIND, COLLEAGUE, ANALYST, APPROVER = "trace", "p.nair", "a.byrne", "d.osei"
TRANSIT, OVERSEAS = "sandbox-transit", "sandbox-overseas"
PROVIDERS = ((TRANSIT, "Sandbox Transit"), (OVERSEAS, "Sandbox Overseas"))
FACTS: dict[str, Any] = {
    "line": "+441632960111",
    "calls": "14 calls from a withheld number between 20 and 22 November 2026, all after 22:00 GMT.",
    "call_count": 14,
    "harm": "She does not sleep and is afraid.",
    "police_reference": "SBX-NC-9",
}
WILHELMINA: dict[str, Any] = {
    "role": "complainant",
    "is_innocent": True,
    "values": {"forename": "Wilhelmina", "surname": "Strake", "phone": "+441632960111"},
    "addresses": [{"kind": "current", "line_1": "8 Mill Street", "town": "Truro", "postcode": "TR1 0ZZ"}],
}
ASKED = {"provider": "Sandbox Transit"}
PASSED = {"recipient": "sandbox-constabulary", "interest": "They investigate these calls under SBX-NC-9."}
FOUND = {**ASKED, "outcome": "caller_found", "result": "The calls came from +441632960222."}


def after(case: Case, name: str, actor: Actor, at: Any = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


@story
def requested(people: dict[str, Actor], *, at: Any = AT, **facts: Any) -> Case:
    return intake.open_case(KIND, actor=people[COLLEAGUE], at=at, facts={**FACTS, **facts}, people=[WILHELMINA])


@story
def accepted(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(requested(people, at=at), "accept", people[APPROVER], at, is_expedient=True)


@story
def tracing(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(accepted(people, at=at), "start", people[ANALYST], at, **ASKED)


@story
def result_held(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(tracing(people, at=at), "hold_result", people[ANALYST], at, **FOUND)


@story
def passed(people: dict[str, Actor], *, at: Any = AT) -> Case:
    enter(people)
    return after(result_held(people, at=at), "pass", people[APPROVER], at, **PASSED)


@story
def enter(people: dict[str, Actor]) -> None:
    """Enter two providers and the police in the register, unless they are there."""
    disclosures.enter(people)
    for code, name in PROVIDERS:
        if not Agency.objects.filter(code=code).exists():
            out = agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/x", allowed_cidrs=("127.0.0.0/8",))
            plans = (out, agencies.ChannelPlan(direction="in"))
            listing = agencies.Listing(code=code, kind="provider", display_name=name, terms=TERMS, channels=plans)
            agencies.register(listing, actor=actors.system("tests"), at=AT)


def provider() -> Actor:
    """Return the first provider that may be asked; a trace has entered it."""
    return actors.agency(Agency.objects.get(code=PROVIDERS[0][0]))


@story
def declined(people: dict[str, Actor]) -> Case:
    return after(requested(people), "decline", people[APPROVER])


@story
def closed(people: dict[str, Actor]) -> Case:
    return after(result_held(people), "close", people[ANALYST])
