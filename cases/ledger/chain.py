"""The arithmetic of one stream: which event is wrong, and in which column. No Django, no database.

hash = sha256(0x00 | prev | seq | id | recorded_at in microseconds | body), integers as 8 bytes, big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

GENESIS = bytes(32)
EVENT, HEAD = "event", "head"
HASHED = "body|id|recorded_at"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Link:
    """One event as the chain sees it."""

    id: int
    seq: int
    recorded_at: datetime
    prev: bytes
    hash: bytes
    body: str


@dataclass(frozen=True)
class Fault:
    """What is wrong: in an event or in the head, at which sequence, in which column."""

    part: str
    seq: int
    column: str
    message: str


def link_hash(link: Link, prev: bytes) -> bytes:
    """Return the hash `link` must have when `prev` is the hash before it."""
    recorded = (link.recorded_at - _EPOCH) // _MICROSECOND
    numbers = b"".join(number.to_bytes(8, "big", signed=True) for number in (link.seq, link.id, recorded))
    return sha256(b"\0" + prev + numbers + link.body.encode()).digest()


class Chain:
    """Walks one stream from its first event: `add` each link in order of seq, then `finish` with the head."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self._doubted: tuple[int, bytes] | None = None

    def add(self, link: Link) -> Iterator[Fault]:
        """Yield what is wrong up to this link."""
        yield from self._settle(link.prev)
        expected = self.seq + 1
        self.seq, before, self.hash = link.seq, self.hash, link.hash
        if link.seq != expected:
            yield Fault(EVENT, expected, "seq", f"Event {expected} is missing; {link.seq} follows.")
            before = link.prev
        due = link_hash(link, before)
        if due == link.hash:
            if link.prev != before:
                yield Fault(EVENT, link.seq, "prev", "The hash before this event was changed.")
            return
        if link.prev != before:
            yield Fault(EVENT, link.seq, "seq", "This event does not follow the one before it.")
            return
        self._doubted = (link.seq, due)

    def _settle(self, witness: bytes | None) -> Iterator[Fault]:
        """Decide what was changed in the last link: its hash, if what follows still holds the right one."""
        if self._doubted is None:
            return
        seq, due = self._doubted
        self._doubted = None
        if witness == due:
            self.hash = due
            yield Fault(EVENT, seq, "hash", "The hash of this event was changed.")
        else:
            yield Fault(EVENT, seq, HASHED, "The body, id or recording time of this event was changed.")

    def finish(self, head_seq: int | None, head_hash: bytes | None) -> Iterator[Fault]:
        """Yield what is wrong at the end of the stream; None stands for a head that is not there."""
        is_sound = self._doubted is None and head_hash == self.hash
        if head_seq is not None and head_seq < self.seq and not is_sound:
            yield Fault(EVENT, head_seq + 1, "seq", f"Event {head_seq + 1} was added behind the head.")
            return
        yield from self._settle(head_hash)
        if head_seq is None:
            yield Fault(HEAD, self.seq, "stream", "The stream has events but no head.")
        elif head_seq != self.seq and head_hash == self.hash:
            yield Fault(HEAD, self.seq, "seq", f"The head counts {head_seq} events; there are {self.seq}.")
        elif head_seq > self.seq:
            yield Fault(EVENT, self.seq + 1, "seq", f"Event {self.seq + 1} is missing; the head counts {head_seq}.")
        elif head_hash != self.hash:
            yield Fault(HEAD, self.seq, "hash", "The head does not hold the hash of the last event.")
