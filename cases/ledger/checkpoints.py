"""Signed checkpoints over every stream: that the whole ledger was replaced by another, or by an older copy of itself,
shows to whoever kept one elsewhere.

Each round makes a leaf of every stream that moved since, so that writers never wait for each other, and one of the read
log (readlog.py); the root of all leaves is signed, kept, written to the log of checkpoints and told to the
application's log. A leaf says that a stream ended with an event; the chain (chain.py) says what came before it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from cases.ledger import keys, merkle, notes, readlog
from cases.ledger.models import AccessEvent, Checkpoint, LedgerEvent, LedgerLeaf

__all__ = ["Fault", "Proof", "faults", "is_late", "log_file", "newest", "proof", "seal"]

MOST = 20_000
# So often at most: what happens between two checkpoints can still be undone with the whole database.
EVERY = timedelta(minutes=5)
LATE = timedelta(minutes=15)
UNSEALED = timedelta(days=1)
CHUNK = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """One thing that is not as a checkpoint says."""

    stream: UUID | None
    sequence: int
    table: str
    column: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That a stream up to its event `seq` is in a checkpoint: the note, the place of the stream's leaf, and the hashes
    beside it up to the root, nearest first."""

    note: str
    seq: int
    index: int
    size: int
    path: tuple[bytes, ...]
    at: datetime


LEAVES, CHECKPOINTS = LedgerLeaf._meta.db_table, Checkpoint._meta.db_table


def newest() -> Checkpoint | None:
    """Return the newest checkpoint. One query."""
    return Checkpoint.objects.order_by("-size").first()


def log_file() -> Path:
    """Return where checkpoints are written beside the database."""
    return Path(settings.CHECKPOINT_LOG)


def is_late() -> bool:
    """Say whether something happened a quarter of an hour after the newest checkpoint, or as long ago where there is
    none, by the database's clock: the first is made some minutes after an office begins. Two queries."""
    last = newest()
    if last is None:
        return LedgerEvent.objects.filter(recorded_at__lt=Now() - LATE).exists()
    happened = LedgerEvent.objects.order_by("-pk").values_list("recorded_at", flat=True).first()
    return happened is not None and happened > last.at + LATE


def proof(stream: UUID, *, seq: int) -> Proof | None:
    """Return what proves that a stream up to its newest sealed event, at most `seq`, is in the first checkpoint that
    has it; None where none has. Three queries; reads every leaf before that checkpoint."""
    leaf = LedgerLeaf.objects.filter(stream=stream, seq__lte=seq).order_by("-seq").first()
    sealed = Checkpoint.objects.filter(size__gt=leaf.idx).order_by("size").first() if leaf else None
    if leaf is None or sealed is None:
        return None
    rows = LedgerLeaf.objects.filter(idx__lt=sealed.size).order_by("idx").values_list("stream", "seq", "hash")
    hashes = (merkle.leaf_hash(of, number, bytes(head)) for of, number, head in rows.iterator(chunk_size=CHUNK))
    path = tuple(merkle.path(hashes, leaf.idx, sealed.size))
    return Proof(note=sealed.note, seq=leaf.seq, index=leaf.idx, size=sealed.size, path=path, at=sealed.at)


def seal(*, now: datetime, is_wanted: bool = False) -> Checkpoint | None:
    """Make a checkpoint if any stream moved since the last one; None where none did, another process is at it, or this
    one has no key to sign with; a key that cannot be used is told to the log. `is_wanted` makes one however new the
    last is.

    One transaction writes the leaves, at most `MOST`, and the checkpoint; then its note goes to the log of checkpoints,
    whose fault is told and mended by the next.
    """
    if (public := _public()) is None:
        return None
    with transaction.atomic():
        made = _seal(public, now=now, every=timedelta() if is_wanted else EVERY)
    if made is not None:
        log.info("checkpoint", extra={"size": made.size, "note": made.note})
        _publish(made)
    return made


def _public() -> str | None:
    """Return the public half of the key that signs here; None without one, or with one that cannot be used."""
    if not (keys.directory() / notes.KEY).exists():
        return None
    try:
        return notes.public_key()
    except keys.KeyMissing as fault:
        log.error("checkpoint_key_unusable", extra={"why": str(fault)})  # noqa: TRY400 -- where it broke says nothing
        return None


def _seal(public: str, *, now: datetime, every: timedelta) -> Checkpoint | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('ledger_checkpoint', 0))")
        if not cursor.fetchone()[0]:
            return None
    last = newest()
    if last is not None and last.last_event and last.at <= now < last.at + every:
        return None
    last_event = LedgerEvent.objects.aggregate(newest=Max("id"))["newest"] or 0
    last_look = readlog.newest()
    moved = _moved(_from_event())
    is_whole = len(moved) < MOST
    moved += readlog.moved()
    if not moved:
        return None
    size, frontier = (last.size, [bytes.fromhex(each) for each in last.frontier]) if last else (0, [])
    leaves = [
        LedgerLeaf(idx=size + place, stream=stream, seq=seq, hash=head)
        for place, (stream, seq, head) in enumerate(moved)
    ]
    LedgerLeaf.objects.bulk_create(leaves, batch_size=CHUNK)
    hashes = (merkle.leaf_hash(stream, seq, head) for stream, seq, head in moved)
    frontier, size = merkle.grow(frontier, size, hashes)
    root = merkle.root_of(frontier)
    return Checkpoint.objects.create(
        size=size,
        root=root,
        at=now,
        # Of a round that took all it may, the rest is still to come.
        last_event=last_event if is_whole else 0,
        last_look=last_look,
        frontier=[each.hex() for each in frontier],
        note=notes.write(size=size, root=root, at=now),
        public=public,
    )


def _from_event() -> int:
    """Return the event after which streams may have moved since the last checkpoint that took all there was: one
    numbered before that may have been committed after it. Two queries."""
    whole = Checkpoint.objects.exclude(last_event=0).order_by("-size")
    last = whole.first()
    seen = whole.filter(at__lt=last.at - readlog.LONGEST).values_list("last_event", flat=True).first() if last else None
    return seen or 0


def _moved(after: int) -> list[tuple[UUID, int, bytes]]:
    """Return the heads of streams that moved after an event and have no leaf yet, by their streams; at most `MOST`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.stream, h.seq, h.hash FROM cases_ledgerhead h"
            " WHERE h.stream IN (SELECT e.stream FROM cases_ledgerevent e WHERE e.id > %s)"
            " AND NOT EXISTS (SELECT 1 FROM cases_ledgerleaf l WHERE l.stream = h.stream AND l.seq = h.seq)"
            " ORDER BY h.stream LIMIT %s",
            [after, MOST],
        )
        return [(stream, seq, bytes(head)) for stream, seq, head in cursor.fetchall()]


def _publish(made: Checkpoint) -> None:
    """Append the note to the log of checkpoints, on the disk before this returns; half a note that a crash left stays
    by itself."""
    path = log_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{made.note}")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        log.exception("checkpoint_not_written", extra={"path": str(path)})


def faults(given: Iterable[str] = (), *, public: Sequence[str] = ()) -> Iterator[Fault]:
    """Yield what is not as the checkpoints say: leaves that are gone or others, events that a leaf names and the ledger
    has not, streams that moved a day before the newest checkpoint and have no leaf, looks that are not as they were
    sealed, checkpoints that nobody signed; and of notes that were kept elsewhere, those that cannot be read, that none
    of these keys signed, that this ledger never made, or that are newer than it. Reads every leaf and the read log
    once. Raises NoteUnreadable for a key that is none.
    """
    said = []
    notes.check(public)
    for text in given:
        try:
            said.append(notes.read(text, public=public))
        except notes.NoteUnreadable:
            yield Fault(None, 0, CHECKPOINTS, "note", "A checkpoint that was kept elsewhere cannot be read.")
    sizes = {*Checkpoint.objects.values_list("size", flat=True), *(note.size for note in said)}
    roots = yield from _walk(sizes)
    yield from _own_faults(roots)
    for note in said:
        yield from _faults_beside(note, roots)
    yield from _lost_events()
    yield from _unsealed()
    for before, last in readlog.changed():
        why = f"Who looked, of entries {before + 1} to {last}, is not as it was sealed."
        yield Fault(readlog.STREAM, last, AccessEvent._meta.db_table, "id", why)


def _own_faults(roots: Mapping[int, bytes]) -> Iterator[Fault]:
    """Yield the first checkpoint whose leaves are others, and each that its own key did not sign."""
    is_sound = True
    rows = Checkpoint.objects.order_by("size").values_list("size", "root", "note", "public")
    for size, root, note, public in rows.iterator(chunk_size=CHUNK):
        if is_sound and roots.get(size) != bytes(root):
            is_sound = False
            yield Fault(None, size, CHECKPOINTS, "root", "The leaves are not those that were sealed.")
        if not _is_own(note, size, bytes(root), public):
            yield Fault(None, size, CHECKPOINTS, "note", "It is not signed by its key, or says something else.")


def _is_own(note: str, size: int, root: bytes, public: str) -> bool:
    if not public:  # made before checkpoints named their key
        return True
    try:
        said = notes.read(note, public=[public])
    except notes.NoteUnreadable:
        return False
    return said.is_signed and (said.size, said.root) == (size, root)


def _faults_beside(note: notes.Note, roots: Mapping[int, bytes]) -> Iterator[Fault]:
    if not note.is_signed:
        yield Fault(None, note.size, CHECKPOINTS, "note", "What was kept elsewhere is not signed by this key.")
    elif note.size > max(roots, default=0):
        yield Fault(None, note.size, CHECKPOINTS, "size", f"The ledger is older than the checkpoint of {note.at}.")
    elif roots.get(note.size) != note.root:
        yield Fault(None, note.size, CHECKPOINTS, "root", f"This is not the ledger of the checkpoint of {note.at}.")


def _walk(sizes: Collection[int]) -> Generator[Fault, None, dict[int, bytes]]:
    """Yield where a leaf is missing; return the root at each of these sizes, and at the end."""
    frontier: list[bytes] = []
    size = 0
    roots: dict[int, bytes] = {}
    rows = LedgerLeaf.objects.order_by("idx").values_list("idx", "stream", "seq", "hash").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        for idx, stream, seq, head in chunk:
            if idx != size:
                yield Fault(stream, seq, LEAVES, "idx", "A leaf before this one is missing.")
                return roots
            frontier, size = merkle.grow(frontier, size, [merkle.leaf_hash(stream, seq, bytes(head))])
            if size in sizes:
                roots[size] = merkle.root_of(frontier)
    roots[size] = merkle.root_of(frontier)
    return roots


def _lost_events() -> Iterator[Fault]:
    """Yield each leaf whose event is gone or is another by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.stream, l.seq FROM cases_ledgerleaf l WHERE NOT EXISTS (SELECT 1 FROM cases_ledgerevent e"
            " WHERE e.stream = l.stream AND e.seq = l.seq AND e.hash = l.hash) AND l.stream <> %s ORDER BY l.idx",
            [readlog.STREAM],
        )
        for stream, seq in cursor.fetchall():
            yield Fault(stream, seq, LEAVES, "hash", "The event that was sealed is gone, or is another.")


def _unsealed() -> Iterator[Fault]:
    """Yield each stream whose last event is a day older than the newest checkpoint and has no leaf."""
    last = Checkpoint.objects.exclude(last_event=0).order_by("-size").first()
    if last is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.stream, h.seq FROM cases_ledgerhead h JOIN cases_ledgerevent e ON e.stream = h.stream AND"
            " e.seq = h.seq WHERE e.recorded_at < %s AND NOT EXISTS (SELECT 1 FROM cases_ledgerleaf l"
            " WHERE l.stream = h.stream AND l.seq = h.seq) ORDER BY e.id",
            [last.at - UNSEALED],
        )
        for stream, seq in cursor.fetchall():
            yield Fault(stream, seq, LEAVES, "seq", "What happened last is sealed by no checkpoint.")
