"""The read log under the signed checkpoints: that somebody's look was taken out of it, put in or changed shows.

Looks are numbered as they are written and many are written at once, so they are sealed an hour later, when no
transaction that has a lower number can still be open: one leaf for all since the last, in a stream of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db.models import Max

from cases.ledger.canonical import canon, timestamp
from cases.ledger.models import AccessEvent, Checkpoint, LedgerLeaf

__all__ = ["LONGEST", "MOST", "STREAM", "changed", "moved", "newest"]

# The leaves of the read log, among those of the streams of events. No stream of events has this name.
STREAM = UUID("5eadbeef-0000-8000-8000-7265616473aa")
MOST = 200_000
# A number is given just before its transaction ends; none takes longer than this to end.
LONGEST = timedelta(hours=1)
# What is older is dropped by the owner of the tables, month by month.
KEPT = timedelta(days=6 * 365)
CHUNK = 2000
COLUMNS = (
    *("id", "at", "actor", "streams", "verb", "fields", "purpose", "note"),
    *("break_glass", "request_id", "result_count", "query_hash"),
)


def newest() -> int:
    """Return the number of the newest look, 0 of none. One query."""
    return AccessEvent.objects.aggregate(newest=Max("id"))["newest"] or 0


def moved() -> list[tuple[UUID, int, bytes]]:
    """Return the leaf of what was looked at since the last one and an hour before the newest checkpoint, none where
    there is nothing: the stream, the number of the last look, and the hash of all. Reads `MOST` looks at most."""
    last = Checkpoint.objects.order_by("-size").first()
    if last is None:
        return []
    seen = Checkpoint.objects.filter(at__lte=last.at - LONGEST).order_by("-size").first()
    before = LedgerLeaf.objects.filter(stream=STREAM).aggregate(newest=Max("seq"))["newest"] or 0
    if seen is None or seen.last_look <= before:
        return []
    upto, digest = _digest(before, seen.last_look, most=MOST)
    return [(STREAM, upto, digest)] if upto else []


def _digest(after: int, upto: int, *, most: int | None = None) -> tuple[int, bytes]:
    """Return the number of the last look between two numbers, 0 of none, and the hash of all; of the first `most`."""
    digest, number = sha256(), 0
    rows = AccessEvent.objects.filter(id__lte=upto, **({"id__gt": after} if after else {})).order_by("id", "at")
    for row in rows.values_list(*COLUMNS)[:most].iterator(chunk_size=CHUNK):
        digest.update(canon([_plain(value) for value in row]) + b"\n")
        number = row[0]
    return number, digest.digest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, list):
        return [str(each) for each in value]
    return value


def changed() -> Iterator[tuple[int, int]]:
    """Yield each run of looks, the number before it and its last one, that is not as it was sealed. What was sealed so
    long ago that it is dropped by now is not looked at. Reads the read log once."""
    made = list(Checkpoint.objects.order_by("size").values_list("size", "at"))
    dropped = made[-1][1] - KEPT if made else None
    sizes = iter(made)
    size, at = next(sizes, (0, None))
    before = 0
    for idx, seq, digest in LedgerLeaf.objects.filter(stream=STREAM).order_by("seq").values_list("idx", "seq", "hash"):
        while size <= idx and (following := next(sizes, None)) is not None:
            size, at = following
        if (at is None or dropped is None or at > dropped) and _digest(before, seq) != (seq, bytes(digest)):
            yield before, seq
        before = seq
