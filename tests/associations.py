"""Financial associations at every state, made by the verbs that staff and agencies use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from cases.agencies.directory import TERMS
from cases.kernel import actors, casetypes, edits, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, OutboxMessage
from tests.factories import AT, scan
from tests.keptstories import story

KIND = "association"
BUREAUS = ("sandbox-bureau-a", "sandbox-bureau-b", "sandbox-bureau-c")
OFFICER, CONFIRMER = "m.achterberg", "p.lindqvist"
FACTS: dict[str, Any] = {
    "basis": "declared_marriage_cp",
    "channel": "web",
    "has_agreement": True,
    "agreement_kind": "recorded_call",
    "agreed_date": date(2026, 11, 13),
    "declaration": "We are civil partners.",
}
DECLARER: dict[str, Any] = {
    "role": "declarer",
    "values": {"forename": "Leocadia", "surname": "Brathwaite", "date_of_birth": "1979-02-11"},
    "addresses": [{"kind": "current", "line_1": "3 Lantern Court", "town": "Leeds", "postcode": "LS1 0ZZ"}],
}
OTHER: dict[str, Any] = {
    "role": "other_person",
    "values": {"forename": "Ottilie", "surname": "Snape", "date_of_birth": "1981-06-30"},
    "addresses": [{"kind": "current", "line_1": "88 Secret Mews", "town": "Penzance", "postcode": "TR18 0ZZ"}],
}
DENIAL = {"how": "phone", "words": "I never agreed."}
ASKS = {"asked_by": "declarer", "identity_check": "signed_in", "how": "web"}
NOTHING_JOINT = {"exposure": "none"}


@story
def enter() -> None:
    """Enter the three credit reference agencies in the register."""
    for code in BUREAUS:
        if not Agency.objects.filter(code=code).exists():
            channels = (
                agencies.ChannelPlan(
                    direction="out", address=f"https://127.0.0.1:9/{code}", allowed_cidrs=("127.0.0.0/8",)
                ),
                agencies.ChannelPlan(direction="in"),
            )
            name = f"Sandbox Bureau {code[-1].upper()}"
            listing = agencies.Listing(code=code, kind="cra", display_name=name, terms=TERMS, channels=channels)
            agencies.register(listing, actor=actors.system("tests"), at=datetime(2026, 11, 1, tzinfo=UTC))


def bureau(letter: str = "a") -> Actor:
    return actors.agency(Agency.objects.get(code=f"sandbox-bureau-{letter}"))


def other_reviewer(people: dict[str, Actor]) -> Actor:
    """A reviewer of the desk who had no part in the case so far."""
    return people["f.aldersey"]


def after(case: Case, name: str, actor: Actor, at: Any = AT, reason: str = "Tried.", **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)


def agree(case: Case, actor: Actor, at: Any = AT) -> Case:
    """Let a second person agree to what was proposed."""
    waiting = case.approvals.get(closed_at=None)
    verdicts.decide(waiting.uid, "agreed", actor=actor, at=at)
    return Case.objects.get(pk=case.pk)


def say(letter: str, case: Case, kind: str, *, at: Any = AT, reference: str = "", **data: Any) -> Case:
    """One agency calls back about the link, as the inbound door hands it to the family."""
    row = Agency.objects.get(code=f"sandbox-bureau-{letter}")
    message = OutboxMessage.objects.filter(case=case, channel__agency=row).latest("pk")
    content = Content(
        type=kind,
        agency_code=row.code,
        agency_kind=row.kind,
        agency_reference=reference,
        agency_sequence=None,
        occurred_at=at,
        data=data,
        message=message,
        callback_uid=uuid4(),
    )
    casetypes.get(KIND).callbacks[kind](Case.objects.get(pk=case.pk), content, actor=actors.agency(row), at=at)
    OutboxMessage.objects.filter(pk=message.pk, state="delivered").update(state="acknowledged", acknowledged_at=at)
    return Case.objects.get(pk=case.pk)


def attach(case: Case, actor: Actor, *, kind: str = "agreement", at: Any = AT) -> None:
    name = f"{kind}.txt"
    data = b"I agree to be linked."
    edits.attach(case.pk, kind=kind, file_name=name, media_type="text/plain", data=data, actor=actor, at=at)
    scan(at=at)


def _two(number: int) -> list[dict[str, Any]]:
    """Return two who were born so many days after the two of the first link: they are others."""
    two = []
    for person in (DECLARER, OTHER):
        born = date.fromisoformat(person["values"]["date_of_birth"]) + timedelta(days=number)
        two.append({**person, "values": {**person["values"], "date_of_birth": born.isoformat()}})
    return two


@story
def declared(people: dict[str, Actor], *, at: Any = AT, are_the_same: bool = False, **facts: Any) -> Case:
    """Declared of two whom no other link is about, unless they are the same as those of the first."""
    enter()
    two = _two(0 if are_the_same else Case.objects.filter(kind=KIND).count())
    case = intake.open_case(KIND, actor=people[OFFICER], at=at, facts={**FACTS, **facts}, people=two)
    attach(case, people[OFFICER], at=at)
    return Case.objects.get(pk=case.pk)


@story
def confirmed(people: dict[str, Actor], *, by: str = "", at: Any = AT, are_the_same: bool = False) -> Case:
    """Confirmed by a reviewer who is not the one of the matrix, unless a test names one."""
    return after(
        declared(people, at=at, are_the_same=are_the_same), "confirm", people[by] if by else other_reviewer(people), at
    )


@story
def active(people: dict[str, Actor], *, are_the_same: bool = False) -> Case:
    case = confirmed(people, are_the_same=are_the_same)
    for number, letter in enumerate("abc", start=1):
        case = say(letter, case, "association.recorded", reference=f"FA-2026-000{number}")
    return case


@story
def challenged(people: dict[str, Actor]) -> Case:
    return after(active(people), "challenge", people[OFFICER], **DENIAL)


@story
def correcting(people: dict[str, Actor]) -> Case:
    return after(challenged(people), "uphold_challenge", people[CONFIRMER])


@story
def all_removed(people: dict[str, Actor]) -> Case:
    """Every agency's link stands as removed and the case has not ended: as a person finds it who was told otherwise."""
    return _stand(correcting(people), "removed")


@story
def break_requested(people: dict[str, Actor]) -> Case:
    return after(active(people), "request_break", people[OFFICER], **ASKS)


@story
def signposted(people: dict[str, Actor]) -> Case:
    case = after(break_requested(people), "signpost", people[OFFICER], **NOTHING_JOINT)
    return agree(case, other_reviewer(people))


@story
def all_broken(people: dict[str, Actor]) -> Case:
    return _stand(signposted(people), "broken")


@story
def all_kept(people: dict[str, Actor]) -> Case:
    return _stand(signposted(people), "kept")


def _stand(case: Case, state: str) -> Case:
    """Let every agency's link stand so."""
    from cases.association.models import AgencyLink  # noqa: PLC0415 -- only what no verb leaves behind
    from cases.kernel import record  # noqa: PLC0415

    with record.act(case, "tests.prepared", actor=actors.system("tests"), at=AT):
        for row in AgencyLink.objects.filter(case=case):
            row.state = state
            row.save(update_fields=["state"])
    return case


def without_other(build: Callable[[dict[str, Actor]], Case]) -> Callable[[dict[str, Actor]], Case]:
    """Return how a case comes to be of which two people detached the other person."""

    def told(people: dict[str, Actor]) -> Case:
        return agree(after(build(people), "detach", people[OFFICER], person=2), other_reviewer(people))

    return told


@story
def rejected(people: dict[str, Actor]) -> Case:
    return after(declared(people), "reject", people[CONFIRMER])


@story
def broken(people: dict[str, Actor]) -> Case:
    return after(all_broken(people), "break", people[OFFICER])


@story
def withdrawn(people: dict[str, Actor]) -> Case:
    return after(all_removed(people), "corrected", people[OFFICER])
