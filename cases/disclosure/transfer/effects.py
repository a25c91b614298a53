"""What follows when a transfer moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cases.disclosure.transfer import gate, guards, periods
from cases.kernel import calendars, clocks, tasks, transitions
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock

__all__ = [
    "LAPSED",
    "approve",
    "end",
    "follow",
    "lapse",
    "refuse",
    "renew",
    "review_is_over",
    "stand",
    "take_back",
]

LAPSED = "transfer_lapsed"
DECIDE = "transfer_to_decide"
TAKEN_BACK = "transfer_taken_back"
tasks.declare(
    {
        LAPSED: "A transfer abroad has lapsed: nothing goes to the recipient until a new one is decided",
        TAKEN_BACK: "Whoever proposed a transfer abroad took it back, and its recipient gets everything again: see why",
        DECIDE: "Decide on a transfer abroad: its recipient gets nothing until then, also within the United Kingdom",
    },
    ended_by={DECIDE: "This ends when the transfer is approved, refused, or taken back."},
)


def ask_to_decide(case: Case, *, at: datetime) -> None:
    """Ask the data protection officer for a decision today, inside the current ledger action: the recipient stands
    still until then."""
    tasks.raise_task(DECIDE, case=case, at=at, due_at=calendars.end_of_day(calendars.london_date(at)))


def _is_decided(context: Any) -> None:
    tasks.close_all(context.case, DECIDE, actor=context.actor, at=context.at)


def open_again(context: Any) -> None:
    """Let the register say that it waits, and ask anew."""
    stand(context)
    ask_to_decide(context.case, at=context.at)


def stand(context: Any) -> None:
    """Let the register of agencies say what holds now that this case has moved."""
    gate.stand(context.case, at=context.at)


def follow(case: Case, *, at: datetime) -> None:
    """Let the register follow a corrected country of a locked case that is not decided yet."""
    gate.stand(case, at=at)


def _decided(context: Any, **values: Any) -> None:
    row = context.case.transfer
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def _review_on(context: Any, day: date) -> None:
    clocks.end(context.case, periods.REVIEW, at=context.at, state="met")
    clocks.start(context.case, periods.REVIEW, started_at=context.at, until=day)
    gate.stand(context.case, at=context.at)


def approve(context: Any) -> None:
    """Keep on what it was approved, and let messages through until the review date."""
    inputs, day = context.inputs, context.inputs["review_date"]
    _decided(
        context,
        mechanism=str(inputs["mechanism"]),
        assessment=str(inputs.get("assessment") or "").strip(),
        assessment_sha256=_assessed(context),
        is_not_lower=bool(inputs.get("is_not_lower")),
        review_date=day,
    )
    clocks.meet(context.case, periods.DECISION, at=context.at)
    _is_decided(context)
    _review_on(context, day)


def _assessed(context: Any) -> str:
    """Return the hash of the assessment that was chosen, where one was."""
    number = context.inputs.get("document")
    return next((each.sha256 for each in guards.assessments(context.case) if each.number == number), "")


def take_back(context: Any) -> None:
    """It was proposed by mistake: it decides nothing any more, and the data protection officer looks why. One that
    lapsed in this country before blocks the recipient still."""
    clocks.end(context.case, periods.DECISION, at=context.at, state="cancelled")
    _is_decided(context)
    stand(context)
    tasks.raise_task(TAKEN_BACK, case=context.case, at=context.at)


def renew(context: Any) -> None:
    """A new review date holds from now; the transfer was looked at again."""
    day = context.inputs["review_date"]
    _decided(context, review_date=day)
    _review_on(context, day)


def refuse(context: Any) -> None:
    """Nothing is proposed any more. A recipient that is itself abroad stays blocked, as nothing of it is approved, and
    so does one of which another in this country lapsed before."""
    clocks.meet(context.case, periods.DECISION, at=context.at)
    _is_decided(context)
    stand(context)


def end(context: Any) -> None:
    """The recipient has nothing in this country any more, so this country decides nothing of what it is sent."""
    clocks.meet(context.case, periods.DECISION, at=context.at)
    clocks.end(context.case, periods.REVIEW, at=context.at, state="cancelled")
    _is_decided(context)
    stand(context)


def lapse(context: Any) -> None:
    """The review date passed: nothing is sent to the recipient until a new transfer is approved. Somebody is asked to
    look at it."""
    clocks.end(context.case, periods.REVIEW, at=context.at, state="cancelled")
    stand(context)
    tasks.raise_task(LAPSED, case=context.case, at=context.at)


def review_is_over(case: Case, _clock: Clock, *, at: datetime) -> None:
    """Let an approved transfer lapse when its review date has passed."""
    transitions.apply(case.pk, "lapse", actor=system("clocks", source=case.source), at=at)
