"""A moratorium lasts longer where a court says so, or where it has not decided in time (POCA 2002 s.336A to 336C)."""

from __future__ import annotations

from datetime import date, timedelta

from cases.kernel import calendars
from cases.kernel.casetypes import Extension
from cases.kernel.models import Case, Clock

__all__ = ["MORATORIUM"]

# s.335(6): 31 days starting with the day of the refusal.
STATUTORY_DAYS = 31
# s.336A(4), 336C(5): at most 31 days more, beginning with the day after the one on which it would otherwise end.
EACH_DAYS = 31
# s.336A(7): at most 186 days in all, beginning with the day after the statutory 31.
ALL_DAYS = 186


def why_not(case: Case, clock: Clock, until: date, ordered_date: date) -> str:
    """Return the sentence why a moratorium cannot end on a day, or nothing."""
    first = calendars.london_date(clock.started_at)
    statutory = first + timedelta(days=STATUTORY_DAYS - 1)
    latest = min(clock.due_date + timedelta(days=EACH_DAYS), statutory + timedelta(days=ALL_DAYS))
    if case.state != "moratorium":
        return "Only a moratorium that runs is extended."
    if ordered_date < first:
        return f"It cannot be older than the refusal, {_day(first)}."
    if until <= clock.due_date:
        return f"The moratorium ends {_day(clock.due_date)} already; an extension ends later."
    if until > latest:
        return (
            f"The latest day is {_day(latest)}: one extension gives at most {EACH_DAYS} days, all together "
            f"{ALL_DAYS} (Proceeds of Crime Act 2002 s.336A(4) and (7))."
        )
    return ""


def note(case: Case, until: date) -> None:
    report = case.suspicion_report
    report.court_extended_date = until
    report.save(update_fields=["court_extended_date"])


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


MORATORIUM = Extension(
    label="Extend the moratorium",
    hint="Payouts wait until the end of the last day. Without an extension the law treats the defence as given then.",
    grounds=(
        ("court", "The court extended it (s.336A)"),
        ("pending", "An application or appeal waits for the court (s.336C)"),
    ),
    why_not=why_not,
    note=note,
)
