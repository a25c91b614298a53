"""What must be true before a month's file moves. Each guard reads the context and returns why not, or None."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from cases.credit.files import periods
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault
from cases.kernel import calendars
from cases.kernel.models import Case, Clock

__all__ = ["LEFT_OUT", "are_all_answered", "leaves_out_few"]

LEFT_OUT = "More than half of the accounts would be left out: look at what was found, then take them anew."


def effective_date_is_right(context: Any) -> str | None:
    day, month = context.inputs.get("effective_date"), context.case.credit_file.month
    if not isinstance(day, date):
        return "Say of which day the file tells."
    if (day.year, day.month) != (month.year, month.month):
        return f"The day must lie in {month:%B %Y}."
    return "The day lies in the future." if day > calendars.london_date(context.at) else None


def is_taken(context: Any) -> str | None:
    return None if context.case.credit_file.is_taken else "Not all accounts are taken yet."


def has_no_core_fault(context: Any) -> str | None:
    file = context.case.credit_file
    faults = CreditFileFault.objects.filter(file=file, round=file.round, level="core")
    return "An account has a fault that stops the file." if faults.exists() else None


def control_totals_agree(context: Any) -> str | None:
    """Whoever approves reads accounts and total from billing's own report, and types them: they are those of every
    account that was taken, also of those left out."""
    file: CreditFile = context.case.credit_file
    if file.extracted_at is None:
        return "What was taken is not known of this file: open it again and take the accounts anew."
    given = (context.inputs.get("rows"), context.inputs.get("total_pence"))
    if given == (file.taken_rows, file.taken_pence):
        return None
    return "Accounts or total are not those that were taken. Compare them with the control report of billing."


def tells_most(context: Any) -> str | None:
    """The file is a full snapshot: what is missing from it reads as gone."""
    return None if leaves_out_few(context.case.credit_file) else LEFT_OUT


def leaves_out_few(file: CreditFile) -> bool:
    """Say whether at least half of the accounts that were taken are told."""
    return file.rows * 2 >= file.taken_rows


def comes_in_its_turn(context: Any) -> str | None:
    """What an older month says never follows what a newer one said. One query."""
    file: CreditFile = context.case.credit_file
    newer = Q(month__gt=file.month, case__state__in=("approved", "transmitted", "locked"))
    waiting = Q(month__lt=file.month, case__state="approved")
    other = CreditFile.objects.filter(newer | waiting).exclude(pk=file.pk).order_by("month").first()
    if other is None:
        return None
    if other.month > file.month:
        return f"The file of {other.month:%B %Y} is with the agencies already, or on its way: it says what is newer."
    return f"The file of {other.month:%B %Y} is on its way: let it leave first."


def is_sealed(context: Any) -> str | None:
    return None if context.inputs.get("sealed") else "The rows are put into the store first."


def are_all_answered(case: Case) -> bool:
    """Say whether every agency that got the file has reported on it. One query."""
    states = set(CreditFileCopy.objects.filter(file=case.pk).values_list("state", flat=True))
    return states == {"answered"}


def is_answered_or_over(context: Any) -> str | None:
    case, today = context.case, calendars.london_date(context.at)
    clock = Clock.objects.filter(case=case, rule=periods.ANSWERS).order_by("pk").last()
    if are_all_answered(case) or (clock is not None and clock.due_date < today):
        return None
    return "Not every agency has reported, and the days for that are not over."
