"""One text for one value: canonical JSON (RFC 8785 for the values we allow) and the hashes made from it.

Floats, naive times, keys that are not ASCII text and integers beyond 2^53 are refused, because two programs
could write them differently.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson

from cases.ledger.errors import LedgerError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_INTEGER = 2**53 - 1
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class NotCanonical(LedgerError):
    """The value has no single canonical text."""


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def commitment(data: bytes) -> str:
    """Return sha256 of `data` as unpadded base64url text, the form in which event bodies carry it."""
    return binascii.b2a_base64(hashlib.sha256(data).digest(), newline=False)[:-1].translate(_URL_SAFE).decode("ascii")


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z; `moment` is aware."""
    return (moment - EPOCH) // MICROSECOND


@lru_cache(maxsize=1024)
def timestamp(moment: datetime) -> str:
    """Return UTC with exactly six decimals and a Z; refuse a naive time."""
    if moment.tzinfo is None:
        raise NotCanonical("The ledger takes no time without a time zone.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _integer(value: int) -> int:
    if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise NotCanonical("The ledger takes no integer beyond 2^53.")
    return int(value)


def _mapping(value: Mapping[str, object]) -> dict[str, object]:
    plain_mapping = {}
    for key, item in value.items():
        if not isinstance(key, str) or not key.isascii():
            raise NotCanonical("The ledger takes only ASCII text as the name of a value.")
        plain_mapping[str.__str__(key)] = plain(item)
    return plain_mapping


# Checked in order: bool before int and datetime before date, since each is a subclass of the next.
_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (bool, bool),
    (str, str.__str__),
    (int, _integer),
    (datetime, timestamp),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, lambda value: _integer(value // MICROSECOND)),
    (Decimal, lambda value: format(value, "f")),
    (UUID, str),
    ((bytes, bytearray, memoryview), lambda value: commitment(bytes(value))),
    (Mapping, _mapping),
    ((list, tuple), lambda value: [plain(item) for item in value]),
)


@cache
def _writer(kind: type) -> Callable[[Any], object] | None:
    return next((write for kinds, write in _WRITERS if issubclass(kind, kinds)), None)


def writer(kind: type) -> Callable[[Any], object] | None:
    """Return what `plain` does to a value of this very type; nothing where it stays as it is."""
    if kind in (str, bool):
        return None
    return _writer(kind) or (_of_sealed if hasattr(kind, "ciphertext") else plain)


def _of_sealed(value: Any) -> str:
    return commitment(value.ciphertext)


def plain(value: object) -> object:
    """Return `value` as JSON knows it. Bytes become their commitment. Raises NotCanonical."""
    if value is None or type(value) is str or type(value) is bool:
        return value
    write = _writer(type(value))  # type: ignore[arg-type]  # -- every class is hashable
    if write is not None:
        return write(value)
    if hasattr(value, "ciphertext"):
        return _of_sealed(value)
    raise NotCanonical(f"The ledger cannot write a value of type {type(value).__name__}.")


def canon(value: object) -> bytes:
    """Return the canonical JSON bytes of `value`. Raises NotCanonical for what has no single text."""
    return canon_of_plain(plain(value))


def canon_of_plain(value: object) -> bytes:
    """Return the canonical JSON bytes of what `plain` returned."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
