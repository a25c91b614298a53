"""What was typed for an act, as one text and back, so that it can be sealed and approved exactly as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["read", "write"]

# In the order of the checks: a datetime is a date, a bool an int.
_TAGS: tuple[tuple[str, type, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("moment", datetime, datetime.isoformat, datetime.fromisoformat),
    ("date", date, date.isoformat, date.fromisoformat),
    ("uuid", UUID, str, UUID),
    ("decimal", Decimal, str, Decimal),
)


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {"pairs": [[_packed(key), _packed(item)] for key, item in value.items()]}
    if isinstance(value, set | frozenset):
        return [_packed(item) for item in sorted(value)]
    if isinstance(value, list | tuple):
        return [_packed(item) for item in value]
    for tag, kind, out, _ in _TAGS:
        if isinstance(value, kind):
            return {tag: out(value)}
    raise TypeError(f"{type(value).__name__} is not kept as something typed.")


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, inner),) = value.items()
    if tag == "pairs":
        return {_unpacked(key): _unpacked(item) for key, item in inner}
    return next(back for known, _, _, back in _TAGS if known == tag)(inner)


def write(values: Mapping[str, Any]) -> str:
    """Return the text of what was typed. Numbers, text, dates, ids, lists and mappings. Raises TypeError for others."""
    return json.dumps(_packed(values), ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> dict[str, Any]:
    """Return what `write` took; sets and tuples come back as lists."""
    values: dict[str, Any] = _unpacked(json.loads(text))
    return values
