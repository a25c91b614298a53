"""Papers of its own that a kind of case makes beside the audit report: what they say, without saying how it is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cases.kernel import calendars
from cases.kernel.models import Case, Evidence
from cases.ledger.sealing import Reader

__all__ = ["Enclosed", "Item", "Paper", "Part", "Written", "filled", "moment", "written_day"]


def moment(at: datetime) -> str:
    """Return a moment as people in London write it: the day alone where nobody knows the hour."""
    return calendars.spoken(at)


def written_day(text: str) -> str:
    """Return a day that is kept as text as people write it; what is none stays as it is."""
    try:
        return f"{date.fromisoformat(text):%-d %B %Y}"
    except ValueError:
        return text


def filled(*rows: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Return the rows that say something."""
    return tuple((label, value) for label, value in rows if value)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing on record: its heading, and label and value of everything said of it."""

    head: str
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One heading of a paper. `nothing` is said where it has no item."""

    code: str
    title: str
    items: tuple[Item, ...]
    note: str = ""
    nothing: str = "Nothing is held."


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a paper says: rows for its first page, its parts, and the same as plain data."""

    title: str
    cover: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Enclosed:
    """A document that goes with a paper, by the name it is given under. `look_again` loads it with the keys that open
    it, when its turn comes, and raises a CaseError where it may no longer be given."""

    document: Evidence
    name: str
    look_again: Callable[[], Evidence]


def nothing_against(_case: Case) -> str:
    """Refuse no case."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One kind of paper. `act` is the right to ask for it and to open it; `why_not` the sentence why it is not made of
    a case now, or nothing; `write` is given the reader in whose name it is opened, and reads in one transaction.
    `enclosed` gives the documents that go with a finished one, by its plain data; it raises a CaseError where one of
    them may no longer be given."""

    label: str
    act: str
    file_name: str
    purpose: str
    write: Callable[[Case, Reader, datetime], Written]
    why_not: Callable[[Case], str] = nothing_against
    enclosed: Callable[[Case, Mapping[str, Any]], Sequence[Enclosed]] | None = None
