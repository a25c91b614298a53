"""What must be true before an emergency disclosure moves. Each guard reads the context and returns the sentence why
not, or None."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cases.disclosure import authorities
from cases.disclosure.emergency import codes, messages, periods
from cases.disclosure.emergency.models import EmergencyDisclosure

__all__ = ["ABOUT_POSITION", "GIVEN", "answered_at", "past_hour"]

# What may be told to a control room, and nothing else: each is typed, none is taken from a file.
GIVEN = ("subscriber", "address", "position", "cell")
ABOUT_POSITION = ("radius_m", "located_at", "location_source")


def answered_at(context: Any) -> datetime:
    """Return when the control room was answered: what the sheet says for one entered afterwards, else now."""
    moment: datetime = context.occurred_at if context.case.emergency_disclosure.is_from_sheet else context.at
    return moment


def past_hour(ended_at: datetime, facts: EmergencyDisclosure, *, now: datetime) -> str:
    """Return the words of the hour that is over, with the day where it was another in UTC; and what is done where its
    end was mistyped, as it may be where the hour was over before anybody asked."""
    day = "" if ended_at.astimezone(UTC).date() == now.astimezone(UTC).date() else f" on {ended_at:%-d %B %Y}"
    mistyped = " If the end of the call was mistyped, begin a new emergency." if ended_at < facts.requested_at else ""
    return (
        f"The hour after the call ended at {ended_at:%H:%M:%S} UTC{day}. Nothing can be given here any more without an"
        f" authorisation.{mistyped} {codes.ROUTES[codes.PAST_HOUR]}"
    )


def is_within_hour(context: Any) -> str | None:
    """No authorisation is needed within the hour after the call (K05); at 61 minutes one is."""
    ends_at, facts = periods.hour_ends_at(context.case), context.case.emergency_disclosure
    return past_hour(ends_at, facts, now=context.at) if answered_at(context) > ends_at else None


def is_as_the_sheet_says(context: Any) -> str | None:
    """What a sheet says was given was asked before, and the call had begun."""
    facts = context.case.emergency_disclosure
    if not facts.is_from_sheet:
        return None
    given_at = answered_at(context)
    if given_at < facts.requested_at:
        return f"It was asked at {facts.requested_at:%H:%M:%S} UTC: nothing was given before that. Look at the sheet."
    if facts.call_began_at and given_at < facts.call_began_at:
        return f"The call began at {facts.call_began_at:%H:%M:%S} UTC: nothing was given before that."
    return None


def is_called_back(context: Any) -> str | None:
    """Somebody called the control room on the directory's own number: whoever rings at night may be anybody."""
    facts, inputs = context.case.emergency_disclosure, context.inputs
    contact = str(inputs.get("contact") or "")
    if not contact or not authorities.active(facts.control_room, contact):
        return "Choose the desk that you called, from the directory."
    if not inputs.get("is_called_back"):
        return "Call the control room back on the number shown, then say so."
    if not str(inputs.get("spoken_to") or "").strip():
        return "Say whom you spoke to."
    return None


def is_not_ones_own_entry(context: Any) -> str | None:
    room, contact = context.case.emergency_disclosure.control_room, str(context.inputs.get("contact") or "")
    if authorities.too_close(room, contact, context.actor, at=context.at):
        return "You changed the entry of this desk within a day: another person calls it back."
    return None


def is_least(context: Any) -> str | None:
    """Something is given, and a position says how good, how old and from where it is. One position, never a path."""
    inputs = context.inputs
    if not any(str(inputs.get(name) or "").strip() for name in GIVEN):
        return "Say what you gave: subscriber, address, position or cell."
    about = [inputs.get(name) not in (None, "") for name in ABOUT_POSITION]
    if inputs.get("position") and not all(about):
        return "Give the position with its radius, its source and the time it was taken."
    if any(about) and not (inputs.get("position") or inputs.get("cell")):
        return "Give the position or the cell that the radius, source and time belong to."
    located_at = inputs.get("located_at")
    if located_at is not None and located_at > context.at:
        return "The time of the position is still to come. Write it in UTC."
    return None


def is_read_back(context: Any) -> str | None:
    if not context.inputs.get("is_read_back"):
        return "Read it aloud, let them repeat it, then say so."
    return None


def has_reason_code(context: Any) -> str | None:
    if context.inputs.get("reason_code") not in dict(codes.REFUSALS):
        return "Choose why it is refused."
    return None


def is_past_or_too_much(context: Any) -> str | None:
    """After an answer only two things are left to refuse."""
    code = context.inputs.get("reason_code")
    if code not in dict(codes.MORE_REFUSALS):
        return "Choose why it is refused: the hour is over, or it is more than the emergency needs."
    if code == codes.PAST_HOUR and answered_at(context) <= periods.hour_ends_at(context.case):
        return "The hour after the call is not over yet. Give what is needed, or say that it is too much."
    return None


def has_account(context: Any) -> str | None:
    return None if str(context.inputs.get("account") or "").strip() else "Write what happened and why."


def says_what(context: Any) -> str | None:
    return None if str(context.inputs.get("what") or "").strip() else "Say what was given that was not needed."


def says_how_settled(context: Any) -> str | None:
    said = context.inputs
    if not str(said.get("how") or "").strip():
        return "Say what was reported, to whom, and what the control room destroyed."
    return None


def no_look_is_open(context: Any) -> str | None:
    if context.case.approvals.filter(mode="after", closed_at=None).exists():
        return "Somebody still has to look at what was done at once."
    return None


def nothing_is_owed(context: Any) -> str | None:
    """An error waits for its report, and the control room for its writing."""
    if context.case.clocks.filter(rule=periods.ERROR_REPORT, ended_at=None).exists():
        return "The error is not reported yet."
    if context.case.tasks.filter(kind=messages.BY_HAND, closed_at=None).exists():
        return "The control room has nothing in writing yet."
    return None
