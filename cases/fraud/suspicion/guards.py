"""What must be true before a report moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from typing import Any

from cases.fraud.suspicion import codes, periods
from cases.kernel import calendars


def has_narrative(context: Any) -> str | None:
    if context.case.suspicion_report.narrative is None:
        return "Write the narrative first; say UNKNOWN for what is not known."
    return None


def sought_a_defence(context: Any) -> str | None:
    if context.case.suspicion_report.reason_code not in codes.DEFENCES:
        return "This report sought no defence, so there is nothing to decide."
    return None


def is_decided(context: Any) -> str | None:
    """A report that sought a defence stays open until there is an answer to it, or its time is over."""
    report = context.case.suspicion_report
    if report.reason_code in codes.DEFENCES and context.case.state != "consented":
        return "The unit has not decided on the defence yet."
    return None


def _is_over(context: Any, rule: str) -> bool:
    """A period that never began is not over."""
    ends = list(context.case.clocks.filter(rule=rule, ended_at=None).values_list("due_at", flat=True))
    return bool(ends) and all(due_at < context.at for due_at in ends)


def unit_has_the_report(context: Any) -> str | None:
    """Silence means something only of somebody who has read the question."""
    return None if context.case.state == "acknowledged" else "The unit has not acknowledged the report."


def notice_is_over(context: Any) -> str | None:
    return None if _is_over(context, periods.NOTICE) else "The notice period is not over yet."


def moratorium_is_over(context: Any) -> str | None:
    return None if _is_over(context, periods.MORATORIUM) else "The moratorium is not over yet."


def no_court_extended_it(context: Any) -> str | None:
    extended = context.case.suspicion_report.court_extended_date
    if extended and extended >= calendars.london_date(context.at):
        return f"The moratorium is extended to {extended:%-d %B %Y}."
    return None
