"""Rights requests and complaints at every state, made by the verbs that the rights desk uses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cases.agencies.directory import TERMS
from cases.kernel import actors, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.finding import matching
from cases.kernel.models import Agency, Approval, Case, PersonPair
from cases.rights import access, copies, held, texts
from tests.factories import AT
from tests.keptstories import story

REQUEST, COMPLAINT = "rights_request", "dp_complaint"
OFFICER, DPO = "i.sowande", "j.merriweather"
PERSON: dict[str, Any] = {
    "role": "person",
    "is_innocent": True,
    "values": {
        "forename": "Bartholomew",
        "surname": "Quince",
        "phone": "+447700900654",
        "email": "b.quince@example.org",
    },
    "addresses": [{"kind": "current", "line_1": "3 Orchard Steps", "town": "Norwich", "postcode": "NR2 0ZZ"}],
}
IDENTITY = {"how": "known_address"}
DONE = {
    "outcome": "done",
    "answer": "Put right in billing and on the website.",
    "given_how": "recorded_post",
    "given_proof": "RX 0000 0000 1GB",
}
NO = {"reason_code": "unfounded"}
FOUND = {"outcome": "upheld", "enquiries": "Asked the partner.", "answer": "The advertisement was ours; it is gone."}
AFTER_28 = AT + timedelta(days=30)


@story
def enter(code: str = "sandbox-tv", kind: str = "group_company", name: str = "Sandbox TV") -> Actor:
    """Enter a company that is told of stops, once; return it."""
    if not Agency.objects.filter(code=code).exists():
        listing = agencies.Listing(
            code=code,
            kind=kind,
            display_name=name,
            terms=TERMS,
            channels=(
                agencies.ChannelPlan(
                    direction="out", address=f"https://127.0.0.1:9/{code}", allowed_cidrs=("127.0.0.0/8",)
                ),
                agencies.ChannelPlan(direction="in"),
            ),
        )
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    return actors.agency(Agency.objects.get(code=code))


def own(code: str) -> Actor:
    """Enter one of the firm's own systems, once; return it."""
    listing = agencies.Listing(
        code=code, kind="own_system", display_name=code, channels=(agencies.ChannelPlan(direction="in"),)
    )
    return actors.agency(agencies.register(listing, actor=actors.system("tests"), at=AT))


@story
def asked(people: dict[str, Actor], right: str = "correction_help", *, by: str = OFFICER, **facts: Any) -> Case:
    given = {"right": right, "came_by": "letter", **facts}
    case = intake.open_case(REQUEST, actor=people[by], at=AT, facts=given, people=[PERSON])
    keep_apart()
    return case


def keep_apart() -> None:
    """Compare who was not compared yet, and let nobody wait for a decision: whom a test joins, it joins by itself."""
    matching.compare_due(now=AT)
    PersonPair.objects.filter(state="offered").delete()


def identify(case: Case, people: dict[str, Actor]) -> Case:
    keep_apart()
    transitions.apply(case.pk, "ask_identity", actor=people[OFFICER], at=AT)
    return transitions.apply(case.pk, "confirm_identity", actor=people[OFFICER], at=AT, inputs=IDENTITY)


def agree(case: Case, people: dict[str, Actor], *, at: datetime = AT) -> Case:
    """Let the data protection officer agree to what the officer proposed to do."""
    waiting = Approval.objects.get(case=case, act="act", closed_at=None)
    verdicts.decide(waiting.uid, "agreed", actor=people[DPO], at=at)
    return Case.objects.get(pk=case.pk)


def read_through(case: Case, people: dict[str, Actor], ground: str = "") -> Case:
    """Let the officer give every text and document of a request for access, or keep each back."""
    parties = held.rows(case)
    keys = [each.key for each in (*texts.texts(parties), *copies.to_read(parties))]
    texts.decide(case.pk, dict.fromkeys(keys, ground), actor=people[OFFICER], at=AT, act=access.MAKE)
    return Case.objects.get(pk=case.pk)


@story
def received(people: dict[str, Actor]) -> Case:
    """One that is ready to be carried out: identity is checked."""
    case = identity_check(people)
    return transitions.apply(case.pk, "confirm_identity", actor=people[OFFICER], at=AT, inputs=IDENTITY)


@story
def identity_check(people: dict[str, Actor]) -> Case:
    return transitions.apply(asked(people).pk, "ask_identity", actor=people[OFFICER], at=AT)


@story
def refused(people: dict[str, Actor]) -> Case:
    return transitions.apply(
        received(people).pk, "refuse", actor=people[DPO], at=AT, reason="Asked for the fifth time.", inputs=NO
    )


@story
def actioned(people: dict[str, Actor]) -> Case:
    """A request that nobody else has to be told of."""
    return transitions.apply(received(people).pk, "act", actor=people[OFFICER], at=AT, inputs=DONE)


@story
def stop(people: dict[str, Actor]) -> Case:
    return asked(people, "stop_marketing")


@story
def stopped(people: dict[str, Actor]) -> Case:
    """A stop that was carried out and has to be passed on."""
    enter()
    return transitions.apply(stop(people).pk, "act", actor=people[OFFICER], at=AT)


@story
def propagating(people: dict[str, Actor]) -> Case:
    return transitions.apply(stopped(people).pk, "propagate", actor=actors.system("tests"), at=AT)


@story
def closed(people: dict[str, Actor]) -> Case:
    return transitions.apply(actioned(people).pk, "confirm", actor=actors.system("tests"), at=AT)


@story
def complaint(people: dict[str, Actor], **facts: Any) -> Case:
    given = {"about": "marketing", "came_by": "web_form", "complaint": "An advertisement followed me.", **facts}
    return intake.open_case(COMPLAINT, actor=people[OFFICER], at=AT, facts=given, people=[PERSON])


@story
def acknowledged(people: dict[str, Actor]) -> Case:
    return transitions.apply(complaint(people).pk, "acknowledge", actor=people[OFFICER], at=AT)


@story
def answered(people: dict[str, Actor]) -> Case:
    return transitions.apply(acknowledged(people).pk, "close", actor=people[DPO], at=AT, inputs=FOUND)
