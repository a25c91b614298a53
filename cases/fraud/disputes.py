"""Somebody says that a filing is wrong: the dispute, its clock and review, its end, and the answer to the person.

Several people may, each with a month of their own; whoever decides about the filing decides about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases.fraud import codes, messages, periods
from cases.fraud.models import FraudDispute
from cases.kernel import calendars, casetypes, clocks, outbox, record, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.exchange import corrections, letters
from cases.kernel.models import Case, CaseParty, Clock, Letter, Task
from cases.kernel.transitions import AlreadyThere

__all__ = [
    "CLOCK",
    "LETTERS",
    "MORE",
    "TASKS",
    "answer_detached",
    "answer_expired",
    "answered_by_hand",
    "end",
    "is_not_known",
    "is_of",
    "is_open",
    "letter_dispatched",
    "names_grounds_and_person",
    "note_when_down",
    "open_dispute",
    "open_ones",
    "tell_of_removal",
    "to_answer",
    "uphold",
    "write_answer",
]

CLOCK, BY_HAND = "k10_request", "fraud_answer_by_hand"
clocks.due_with(CLOCK, "fraud_dispute")
TASKS = {
    "fraud_dispute": "Somebody disputes the filing: look at it again",
    BY_HAND: "Answer a person about their filing without a letter of the system",
}
# Why a person is answered by hand, in words.
_CAUSES = {
    "nobody_named": "whom the case does not name",
    "detached": "who is no part of the case any more",
    "prejudice": "whom a letter would warn",
    "dead": "who is dead: write to who looks after the estate",
    "expired": "whose filing has expired",
    "no_marker": "of whom nothing is on file any more",
    "when_down": "who complained of it when it was down already",
}


def _whom_and_why(detail: Mapping[str, Any]) -> str:
    who = f"person {detail['person']}" if "person" in detail else ""
    said = codes.GROUNDS.labels().get(str(detail.get("grounds", "")), "")
    parts = (who, _CAUSES.get(str(detail.get("cause", "")), ""), f"“{said}”" if said else "")
    return ", ".join(each for each in parts if each)


MORE = {BY_HAND: _whom_and_why}
ENDED_BY = {"fraud_dispute": "This ends when the dispute is decided."}
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/fraud/letters/{code}.html",
        effective_from=date(2026, 1, 1),
        extra={"filing_reference": "The agency's reference of the filing", "filed_date": "When it was filed"},
        kept_by=periods.EXPIRIES,
    )
    for code, label in (
        ("n17", "Answer to a dispute: the filing stands"),
        ("n18", "Answer to a dispute: the filing was amended"),
        ("n19", "The filing was removed"),
    )
)
_ANSWERS = frozenset({"n17", "n18", "n19"})
# Which say until when the marker of the person stands.
_STANDS = frozenset({"n17", "n18"})
# To the person, whether it was printed yet or came back.
WRITTEN = ("rendered", "dispatched", "returned")


def open_ones(case: Case) -> list[FraudDispute]:
    """Return the open disputes of a case, oldest first. One query."""
    return list(FraudDispute.objects.select_related("party").filter(case=case, closed_at=None).order_by("pk"))


def is_of(case: Case, subject: str) -> bool:
    """Say whether somebody who is part of the case has this number. One query at most."""
    return _person(case, subject) is not None


def is_open(case: Case, *, subject: str, grounds: str) -> bool:
    """Say whether the same person disputes the filing on the same grounds, and is not decided about."""
    return FraudDispute.objects.filter(
        case=case, party=_person(case, subject), grounds=grounds, closed_at=None
    ).exists()


def names_grounds_and_person(context: Any) -> str | None:
    inputs = context.inputs
    if inputs.get("grounds") not in dict(codes.GROUNDS):
        return "Say on which grounds it is disputed."
    if inputs.get("subject") and _person(context.case, inputs["subject"]) is None:
        return "This person is not part of the case."
    received = inputs.get("received_date")
    if received is not None and received > calendars.london_date(context.at):
        return "The dispute cannot have come in on a day to come."
    return None


def is_not_known(context: Any) -> str | None:
    inputs = context.inputs
    if is_open(context.case, subject=inputs.get("subject") or "", grounds=inputs.get("grounds") or ""):
        return "This person disputes the filing on these grounds already, and is not answered yet."
    return None


def _person(case: Case, subject: Any) -> CaseParty | None:
    number = str(subject or "")
    if not number.isdecimal() or len(number) > 4:
        return None
    return CaseParty.objects.filter(case=case, number=int(number), is_detached=False).first()


def open_dispute(context: Any) -> None:
    """Put the dispute on record, start the month in which it is answered, ask the desk to look at the filing again, and
    tell the agency so that it may suspend use of the marker, unless it was the agency that told us or is to take the
    filing down. Who names other grounds before they are answered is answered to both within the month that runs."""
    case, grounds = context.case, context.inputs["grounds"]
    party = _person(case, context.inputs.get("subject"))
    known = _undecided(case, party)
    FraudDispute.objects.create(case=case, party=party, grounds=grounds, opened_at=context.at)
    received = context.inputs.get("received_date")
    started_at = min(calendars.end_of_day(received) if received else context.occurred_at, context.at)
    clock = known[-1] if party and known else clocks.start(case, CLOCK, started_at=started_at, party=party)
    tasks.raise_task("fraud_dispute", case=case, at=context.at, due_at=clock.due_at, grounds=grounds)
    if context.actor.kind != "agency" and case.state != "removal_requested":
        _tell_agency(case, is_open=True, grounds=grounds, party=party, actor=context.actor, at=context.at)


def note_when_down(
    case: Case, *, subject: str, grounds: str, received_at: datetime, cause: UUID | None, actor: Actor, at: datetime
) -> None:
    """Somebody complains of a filing that is down: whatever stands, they are answered within the month (UK GDPR Art
    12(3)), by a person. One act of the locked case's stream, which stays as it has ended. Who is not answered yet is
    answered to both within the month that runs; raises AlreadyThere where they say the same."""
    party = _person(case, subject)
    known = _unanswered(case, party) if party else None
    said = (
        FraudDispute.objects.filter(case=case, party=party, grounds=grounds, opened_at__gte=known.started_at)
        if known
        else None
    )
    if said is not None and said.exists():
        raise AlreadyThere("This person has said the same, and is not answered yet.")
    with record.act(case, "dispute.when_down", actor=actor, at=at, cause=cause, detail={"grounds": grounds}):
        FraudDispute.objects.create(
            case=case, party=party, grounds=grounds, opened_at=at, closed_at=at, outcome=case.state
        )
        clock = known or clocks.start(case, CLOCK, started_at=min(received_at, at), party=party)
        about: dict[str, Any] = {"person": party.number} if party else {}
        tasks.raise_task(BY_HAND, case=case, at=at, due_at=clock.due_at, cause="when_down", grounds=grounds, **about)
        clocks.refresh_due(case)
        case.version += 1
        case.save()


def _tell_agency(
    case: Case, *, is_open: bool, grounds: str, party: CaseParty | None, actor: Actor, at: datetime
) -> None:
    try:
        messages.dispute(case, is_open=is_open, grounds=grounds, party=party, actor=actor, at=at)
    except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
        corrections.by_hand(case, messages.FPA_DISPUTE.recipient_kind, "disputed", refusal=refusal, at=at)


def end(case: Case, outcome: str, *, actor: Actor, at: datetime) -> list[FraudDispute]:
    """Close the open disputes of a locked case with their tasks, inside the current ledger action. Returns them. Each
    clock runs on until the person is answered: see `answered_by_hand` and `letter_dispatched`."""
    ended = open_ones(case)
    for dispute in ended:
        dispute.closed_at, dispute.outcome = at, outcome
        dispute.save(update_fields=["closed_at", "outcome"])
    tasks.close_all(case, "fraud_dispute", actor=actor, at=at)
    return ended


def to_answer(ended: list[FraudDispute]) -> list[CaseParty | None]:
    """Return who is answered to disputes that were decided together: each person once, each of nobody named alone."""
    named = {each.party_id: each.party for each in ended if each.party}
    return [*named.values(), *(None for each in ended if each.party is None)]


def uphold(context: Any) -> None:
    """The filing stands: the agency may let its members use it again, and each person gets the answer."""
    case, actor, at = context.case, context.actor, context.at
    ended = end(case, "upheld", actor=actor, at=at)
    for dispute in ended:
        _tell_agency(case, is_open=False, grounds=dispute.grounds, party=dispute.party, actor=actor, at=at)
    for party in to_answer(ended):
        write_answer(case, party, template="n17", at=at)


def write_answer(case: Case, party: CaseParty | None, *, template: str, at: datetime) -> None:
    """Ask for the letter that answers a dispute. A person answers instead where the dispute names nobody of the case,
    the person is no part of it any more, a letter would prejudice an investigation, or the person is dead; and where a
    letter would say how long something stands about somebody of whom nothing does."""
    cause = _why_no_letter(case, party) or ("no_marker" if template in _STANDS and not _is_marked(case, party) else "")
    if party is None or cause:
        _answer_by_hand(case, party, at=at, letter=template, cause=cause)
        return
    letters.request(case, party, template=template, at=at)


def _why_no_letter(case: Case, party: CaseParty | None) -> str:
    if party is None:
        return "nobody_named"
    if party.is_detached:
        return "detached"
    if case.fraud_referral.prejudice_recorded:
        return "prejudice"
    return "dead" if party.is_innocent and codes.DEAD in case.fraud_referral.reasons else ""


def _is_marked(case: Case, party: CaseParty | None) -> bool:
    return Clock.objects.filter(case=case, party=party, rule__in=periods.EXPIRIES, ended_at=None).exists()


def _answer_by_hand(case: Case, party: CaseParty | None, *, at: datetime, **detail: Any) -> None:
    """Ask somebody to answer until the month is over; one who never disputed it is told within as long."""
    clock = _unanswered(case, party) or clocks.plan(CLOCK, started_at=at, party=party)
    about: dict[str, Any] = {"person": party.number} if party else {}
    tasks.raise_task(BY_HAND, case=case, at=at, due_at=clock.due_at, **detail, **about)


def answer_detached(case: Case, *, at: datetime) -> None:
    """Whoever was taken out while their answer waited to be written is answered by a person: no letter is posted to
    somebody who is no part of the case. Inside the current ledger action."""
    waiting = Letter.objects.filter(case=case, state="due", template__in=_ANSWERS, party__is_detached=True)
    for letter in waiting.select_related("party").order_by("pk"):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])
        write_answer(case, letter.party, template=letter.template, at=at)


def answer_expired(case: Case, ended: list[FraudDispute], *, at: datetime) -> None:
    """The marker's time was up before the disputes were decided: no letter says so, so a person answers."""
    for party in to_answer(ended):
        _answer_by_hand(case, party, at=at, cause="expired")


def _running(case: Case, party: CaseParty | None) -> list[Clock]:
    return list(Clock.objects.filter(case=case, rule=CLOCK, ended_at=None, party=party).order_by("pk"))


def _undecided(case: Case, party: CaseParty | None) -> list[Clock]:
    """Return the clocks of open disputes by this person, or by nobody named: one of a person, whatever the grounds."""
    count = sum(each.party == party for each in open_ones(case))
    return _running(case, party)[-(count if party is None else 1) :] if count else []


def _unanswered(case: Case, party: CaseParty | None) -> Clock | None:
    """Return the clock of the oldest dispute by this person, or by nobody named, that was decided and not answered."""
    undecided = _undecided(case, party)
    return next((clock for clock in _running(case, party) if clock not in undecided), None)


def _answered(case: Case, party: CaseParty | None, *, at: datetime) -> None:
    if clock := _unanswered(case, party):
        clocks.end_one(case, clock, at=at, state="met")
        clocks.refresh_due(case)


def answered_by_hand(case: Case, task: Task, *, at: datetime) -> None:
    """Somebody answered a person without a letter of the system: the month for it is met."""
    number = task.detail.get("person")
    _answered(case, CaseParty.objects.get(case=case, number=number) if number else None, at=at)


def letter_dispatched(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The post house put a letter in the post. If it answers a dispute, the month for it is met."""
    letters.dispatched(case, content, actor=actor, at=at)
    letter = Letter.objects.select_related("party").get(case=case, message=content.message)
    if letter.template not in _ANSWERS or _unanswered(case, letter.party) is None:
        return
    detail = {"template": letter.template}
    with record.act(case, "dispute.answered", actor=actor, at=at, cause=content.callback_uid, detail=detail):
        _answered(case, letter.party, at=at)
        is_dormant = casetypes.get(case.kind).lifecycle.state(case.state).is_dormant
        case.is_dormant = is_dormant and tasks.rests(case)
        case.save()


def tell_of_removal(case: Case, *, at: datetime) -> None:
    """Write to whoever disputed the filing, also while it came down, and to whoever had been written to about it, also
    where they were taken out since; a letter that waits to be written and speaks of the filing as standing is taken
    back. Inside the current ledger action."""
    told = set(Letter.objects.filter(case=case, state__in=WRITTEN).values_list("party_id", flat=True))
    for letter in Letter.objects.filter(case=case, state="due"):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])
    disputes = FraudDispute.objects.filter(case=case, outcome="removed")
    told |= set(disputes.values_list("party_id", flat=True))
    told |= set(Clock.objects.filter(case=case, rule=CLOCK, ended_at=None).values_list("party_id", flat=True))
    for _ in _running(case, None):
        write_answer(case, None, template="n19", at=at)
    for party in CaseParty.objects.filter(case=case, pk__in=told - {None}).order_by("number"):
        write_answer(case, party, template="n19", at=at)
