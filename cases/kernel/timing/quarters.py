"""Quarters of the calendar year, in London days: the only periods of figures that leave.

Two periods that overlap, or of which one holds the other, would give away by their difference what each of them hides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cases.kernel import calendars

__all__ = ["Quarter", "before", "of_code", "of_day"]

_CODE = re.compile(r"(20\d\d)-q([1-4])")


@dataclass(frozen=True, order=True)
class Quarter:
    """One quarter. `code` is such as 2026-q3."""

    year: int
    number: int

    @property
    def code(self) -> str:
        return f"{self.year}-q{self.number}"

    @property
    def first(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        return calendars.add_months(self.first, 3) - timedelta(days=1)

    @property
    def label(self) -> str:
        return f"{self.first:%B} to {self.last:%B %Y}"

    @property
    def begins_at(self) -> datetime:
        return calendars.start_of_day(self.first)

    @property
    def ends_before(self) -> datetime:
        """The first moment that is no longer in it."""
        return calendars.start_of_day(self.last + timedelta(days=1))

    def months(self) -> list[date]:
        """Return the first day of each of its months."""
        return [calendars.add_months(self.first, number) for number in range(3)]


def of_day(day: date) -> Quarter:
    return Quarter(day.year, (day.month + 2) // 3)


def of_code(text: str) -> Quarter | None:
    """Return the quarter of a code such as 2026-q3; nothing for what is none."""
    found = _CODE.fullmatch(text)
    return Quarter(int(found[1]), int(found[2])) if found else None


def before(day: date, count: int) -> list[Quarter]:
    """Return the last quarters that were over on a day, newest first."""
    found, quarter = [], of_day(day)
    for _ in range(count):
        quarter = of_day(quarter.first - timedelta(days=1))
        found.append(quarter)
    return found
