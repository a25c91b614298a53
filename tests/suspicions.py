"""Suspicion reports at every state, made by the verbs that staff and the unit use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases.fraud.suspicion import codes
from cases.kernel import actors, edits, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, OutboxMessage
from tests.factories import AT
from tests.keptstories import story

KIND = "suspicion_report"
SUBJECT: dict[str, Any] = {
    "role": "subject",
    "values": {"forename": "Balthazar", "surname": "Vellacott", "phone": "+447700900456"},
    "addresses": [{"kind": "current", "line_1": "3 Lantern Hill", "town": "Cardiff", "postcode": "CF10 0ZZ"}],
}
AFTER_NOTICE = AT + timedelta(days=30)
AFTER_MORATORIUM = AT + timedelta(days=60)


def fiu() -> Actor:
    return actors.agency(Agency.objects.get(code="sandbox-fiu"))


@story
def referred(people: dict[str, Actor], *, by: str = "p.nair", **facts: Any) -> Case:
    given = {"referral": "Refund asked for to an account of a stranger.", "account_reference": "NM-7001, NM-7002"}
    return intake.open_case(KIND, actor=people[by], at=AT, facts={**given, **facts})


@story
def written(people: dict[str, Actor], *, reason_code: str = codes.DEFENCE_MONEY, **facts: Any) -> Case:
    case = referred(people, **facts)
    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(reason_code=reason_code, narrative="Three refunds in a week. Why: UNKNOWN.", transactions="£900.00")
        edit.add_party(SUBJECT)
    return Case.objects.get(pk=case.pk)


def _after(case: Case, name: str, actor: Actor, at: Any = AT, **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason="Tried.", inputs=inputs)


@story
def submitted(people: dict[str, Actor], **facts: Any) -> Case:
    return _after(written(people, **facts), "submit", people["h.castellan"])


@story
def not_taken(people: dict[str, Actor]) -> Case:
    case = submitted(people)
    OutboxMessage.objects.filter(case=case).update(state="refused", attempts=1)
    return case


@story
def acknowledged(people: dict[str, Actor], **facts: Any) -> Case:
    return _after(submitted(people, **facts), "acknowledge", fiu(), agency_reference="FIU-2026-0001")


@story
def consented(people: dict[str, Actor]) -> Case:
    return _after(acknowledged(people), "consent", fiu())


@story
def moratorium(people: dict[str, Actor]) -> Case:
    return _after(acknowledged(people), "refuse", fiu())


@story
def dismissed(people: dict[str, Actor]) -> Case:
    return _after(written(people), "dismiss", people["h.castellan"])


@story
def closed(people: dict[str, Actor]) -> Case:
    return _after(consented(people), "close", people["h.castellan"])
