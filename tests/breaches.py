"""Data breaches at every state, made by the verbs that staff and the data protection officer use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.disclosure.breach import callbacks
from cases.kernel import actors, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, OutboxMessage
from tests.factories import AT
from tests.keptstories import story

KIND, OFFICER, REGULATOR = "breach", "j.merriweather", "sandbox-regulator"
FACTS: dict[str, Any] = {
    "what": "A list of addresses went to the wrong shop.",
    "nature": "disclosed",
    "people_count": 40,
    "aware_at": AT - timedelta(hours=2),
}
ASSESSED: dict[str, Any] = {
    "is_secret": "no",
    "secrecy": "No request of an authority is involved.",
    "people_count": 41,
    "risk": "likely",
    "consequences": "Unwanted post.",
}
TOLD = {"measures": "The shop deleted the list and confirmed it."}
ENDED = {"measures": "The export asks for the shop twice.", "untold": "Contained within the firm."}


@story
def enter(code: str = REGULATOR, kind: str = "regulator", name: str = "Sandbox Regulator") -> Actor:
    """Enter a regulator in the register; return them."""
    if not Agency.objects.filter(code=code).exists():
        channels = (
            agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/ico", allowed_cidrs=("127.0.0.0/8",)),
            agencies.ChannelPlan(direction="in"),
        )
        listing = agencies.Listing(code=code, kind=kind, display_name=name, terms=TERMS, channels=channels)
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    return actors.agency(Agency.objects.get(code=code))


def after(case: Case, name: str, actor: Actor, at: Any = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


@story
def suspected(people: dict[str, Actor], *, by: str = "p.nair", **facts: Any) -> Case:
    enter()
    return intake.open_case(KIND, actor=people[by], at=AT, facts={**FACTS, **facts})


@story
def assessed(people: dict[str, Actor], **inputs: Any) -> Case:
    return after(suspected(people), "assess", people[OFFICER], **{**ASSESSED, **inputs})


@story
def notified(people: dict[str, Actor]) -> Case:
    """The notice has arrived."""
    case = after(assessed(people), "notify", people[OFFICER], **TOLD)
    OutboxMessage.objects.filter(case=case).update(state="delivered", delivered_at=AT, settled_at=AT, attempts=1)
    callbacks.delivered(case, OutboxMessage.objects.get(case=case), at=AT)
    return Case.objects.get(pk=case.pk)


@story
def not_a_breach(people: dict[str, Actor]) -> Case:
    return after(suspected(people), "dismiss", people[OFFICER])


@story
def closed(people: dict[str, Actor]) -> Case:
    return after(notified(people), "close", people[OFFICER], **ENDED)
