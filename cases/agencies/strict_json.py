"""JSON as we take it from outside: UTF-8, one meaning, shallow, finite. Anything else is Unreadable."""

import json
import math
import re
import unicodedata
from typing import Any, NoReturn

DEEPEST = 20
LONGEST_NUMBER = 18
# The last quote may be missing: an unended text is then taken once, where looking for its end anew from every quote
# in it would take minutes.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class Unreadable(Exception):
    """The bytes are not JSON as we take it. `code` says why, for the log and the answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(raw: bytes) -> Any:
    """Return the value, its text in Unicode form NFC. Raises Unreadable."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8") from error
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short_integer,
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable("not_json") from error
    return _clean(value)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > DEEPEST:
            raise Unreadable("too_deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("duplicate_key")
    return found


def _refuse_constant(_name: str) -> NoReturn:
    raise Unreadable("not_finite")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable("not_finite")
    return number


def _short_integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise Unreadable("number_too_long")
    return int(digits)


def _clean(value: Any) -> Any:
    """Normalise text; refuse NUL and lone surrogates, which no column of ours can hold."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise Unreadable("forbidden_character")
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value
