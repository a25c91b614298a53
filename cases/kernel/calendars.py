"""Days as the law counts them: working days of the three jurisdictions, months, London's midnight.

The holidays come from the `holidays` library, which is kept up to date; what this office added or took out, each with
its source, is a table (`HolidayChange`) and wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
from django.conf import settings

from cases.kernel.models import HolidayChange

__all__ = [
    "JURISDICTIONS",
    "LONDON",
    "Calendar",
    "add_months",
    "add_working_days",
    "end_of_day",
    "start_of_day",
    "is_working_day",
    "listed_years",
    "london_date",
    "of",
    "printed",
    "seat",
    "spoken",
]

LONDON = ZoneInfo("Europe/London")
JURISDICTIONS = {"eaw": ("ENG", "England and Wales"), "sct": ("SCT", "Scotland"), "nir": ("NIR", "Northern Ireland")}


@lru_cache(maxsize=64)
def _bank_holidays(jurisdiction: str, year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("GB", subdiv=JURISDICTIONS[jurisdiction][0], years=year))


@dataclass(frozen=True)
class Calendar:
    """The bank holidays of one jurisdiction: as published, with what the office added and removed."""

    jurisdiction: str
    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()

    @property
    def label(self) -> str:
        return JURISDICTIONS[self.jurisdiction][1]

    def is_holiday(self, day: date) -> bool:
        is_printed = day in _bank_holidays(self.jurisdiction, day.year)
        return day in self.added or (is_printed and day not in self.removed)

    def is_working_day(self, day: date) -> bool:
        """Say whether the day is neither Saturday, Sunday nor a bank holiday there."""
        return day.weekday() < 5 and not self.is_holiday(day)

    def add_working_days(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`; the day itself is not counted."""
        while count > 0:
            day += timedelta(days=1)
            if self.is_working_day(day):
                count -= 1
        return day

    def on_or_after(self, day: date) -> date:
        """Return the day itself if it is a working day, else the next one that is."""
        return day if self.is_working_day(day) else self.add_working_days(day, 1)


def seat() -> str:
    """Return the part of the United Kingdom in which the firm has its seat: there the office's own days are counted."""
    return str(settings.SEAT)


def printed(jurisdiction: str) -> Calendar:
    """Return the calendar as published, without what the office changed."""
    return Calendar(jurisdiction)


def changed(jurisdiction: str, changes: Iterable[tuple[date, str]]) -> Calendar:
    """Return the published calendar with changes: (day, effect), the effect added, removed or as_published."""
    known = list(changes)
    return Calendar(
        jurisdiction,
        added=frozenset(day for day, effect in known if effect == "added"),
        removed=frozenset(day for day, effect in known if effect == "removed"),
    )


def of(jurisdiction: str) -> Calendar:
    """Return the calendar as this office counts. One query."""
    rows = HolidayChange.objects.filter(jurisdiction=jurisdiction)
    return changed(jurisdiction, rows.values_list("day", "effect"))


def published(jurisdiction: str, year: int) -> dict[date, str]:
    """Return the published holidays of one year with their names, in order."""
    return dict(sorted(_bank_holidays(jurisdiction, year).items()))


def listed_years(today: date) -> range:
    """Return the years whose holidays the office sees and changes: from last year to the one after next."""
    return range(today.year - 1, today.year + 3)


def is_working_day(day: date) -> bool:
    """Say whether the day is a working day at the firm's seat. One query; counts of many days take a Calendar."""
    return of(seat()).is_working_day(day)


def add_working_days(day: date, count: int) -> date:
    """Return the `count`-th working day after `day` at the firm's seat; the day itself is not counted. One query."""
    return of(seat()).add_working_days(day, count)


def add_months(day: date, months: int, *, counts_first_day: bool = False) -> date:
    """Return the corresponding day `months` later, or the day before it when the first day counts.

    A month that lacks the corresponding day ends on its last day, either way.
    """
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    if day.day > last:
        return date(year, month, last)
    return date(year, month, day.day) - timedelta(days=1 if counts_first_day else 0)


def london_date(moment: datetime) -> date:
    """Return the civil date in London of an aware moment."""
    return moment.astimezone(LONDON).date()


def spoken(moment: datetime) -> str:
    """Return an aware moment as people in London read it: the day alone where it stands for the whole of one, since it
    was typed so."""
    local = moment.astimezone(LONDON)
    is_day = moment in (start_of_day(local.date()), end_of_day(local.date()))
    return f"{local:%-d %B %Y}" if is_day else f"{local:%-d %B %Y %H:%M}"


def start_of_day(day: date) -> datetime:
    """Return the first second of a London day, as an aware moment."""
    return datetime.combine(day, time(0, 0), tzinfo=LONDON)


def end_of_day(day: date) -> datetime:
    """Return the last second of a London day, as an aware moment."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=LONDON)
