"""The fields of a callback, checked for form. What they mean is the family's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

TYPE = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,40}", re.ASCII)
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,79}", re.ASCII)
LARGEST_SEQUENCE = 2**53 - 1
Fault = tuple[str, str, str]


class FormRefused(Exception):
    """The fields are not those of a callback: (pointer, code, sentence) of every fault."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("The body is not a callback.")
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class CallbackBody:
    """A well-formed callback."""

    type: str
    occurred_at: datetime
    reference: str = ""
    agency_reference: str = ""
    agency_sequence: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = parse_datetime(value)
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_text(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SEQUENCE


# name: (required, check, sentence)
FIELDS: dict[str, tuple[bool, Callable[[Any], bool], str]] = {
    "schema_version": (True, lambda value: value == 1 and not isinstance(value, bool), "must be 1"),
    "type": (True, _is_text(TYPE), "must be a callback type such as fpa.filed"),
    "occurred_at": (True, lambda value: _moment(value) is not None, "must be a date and time with its offset"),
    "reference": (False, _is_text(REFERENCE), "must be the reference of our message"),
    "agency_reference": (
        False,
        _is_text(REFERENCE),
        "must be at most 80 letters, digits, dots, slashes, hyphens and underscores, the first a letter or digit",
    ),
    "agency_sequence": (False, _is_count, "must be a whole number, 0 or more"),
    "data": (False, lambda value: isinstance(value, dict), "must be an object"),
}


def read(document: Any) -> CallbackBody:
    """Return the callback a parsed body says. Raises FormRefused naming every fault by JSON pointer."""
    if not isinstance(document, dict):
        raise FormRefused([("", "not_an_object", "The body must be an object.")])
    faults: list[Fault] = [
        (f"/{_escaped(name)}", "unknown_field", "This field is not known.") for name in document if name not in FIELDS
    ]
    for name, (is_required, is_well_formed, sentence) in FIELDS.items():
        if name not in document:
            faults.extend([(f"/{name}", "missing", f"{name} is needed.")] if is_required else [])
        elif not is_well_formed(document[name]):
            faults.append((f"/{name}", "invalid", f"{name} {sentence}."))
    if faults:
        raise FormRefused(faults)
    moment = _moment(document["occurred_at"])
    assert moment is not None  # noqa: S101 -- checked by FIELDS
    rest = {name: document[name] for name in document if name not in ("schema_version", "occurred_at")}
    return CallbackBody(**rest, occurred_at=moment)


def _escaped(name: str) -> str:
    return name[:60].replace("~", "~0").replace("/", "~1")
