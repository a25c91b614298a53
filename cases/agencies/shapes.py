"""Whether a body has the shape its schema describes; every fault by JSON pointer, in our own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

Fault = tuple[str, str, str]
MOST_FAULTS = 50
_SENTENCES = {
    "type": "This is not of the kind that belongs here.",
    "enum": "This is not one of the values used here.",
    "format": "This is not written as it must be.",
    "pattern": "This is not written as it must be.",
    "maxLength": "This is too long.",
    "minLength": "This is too short.",
    "minimum": "This is too small.",
    "maximum": "This is too large.",
    "minItems": "There are too few.",
    "maxItems": "There are too many.",
}


def faults(document: Any, schema: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the shape of a parsed body, in the order of its fields; at most fifty."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker(["date", "uuid"]))
    found = [fault for error in validator.iter_errors(document) for fault in _faults(error)]
    return sorted(found)[:MOST_FAULTS]


def _faults(error: ValidationError) -> Iterator[Fault]:
    place = _pointer(list(error.absolute_path))
    if error.validator == "required" and isinstance(error.instance, dict):
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from ((place + _pointer([name]), "missing", "This is needed.") for name in missing)
    elif error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        extra = [name for name in error.instance if name not in known]
        yield from ((place + _pointer([name[:60]]), "unknown_field", "This field is not known.") for name in extra)
    else:
        yield place, "invalid", _SENTENCES.get(str(error.validator), "This cannot be accepted.")


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
