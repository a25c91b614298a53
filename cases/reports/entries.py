"""What a chapter of a report is made of, and how its lines are put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cases.reports.words import day, moment

__all__ = ["Chapter", "Entry", "lines", "on", "when"]

LONG = 100


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened or stands: a heading, lines below it, and a hash if it has one. `is_part` belongs to the
    entry above it and is not counted; nor is one that `is_beside` what the chapter counts."""

    head: str
    lines: tuple[str, ...] = ()
    mark: str = ""
    is_part: bool = False
    is_beside: bool = False


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One heading of the report. `is_dense` prints entries without space between them."""

    code: str
    title: str
    entries: tuple[Entry, ...]
    note: str = ""
    nothing: str = "Nothing on record."
    is_dense: bool = False

    @property
    def is_long(self) -> bool:
        """Whether hashes are set like the text around them: an element of their own costs a third of the time."""
        return len(self.entries) > LONG

    @property
    def count(self) -> int:
        return sum(not (entry.is_part or entry.is_beside) for entry in self.entries)


def lines(*given: str | None) -> tuple[str, ...]:
    """Return the lines that say something."""
    return tuple(line for line in given if line)


def when(value: datetime | None, before: str, after: str = "") -> str:
    return f"{before}{moment(value)}{after}" if value else ""


def on(value: date | None, before: str) -> str:
    return f"{before}{day(value)}" if value else ""
