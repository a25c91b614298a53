"""Working days of the three jurisdictions. The holidays come from the `holidays` library, which is kept up to date."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

__all__ = ["JURISDICTIONS", "LONDON", "add_months", "add_working_days", "end_of_day", "is_working_day", "london_date"]

LONDON = ZoneInfo("Europe/London")
JURISDICTIONS = {"eaw": ("ENG", "England and Wales"), "sct": ("SCT", "Scotland"), "nir": ("NIR", "Northern Ireland")}


@lru_cache(maxsize=64)
def _bank_holidays(jurisdiction: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv=JURISDICTIONS[jurisdiction][0], years=year))


def is_working_day(day: date, *, jurisdiction: str = "eaw") -> bool:
    """Say whether the day is neither Saturday, Sunday nor a bank holiday there."""
    return day.weekday() < 5 and day not in _bank_holidays(jurisdiction, day.year)


def add_working_days(day: date, count: int, *, jurisdiction: str = "eaw") -> date:
    """Return the `count`-th working day after `day`; the day itself is not counted."""
    while count > 0:
        day += timedelta(days=1)
        if is_working_day(day, jurisdiction=jurisdiction):
            count -= 1
    return day


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


def end_of_day(day: date) -> datetime:
    """Return the last second of a London day, as an aware moment."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=LONDON)
