"""What the `data` of a callback must and may hold, as JSON Schema: a family says it once for each type, agencies
read it in the description, and nothing is applied that does not fit it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["DAY", "ERRORS", "PENCE", "Shape", "one_of", "shape", "text"]

Shape = Mapping[str, Any]

DAY: Shape = {"type": "string", "format": "date"}
PENCE: Shape = {"type": "integer", "minimum": 0, "description": "Whole pence."}
# What is kept of them: no words of the agency's own.
ERRORS: Shape = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "pointer": {"type": "string", "description": "JSON pointer into the data of our message."},
            "code": {"type": "string", "description": "Your code of the fault. Its words are not kept."},
        },
    },
}


def one_of(codes: Iterable[str]) -> Shape:
    """Return the form of a code of a closed list."""
    return {"type": "string", "enum": sorted(codes)}


def text(most: int, **more: Any) -> Shape:
    """Return the form of a text of at most so many characters."""
    return {"type": "string", "maxLength": most, **more}


def shape(needed: Mapping[str, Shape], may: Mapping[str, Shape] | None = None, **more: Any) -> Shape:
    """Return the form of the data of one type. What it does not name is let through, and read by nobody."""
    return {"type": "object", "required": list(needed), "properties": {**needed, **(may or {})}, **more}
