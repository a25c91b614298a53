"""Nothing but what was asked for: looks at every row that a machine can read (Investigatory Powers Act 2016 s.66(2)).

A sheet that no machine can read is compared by two people instead.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.disclosure.dataitems import ITEMS, label
from cases.disclosure.described import Asked, address, moment
from cases.kernel.errors import CaseError
from cases.kernel.formats import BadFormat

__all__ = ["Excess", "Row", "Unreadable", "columns", "of_no_item", "outside", "read", "sentence", "unknown"]

COLUMNS = ("item", "address", "at")
_COLUMN = re.compile(r"[a-z][a-z_]{0,39}")
_HEADER = (
    f"The first line names the columns {', '.join(COLUMNS)} and others in small letters, such as name; of what is "
    "asked for about no address, item and others."
)


class Unreadable(CaseError):
    """The file is not the table that it is said to be; the message says at which line."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of an extract: its line in the file, and what it tells of which address and moment."""

    line: int
    item: str
    address: str
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Excess:
    """One row that was not asked for, and why: by its item, its address or its time."""

    row: Row
    why: str


def columns(data: bytes) -> tuple[list[str], int]:
    """Return the names of the columns of a table in CSV, and how many rows it has. They outlive the file, so the first
    line holds nothing but codes, of which one is `item`. Raises Unreadable."""
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = list(table.fieldnames or ())
        if "item" not in names or not all(_COLUMN.fullmatch(name) for name in names):
            raise Unreadable(_HEADER)
        return names, sum(1 for _ in table)
    except UnicodeDecodeError:
        raise Unreadable("The file is not text in UTF-8.") from None
    except csv.Error:
        raise Unreadable("The file is not a table of comma-separated values.") from None


def of_no_item(names: Iterable[str], items: Iterable[str]) -> list[tuple[str, str]]:
    """Return each column that the catalogue knows as that of items none of which is asked for, with one of these."""
    asked = frozenset[str]().union(*(ITEMS[item].columns for item in items))
    owners = {name: item.code for item in reversed(ITEMS.values()) for name in item.columns}
    return [(name, owners[name]) for name in names if name in owners and name not in asked]


def unknown(names: Iterable[str], item: str) -> list[str]:
    """Return the columns of a table that the catalogue does not know of its item: what stands in them nobody asked for,
    unless a person finds that somebody did."""
    return [name for name in names if name not in COLUMNS and name not in ITEMS[item].columns]


def read(data: bytes) -> list[Row]:
    """Return the rows of an extract in CSV with the columns item, address and at; others are left alone. Raises
    Unreadable."""
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if not set(COLUMNS) <= set(table.fieldnames or ()):
            raise Unreadable(_HEADER)
        return [_row(table.line_num, each) for each in table]
    except UnicodeDecodeError:
        raise Unreadable("The file is not text in UTF-8.") from None
    except csv.Error:
        raise Unreadable("The file is not a table of comma-separated values.") from None


def _row(line: int, values: dict[str, str | None]) -> Row:
    item, of, at = ((values[name] or "").strip() for name in COLUMNS)
    try:
        return Row(line=line, item=item, address=address(of), at=moment(at) if at else None)
    except BadFormat as fault:
        raise Unreadable(f"Line {line}: {fault}") from None


def outside(rows: Iterable[Row], asked: Sequence[Asked]) -> list[Excess]:
    """Return every row outside the described items, addresses and periods, in the order of the file."""
    return [Excess(row=row, why=why) for row in rows if (why := _why(row, asked))]


def _why(row: Row, asked: Sequence[Asked]) -> str:
    of_item = [each for each in asked if each.item == row.item]
    of_address = [each for each in of_item if each.address == row.address]
    if not of_item:
        return "item"
    if not of_address:
        return "address"
    is_timed = any(each.begins_at is not None for each in of_address)
    if is_timed and (row.at is None or not any(each.covers(row.at) for each in of_address)):
        return "period"
    return ""


def sentence(excess: Sequence[Excess]) -> str | None:
    """Return what is too much, in one sentence fit for staff, or nothing. It names items and days, never an address."""
    if not excess:
        return None
    items = sorted({label(each.row.item) for each in excess if each.why == "item"})
    days = sorted({each.row.at.date() for each in excess if each.why == "period" and each.row.at is not None})
    parts = [f"what nobody asked for: {', '.join(items)}"] if items else []
    if any(each.why == "address" for each in excess):
        parts.append("an address that was not asked about")
    if days:
        parts.append(f"days outside the period: {', '.join(f'{day.day} {day:%B %Y}' for day in days)}")
    if any(each.why == "period" and each.row.at is None for each in excess):
        parts.append("rows without a time")
    count = len(excess)
    return f"{count} row{'s' if count > 1 else ''} too many. The file holds {'; '.join(parts)}."
