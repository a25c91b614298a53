"""Whether a body has the shape its schema describes; every fault by JSON pointer, in our own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

Fault = tuple[str, str, str]
MOST_FAULTS = 50
_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "object": "an object",
    "string": "a text",
}
_FORMATS = {"date": "Write a day that exists, as 2026-11-22.", "uuid": "Write a UUID."}
# What is wrong by the keyword of the schema that says so: with what the schema asks, never with what was sent.
_SENTENCES: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "type": lambda asked, _: f"This must be {_kinds(asked)}.",
    "enum": lambda asked, _: f"This must be {'one of ' if len(asked) > 1 else ''}{', '.join(map(_said, asked))}.",
    "format": lambda asked, _: _FORMATS.get(asked, "This is not written as it must be."),
    "pattern": lambda asked, shape: (
        f"This is not written as it must be. {shape.get('description') or f'It must fit {asked}.'}"
    ),
    "maxLength": lambda asked, _: f"This is too long: {_most(asked, 'character')}.",
    "minLength": lambda asked, _: f"This is too short: {_least(asked, 'character')}.",
    "minimum": lambda asked, _: f"This is too small: {asked} is the least.",
    "maximum": lambda asked, _: f"This is too large: {asked} is the most.",
    "minItems": lambda asked, _: f"There are too few: {_least(asked, 'entry', 'entries')}.",
    "maxItems": lambda asked, _: f"There are too many: {_most(asked, 'entry', 'entries')}.",
    "minProperties": lambda asked, _: f"Too little is said here: {_least(asked, 'field')}.",
    "uniqueItems": lambda _asked, _: "The same stands here twice.",
}


def _kinds(asked: str | list[str]) -> str:
    return " or ".join(_KINDS.get(each, each) for each in ([asked] if isinstance(asked, str) else asked))


def _said(value: Any) -> str:
    return value or "an empty text" if isinstance(value, str) else json.dumps(value)


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _most(number: int, one: str, several: str = "") -> str:
    return f"at most {_counted(number, one, several)}"


def _least(number: int, one: str, several: str = "") -> str:
    return f"at least {_counted(number, one, several)}"


def faults(document: Any, schema: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the shape of a parsed body, in the order of its fields; at most fifty."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker(["date", "uuid"]))
    # Where several fields are missing, each of their errors names them all.
    found = {fault for error in validator.iter_errors(document) for fault in _faults(error)}
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
        sentence = _SENTENCES.get(str(error.validator))
        shape = error.schema if isinstance(error.schema, dict) else {}
        yield place, "invalid", sentence(error.validator_value, shape) if sentence else "This cannot be accepted."


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
