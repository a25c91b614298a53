"""Where a page of a list begins, as its address says it: the sort value and the id of the row before or after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from cases.kernel.reading.paging import Cursor, Page

__all__ = ["moment", "neighbours", "read", "url"]

PLACES = ("after", "before")


def url(path: str, query: QueryDict, **changed: str) -> str:
    """Return an address with some parameters changed; empty ones are left out, a place never carries over."""
    kept = {name: value for name, value in query.items() if name not in PLACES}
    asked = {name: value for name, value in {**kept, **changed}.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def _written(cursor: Cursor) -> str:
    value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
    return f"{'' if value is None else value}~{cursor.id}"


def neighbours(path: str, query: QueryDict, page: Page) -> dict[str, str]:
    """Return the addresses of the pages beside one; empty where there is none."""
    return {
        "next_url": url(path, query, after=_written(page.next)) if page.next else "",
        "previous_url": url(path, query, before=_written(page.previous)) if page.previous else "",
    }


def moment(text: str) -> datetime | None:
    """Read the value half of a cursor that is a moment. Raises ValueError."""
    if not text:
        return None
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("A cursor's moment has a zone.")
    return value


def read(query: QueryDict, value_of: Callable[[str], Any]) -> Cursor | None:
    """Read the place a page begins at; a mangled one counts as none. `value_of` raises ValueError."""
    name = next((each for each in PLACES if query.get(each)), "")
    text, _, number = query.get(name, "").partition("~") if name else ("", "", "")
    if not number.isdecimal() or len(number) > 18:
        return None
    try:
        value = value_of(text)
    except ValueError:
        return None
    return Cursor(value=value, id=int(number), is_backward=name == "before")
