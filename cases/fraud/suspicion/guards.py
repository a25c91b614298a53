"""What must be true before a report moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from cases.fraud.suspicion import codes, periods
from cases.kernel import calendars
from cases.kernel.models import Case, CaseParty, OutboxMessage


def has_narrative(context: Any) -> str | None:
    if context.case.suspicion_report.narrative is None:
        return "Write the narrative first; say UNKNOWN for what is not known."
    return None


def with_account(case: Case) -> QuerySet[CaseParty]:
    """Return the people of a report of whom an account is written down, by number."""
    named = CaseParty.objects.filter(case=case, is_detached=False, account_reference__isnull=False)
    return named.order_by("number")


def names_what_waits(context: Any) -> str | None:
    """Where a defence is sought, payouts of an account wait; the officer says of which, or that nobody knows."""
    report = context.case.suspicion_report
    if report.reason_code not in codes.DEFENCES or report.account_reference is not None:
        return None
    if with_account(context.case).exists():
        return None
    return "Name the account whose payouts wait, or write UNKNOWN: then none is held by its number."


def sought_a_defence(context: Any) -> str | None:
    if context.case.suspicion_report.reason_code not in codes.DEFENCES:
        return "This report sought no defence, so there is nothing to decide."
    return None


def came_on_a_day(context: Any) -> str | None:
    """The unit refuses what it was sent, and not on a day to come."""
    day, submitted = context.inputs.get("received_date"), context.case.suspicion_report.submitted_date
    if day is None:
        return None
    if day > calendars.london_date(context.at):
        return "The refusal cannot have come in on a day to come."
    if submitted is not None and day < submitted:
        return f"The report was submitted on {submitted:%-d %B %Y}; the refusal cannot be older."
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


def unit_did_not_take_it(context: Any) -> str | None:
    """What the unit has, or may have, is not taken back: only the newest message counts."""
    sent = OutboxMessage.objects.filter(case=context.case, kind="fiu_sar").order_by("-seq")
    if sent.values_list("state", flat=True).first() != "refused":
        return "Only a report that the unit did not take is corrected."
    return None


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
