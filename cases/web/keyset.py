"""One page of a list by its place between two rows, never by counting rows off: the same cost on every page.

The address names a row by its id alone, so that no name of a person stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Subquery
from django.http import HttpRequest

__all__ = ["PAGE_SIZE", "Pageful", "pageful"]

PAGE_SIZE = 25
PLACES = ("after", "before")


@dataclass(frozen=True, kw_only=True)
class Pageful:
    """The rows of one page, and the addresses of the pages beside it."""

    rows: list[Any]
    next_url: str = ""
    previous_url: str = ""


def pageful(
    rows: QuerySet[Any], request: HttpRequest, *, by: str = "pk", is_descending: bool = False, size: int = PAGE_SIZE
) -> Pageful:
    """Return the page the address asks for, ordered by a column that is never null, then by id. One query.

    A mangled place counts as none: the first page.
    """
    name, number = _place(request)
    is_backward = name == "before"
    onward = "lt" if is_descending != is_backward else "gt"
    if name and by == "pk":
        rows = rows.filter(**{f"pk__{onward}": number})
    elif name:
        value = Subquery(rows.model._default_manager.filter(pk=number).values(by)[:1])
        rows = rows.filter(Q(**{f"{by}__{onward}": value}) | Q(**{by: value, f"pk__{onward}": number}))
    sign = "-" if onward == "lt" else ""
    found = list(rows.order_by(*dict.fromkeys([f"{sign}{by}", f"{sign}pk"]))[: size + 1])
    has_more = len(found) > size
    shown = found[:size][::-1] if is_backward else found[:size]
    has_next, has_previous = (True, has_more) if is_backward else (has_more, bool(name))
    return Pageful(
        rows=shown,
        next_url=_url(request, "after", shown[-1]) if shown and has_next else "",
        previous_url=_url(request, "before", shown[0]) if shown and has_previous else "",
    )


def _place(request: HttpRequest) -> tuple[str, int]:
    """Return on which side of which row the page lies; no name for the first page."""
    name = next((each for each in PLACES if request.GET.get(each)), "")
    number = request.GET.get(name, "") if name else ""
    return (name, int(number)) if number.isdecimal() and len(number) <= 18 else ("", 0)


def _url(request: HttpRequest, name: str, row: Any) -> str:
    query = request.GET.copy()
    for each in PLACES:
        query.pop(each, None)
    query[name] = str(row.pk)
    return f"{request.path}?{query.urlencode()}"
