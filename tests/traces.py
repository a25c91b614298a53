"""Traces of calls at every state, made by the verbs that staff use (scenario N-1)."""

from __future__ import annotations

from typing import Any

from cases.kernel import intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from tests.factories import AT

KIND, COLLEAGUE, ANALYST, APPROVER = "trace", "p.nair", "a.byrne", "d.osei"
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
    "addresses": [],
}
ASKED = {"provider": "Sandbox Transit"}
FOUND = {**ASKED, "outcome": "caller_found", "result": "The calls came from +441632960222."}


def after(case: Case, name: str, actor: Actor, at: Any = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


def requested(people: dict[str, Actor], *, at: Any = AT, **facts: Any) -> Case:
    return intake.open_case(KIND, actor=people[COLLEAGUE], at=at, facts={**FACTS, **facts}, people=[WILHELMINA])


def accepted(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(requested(people, at=at), "accept", people[APPROVER], at, is_expedient=True)


def tracing(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(accepted(people, at=at), "start", people[ANALYST], at, **ASKED)


def result_held(people: dict[str, Actor], *, at: Any = AT) -> Case:
    return after(tracing(people, at=at), "hold_result", people[ANALYST], at, **FOUND)


def declined(people: dict[str, Actor]) -> Case:
    return after(requested(people), "decline", people[APPROVER])


def closed(people: dict[str, Actor]) -> Case:
    return after(result_held(people), "close", people[ANALYST])
