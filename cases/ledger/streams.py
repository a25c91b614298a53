"""Seals and opens files chunk by chunk, so that neither the file nor its ciphertext is ever whole in memory.

Each chunk is AES-256-GCM under a nonce of a random prefix, its number and whether it is the last: a chunk that is
altered, moved, repeated or left out does not open. Bound to its place like everything sealed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from cases.ledger import sealing
from cases.ledger.models import DataKey
from cases.ledger.reads import Reader, record_read

__all__ = ["CHUNK_BYTES", "ChunkSealer", "Place", "open_chunks", "open_part"]

CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
PREFIX_BYTES = 7
MARK = b"SEALED1\0"


@dataclass(frozen=True)
class Place:
    """Where a ciphertext belongs."""

    label: str
    uid: UUID
    field: str

    @property
    def bytes(self) -> bytes:
        return b"\0".join([MARK, self.label.encode(), self.uid.bytes, self.field.encode()])


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"file chunks", "sha256"))


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


class ChunkSealer:
    """Writes one sealed file: give it the bytes as they come, then finish it. Raises KeyDestroyed."""

    def __init__(self, write: Callable[[bytes], object], *, key: DataKey, place: Place) -> None:
        self._write, self._place, self._cipher = write, place.bytes, _cipher(sealing.usable(key))
        self._prefix, self._number, self._rest = secrets.token_bytes(PREFIX_BYTES), 0, bytearray()
        self._write(MARK + self._prefix)

    def feed(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) > CHUNK_BYTES:  # the last chunk is known only at the end
            self._seal(bytes(self._rest[:CHUNK_BYTES]), is_last=False)
            del self._rest[:CHUNK_BYTES]

    def finish(self) -> None:
        self._seal(bytes(self._rest), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._write(self._cipher.encrypt(_nonce(self._prefix, self._number, is_last=is_last), chunk, self._place))
        self._number += 1


def open_chunks(
    find: Callable[[], BinaryIO], *, key_id: int, place: Place, reader: Reader, at: datetime
) -> Iterator[bytes] | None:
    """Return the chunks of what a ChunkSealer wrote, or None when its key is destroyed. Writes one access row first
    and asks the database for nothing afterwards; `find` opens the file when the first chunk is read.

    The iterator raises SealBroken at the first chunk that was altered, moved or left out.
    """
    cipher = _opening(key_id, place, reader, at)
    return None if cipher is None else _chunks(find, cipher, place)


def open_part(
    find: Callable[[int], BinaryIO],
    *,
    size: int,
    first: int,
    last: int,
    key_id: int,
    place: Place,
    reader: Reader,
    at: datetime,
) -> Iterator[bytes] | None:
    """Return the bytes from `first` to `last` of what a ChunkSealer wrote of `size` bytes, or None when its key is
    destroyed. Reads the chunks that hold them and no other; each proves itself and its place. As `open_chunks`; `find`
    opens the file at a byte of it."""
    cipher = _opening(key_id, place, reader, at)
    return None if cipher is None else _part(find, cipher, place, size, first, last)


def _opening(key_id: int, place: Place, reader: Reader, at: datetime) -> AESGCM | None:
    with transaction.atomic(savepoint=False):
        record_read(reader, fields=(place.field,), at=at, result_count=1)
        key = DataKey.objects.select_related("parent").get(pk=key_id)
    try:
        return _cipher(sealing.usable(key))
    except sealing.KeyDestroyed:
        return None


def _part(
    find: Callable[[int], BinaryIO], cipher: AESGCM, place: Place, size: int, first: int, last: int
) -> Iterator[bytes]:
    begins, ends, final = first // CHUNK_BYTES, last // CHUNK_BYTES, max(0, size - 1) // CHUNK_BYTES
    with find(0) as file:
        prefix = _prefix(file, place)
    with find(len(MARK) + PREFIX_BYTES + begins * (CHUNK_BYTES + TAG_BYTES)) as file:
        for number in range(begins, ends + 1):
            nonce = _nonce(prefix, number, is_last=number == final)
            try:
                chunk = cipher.decrypt(nonce, _read_full(file), place.bytes)
            except InvalidTag:
                raise _broken(place) from None
            at = number * CHUNK_BYTES
            yield chunk[max(first - at, 0) : last + 1 - at]


def _chunks(find: Callable[[], BinaryIO], cipher: AESGCM, place: Place) -> Iterator[bytes]:
    with find() as file:
        prefix, number = _prefix(file, place), 0
        sealed = _read_full(file)
        while True:
            following = _read_full(file)
            nonce = _nonce(prefix, number, is_last=not following)
            try:
                yield cipher.decrypt(nonce, sealed, place.bytes)
            except InvalidTag:
                raise _broken(place) from None
            if not following:
                return
            sealed, number = following, number + 1


def _prefix(file: BinaryIO, place: Place) -> bytes:
    start = file.read(len(MARK) + PREFIX_BYTES)
    if len(start) != len(MARK) + PREFIX_BYTES or not start.startswith(MARK):
        raise _broken(place)
    return start[len(MARK) :]


def _read_full(file: BinaryIO) -> bytes:
    """Return the next sealed chunk whole: a network gives less at a time than was asked for."""
    found = b""
    while len(found) < CHUNK_BYTES + TAG_BYTES and (more := file.read(CHUNK_BYTES + TAG_BYTES - len(found))):
        found += more
    return found


def _broken(place: Place) -> sealing.SealBroken:
    return sealing.SealBroken(f"{place.label} {place.uid} {place.field} was altered or belongs elsewhere.")
