"""What must be true before a breach moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from typing import Any

from cases.disclosure.breach import codes, effects, periods
from cases.kernel.calendars import LONDON

__all__ = [
    "has_measures",
    "is_assessed",
    "people_are_told",
    "says_what_is_done",
    "says_what_may_be_told",
    "says_why_late",
    "says_why_untold",
    "the_commissioner_has_it",
]


def _text(context: Any, name: str) -> str:
    return str(context.inputs.get(name) or "").strip()


def is_assessed(context: Any) -> str | None:
    """The secrecy test comes first: it decides who may be told at all (s.235A)."""
    inputs = context.inputs
    if inputs.get("is_secret") not in dict(codes.YES_NO):
        return "Say whether secrecy of the Investigatory Powers Act forbids to tell the Information Commissioner."
    if not _text(context, "secrecy"):
        return "Say how you tested for secrecy."
    if not isinstance(inputs.get("people_count"), int) or inputs["people_count"] < 0:
        return "Say how many people it touches; an estimate is enough."
    if inputs.get("risk") not in dict(codes.RISKS):
        return "Choose how likely harm is."
    return None if _text(context, "consequences") else "Write what may come of it for them."


def says_what_may_be_told(context: Any) -> str | None:
    """What a case of a compartment says goes to nobody word for word: the officer writes what may be told."""
    if context.case.breach.what is not None:
        return None
    return "Correct the facts first: write in your own words what happened, as far as a Commissioner may be told."


def says_what_is_done(context: Any) -> str | None:
    return None if _text(context, "measures") else "Write what is done about it."


def says_why_late(context: Any) -> str | None:
    """Later than 72 hours from awareness it is told with the reasons (reg 5A); what is added to an earlier notice
    needs none."""
    clock = context.case.clocks.filter(rule=periods.TELL).order_by("-pk").first()
    if clock is None or context.at <= clock.due_at or _text(context, "delay") or effects.is_told(context.case):
        return None
    return f"The 72 hours ended at {clock.due_at.astimezone(LONDON):%H:%M on %-d %B %Y}. Say why it is told later."


def says_why_untold(context: Any) -> str | None:
    """A breach that is one and is not told needs the reason why."""
    if context.case.state == "notified" or _text(context, "untold"):
        return None
    return "Say why no Commissioner is told."


def has_measures(context: Any) -> str | None:
    if context.case.breach.measures is not None or _text(context, "measures"):
        return None
    return "Write what was done, so that it does not happen again."


def the_commissioner_has_it(context: Any) -> str | None:
    """What was notified has arrived, or a person told them: the law's 72 hours wait for no channel."""
    if context.case.state != "notified" or effects.has_notice(context.case):
        return None
    if effects.is_being_sent(context.case):
        return "The notice is being sent at this moment. Try again in a few minutes."
    if _text(context, "told_how"):
        return None
    if effects.is_stuck(context.case):
        return "The notice could not be delivered: say how they were told instead."
    return "The Commissioner does not have the notice yet. If somebody told them instead, say how."


def people_are_told(context: Any) -> str | None:
    if context.case.tasks.filter(kind=effects.PEOPLE, closed_at=None).exists():
        return "The people whom it is likely to harm are not told yet."
    return None
