"""Checks at every state, made by the verbs that the order system and the credit desk use."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from cases.agencies import delivery, settlement, signatures
from cases.agencies.sandbox import desks
from cases.agencies.transports.base import Answer, Parcel
from cases.credit.models import Search
from cases.kernel import actors, calendars, intake, record, transitions
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, Channel, Letter, OutboxMessage
from cases.kernel.timing import sweeps
from tests import associations, requests_of_people
from tests.factories import AT
from tests.keptstories import story

KIND = "check"
OFFICER, REVIEWER = "m.achterberg", "p.lindqvist"
HOME = {"kind": "current", "line_1": "5 Cobbler's Yard", "town": "Norwich", "postcode": "NR2 0ZZ"}
APPLICANT: dict[str, Any] = {
    "role": "applicant",
    "is_innocent": True,
    "values": {
        "forename": "Idris",
        "surname": "Fenwick-Okafor",
        "date_of_birth": "1991-07-30",
        "phone": "+447700900456",
    },
    "addresses": [HOME],
}
FACTS: dict[str, Any] = {
    "occasion": "new",
    "channel": "web",
    "product": "handset_contract",
    "monthly_pence": 4500,
    "notice_version": "2026-02",
}
YES = {"outcome": "accept", "reasons": ["meets_criteria"], "involvement": "Read the file and spoke to the applicant."}
NO = {"outcome": "decline", "reasons": ["affordability"], "involvement": "Compared income and commitments."}
AFTER_30 = AT + timedelta(days=31)


class Bureaus:
    """Answers searches as the sandbox agencies do, and remembers what arrived under which id."""

    def __init__(self) -> None:
        self.footprints: list[tuple[str, str]] = []
        self.answers: dict[str, bytes] = {}

    def __call__(self, parcel: Parcel) -> Answer:
        message_id = parcel.headers["webhook-id"]
        if message_id not in self.answers:
            message = json.loads(parcel.body)
            kind = {"cra_search": "cra", "fpa_search": "fpa"}.get(message["type"], "fraud_alert")
            reply = desks.reply(kind, desks.Visit(message, len(self.footprints), AT))
            if str(message["type"]).endswith("_search"):
                self.footprints.append((message["data"]["search_key"], message_id))
            self.answers[message_id] = json.dumps({"status": "accepted", **reply.said}).encode()
        return Answer(status=202, body=self.answers[message_id], media_type="application/json")


def refuse(_parcel: Parcel) -> Answer:
    """Answer as an agency that does not take a search."""
    return Answer(
        status=422, body=b'{"errors": [{"pointer": "/data", "code": "x"}]}', media_type="application/problem+json"
    )


def applicant(surname: str = "Fenwick-Okafor") -> dict[str, Any]:
    return {**APPLICANT, "values": {**APPLICANT["values"], "surname": surname}}


@story
def enter() -> None:
    """Enter the agencies that are searched, each with a secret to sign with, once."""
    associations.enter()
    for channel in Channel.objects.filter(direction="out", agency__kind__in=("cra", "fpa", "fraud_alert"), keys=None):
        agencies.add_key(channel, signatures.new_secret(), name="out-1", actor=actors.system("tests"), at=AT)


@story
def running(people: dict[str, Actor], surname: str = "Fenwick-Okafor", **facts: Any) -> Case:
    enter()
    given = {"application_id": f"ORD-{118204 + Case.objects.count()}", **FACTS, **facts}
    return intake.open_case(KIND, actor=people[OFFICER], at=AT, facts=given, people=[applicant(surname)])


def answer(case: Case, by: Any = None, at: Any = AT) -> Case:
    """Let the agencies answer, as delivery does, and the case take note."""
    transport = by or Bureaus()
    asked = [uid for uid in Search.objects.filter(case=case).values_list("message_id", flat=True) if uid]
    # The queue goes by the time at which its transaction began: in a test, before anything was promised.
    OutboxMessage.objects.filter(public_id__in=asked, state="pending").update(due_at=AT - timedelta(days=400))
    delivery.deliver_now(asked, clock=lambda: at, seconds=8, transports={"https": transport})
    settlement.settle_these(asked, now=at)
    return Case.objects.get(pk=case.pk)


@story
def refused_automatically(people: dict[str, Actor]) -> Case:
    return answer(running(people))


@story
def referred(people: dict[str, Actor]) -> Case:
    return answer(running(people, "Thistlewood"))


@story
def answered(people: dict[str, Actor]) -> Case:
    """A running check whose searches are over, so that the system may move it."""
    case = running(people)
    with record.act(case, "tests.answered", actor=actors.system("tests"), at=AT):
        for search in Search.objects.filter(case=case):
            search.state = "unreadable"
            search.save(update_fields=["state"])
    return case


@story
def decided(people: dict[str, Actor], given: dict[str, Any] | None = None) -> Case:
    return transitions.apply(referred(people).pk, "decide", actor=people[OFFICER], at=AT, inputs=given or YES)


@story
def closed(people: dict[str, Actor]) -> Case:
    return transitions.apply(decided(people).pk, "close", actor=actors.system("tests"), at=AFTER_30)


def told(case: Case, at: Any = AT) -> Case:
    """Let the post house say that every letter about a check is in the post."""
    with record.act(Case.objects.get(pk=case.pk), "tests.posted", actor=actors.system("tests"), at=at):
        for letter in Letter.objects.filter(case=case, state__in=("due", "rendered")):
            letter.state, letter.dispatched_date = "dispatched", calendars.london_date(at)
            letter.save(update_fields=["state", "dispatched_date"])
    return Case.objects.get(pk=case.pk)


def sweep(at: Any) -> int:
    return sweeps.end_due_clocks(now=at)


orders = requests_of_people.own


# Contests of decisions.

RIGHTS = "i.sowande"
CONTESTED: dict[str, Any] = {"came_by": "web_form", "wording": "I am the victim."}
PERSON: dict[str, Any] = {**APPLICANT, "role": "person"}
IDENTITY = {"how": "video"}
WON = {
    "outcome": "overturned",
    "findings": "The passport was seen on video; the match protects him.",
    "answer": "You are right. We offer the contract.",
}
AGAIN = {"outcome": "accept", "reasons": ["meets_criteria"], "involvement": "Left out what an impersonator sent."}
WORDS = {"words": "Forget it, I went elsewhere."}


@story
def contest(people: dict[str, Actor], check: Case | None = None, at: Any = AT) -> Case:
    """Contested by the applicant: what is decided by a person here is Thistlewood's."""
    check = check or decided(people)
    is_alone = check.check_decisions.filter(automated_level="solely").exists()
    person = {**(applicant() if is_alone else applicant("Thistlewood")), "role": "person"}
    facts = {**CONTESTED, "check_reference": check.reference}
    return intake.open_case("contest", actor=people[RIGHTS], at=at, facts=facts, people=[person])


@story
def contest_identity_check(people: dict[str, Actor]) -> Case:
    return transitions.apply(contest(people).pk, "ask_identity", actor=people[RIGHTS], at=AT)


def to_reviewer(people: dict[str, Actor]) -> dict[str, Any]:
    return {"reviewer": str(people[REVIEWER].user_id)}


@story
def contest_assigned(people: dict[str, Actor], check: Case | None = None, at: Any = AT) -> Case:
    case = contest(people, check, at)
    return transitions.apply(case.pk, "assign", actor=people[RIGHTS], at=at, inputs=to_reviewer(people))


@story
def contest_decided(people: dict[str, Actor], check: Case | None = None, at: Any = AT) -> Case:
    case = contest_assigned(people, check, at)
    return transitions.apply(case.pk, "decide", actor=people[REVIEWER], at=at, reason="Seen.", inputs=WON)


@story
def contest_closed(people: dict[str, Actor]) -> Case:
    return transitions.apply(contest_decided(people).pk, "notify", actor=actors.system("tests"), at=AT)


@story
def contest_withdrawn(people: dict[str, Actor]) -> Case:
    return transitions.apply(contest(people).pk, "withdraw", actor=people[RIGHTS], at=AT, inputs=WORDS)


@story
def contested(people: dict[str, Actor]) -> Case:
    """A decided check whose decision was contested and overturned."""
    check = decided(people)
    contest_decided(people, check)
    return Case.objects.get(pk=check.pk)


@story
def contest_with_another_reviewer(people: dict[str, Actor]) -> Case:
    """A contest that lies with somebody who cannot decide it any more."""
    case = contest_assigned(people)
    with record.act(case, "tests.prepared", actor=actors.system("tests"), at=AT):
        case.contest.reviewer_id = people["h.castellan"].user_id
        case.contest.save(update_fields=["reviewer"])
    return Case.objects.get(pk=case.pk)
