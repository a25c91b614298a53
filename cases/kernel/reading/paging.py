"""Keyset pages over a column that may be empty: rows with a value first, in their order, then those without, by id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Model, Q, QuerySet

__all__ = ["PAGE_SIZE", "Cursor", "Page", "Sort", "anywhere", "paged", "paged_by", "zone"]

PAGE_SIZE = 25


@dataclass(frozen=True, kw_only=True)
class Sort:
    """One order of a list. Rows without a value come last."""

    label: str
    column: str
    is_descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A place between two rows: the sort value (None for rows without one) and the id of a row."""

    value: Any
    id: int
    is_backward: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list and the places where the pages beside it begin."""

    rows: list[Any]
    next: Cursor | None = None
    previous: Cursor | None = None


def _beyond(rows: QuerySet[Any], column: str, cursor: Cursor, ascending: bool) -> QuerySet[Any]:
    """Return the rows after (or before) the cursor among those on its side of NULL."""
    onward = "gt" if ascending else "lt"
    by_id = "lt" if cursor.is_backward else "gt"
    if cursor.value is None:
        return rows.filter(**{f"id__{by_id}": cursor.id})
    past = Q(**{f"{column}__{onward}": cursor.value})
    level = Q(**{column: cursor.value, f"id__{by_id}": cursor.id})
    return rows.filter(past | level, **{f"{column}__{onward}e": cursor.value})


def zone(rows: QuerySet[Any], sort: Sort, cursor: Cursor | None, *, is_null: bool) -> QuerySet[Any]:
    """Return the rows from the cursor on, in order, among those with a value or those without."""
    backward = bool(cursor and cursor.is_backward)
    ascending = sort.is_descending == backward
    order = F(sort.column).asc() if ascending else F(sort.column).desc()
    tie = "-id" if backward else "id"
    found = rows.filter(**{f"{sort.column}__isnull": is_null})
    if cursor is not None and (cursor.value is None) == is_null:
        found = _beyond(found, sort.column, cursor, ascending)
    return found.order_by(tie) if is_null else found.order_by(order, tie)


def anywhere(cursor: Cursor | None, value: Any) -> Cursor | None:
    """Return a place that is like no other and stands for any on the same side, with a value that is none of any row's:
    a query that is kept is put together with it."""
    if cursor is None:
        return None
    return replace(cursor, value=None if cursor.value is None else value, id=-(10**15) - 2)


Fetch = Callable[[bool, int], list[Any]]


def _fetched(fetch: Fetch, cursor: Cursor | None, wanted: int) -> list[Any]:
    """Return up to `wanted` rows from the cursor on: those with a value first, then those without."""
    backward = bool(cursor and cursor.is_backward)
    zones = [False, True] if not backward else [True, False]
    if cursor is not None:
        zones = zones[zones.index(cursor.value is None) :]
    found: list[Any] = []
    for is_null in zones:
        found += fetch(is_null, wanted - len(found))
        if len(found) >= wanted:
            break
    return found[::-1] if backward else found


def _place(row: Model, sort: Sort, *, is_backward: bool) -> Cursor:
    return Cursor(value=getattr(row, sort.column), id=row.pk, is_backward=is_backward)


def paged(rows: QuerySet[Any], sort: Sort, cursor: Cursor | None = None, *, size: int = PAGE_SIZE) -> Page:
    """Return one page of the rows in an order. Two queries at most."""

    def fetch(is_null: bool, most: int) -> list[Any]:
        return list(zone(rows, sort, cursor, is_null=is_null)[:most])

    return paged_by(fetch, sort, cursor, size=size)


def paged_by(fetch: Fetch, sort: Sort, cursor: Cursor | None = None, *, size: int = PAGE_SIZE) -> Page:
    """Return one page of what `fetch` reads: at most so many rows of one zone. It is called twice at most."""
    found = _fetched(fetch, cursor, size + 1)
    backward = bool(cursor and cursor.is_backward)
    has_more = len(found) > size
    shown = (found[-size:] if backward else found[:size]) if has_more else found
    has_next, has_previous = (True, has_more) if backward else (has_more, cursor is not None)
    return Page(
        rows=shown,
        next=_place(shown[-1], sort, is_backward=False) if shown and has_next else None,
        previous=_place(shown[0], sort, is_backward=True) if shown and has_previous else None,
    )
