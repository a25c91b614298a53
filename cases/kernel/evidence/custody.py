"""The chain of custody of stored documents: each handing out on record, hashes taken again, erasing for good."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from cases.kernel import holds, locks, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.evidence import damage, scanning, store
from cases.kernel.evidence.handing import (
    DocumentAway,
    DocumentDamaged,
    DocumentErased,
    Opened,
    open_document,
    open_part,
)
from cases.kernel.models import Case, Evidence, StoredBlob
from cases.ledger import api as ledger
from cases.ledger import databases, sealing

__all__ = [
    "Preserved",
    "adopt",
    "check_sample",
    "erase",
    "erase_blob",
    "hand_out",
    "is_erased",
    "how_is",
    "is_ours",
    "open_again",
    "open_piece",
    "prepare_store",
    "sweep",
]

LEAST_CHECKED = 3
SHARE_CHECKED = 30 * 24  # of all documents in an hour, so that each is checked once a month
UNRECORDED_FOR = timedelta(days=1)  # an upload in progress has no row yet
BATCH = 1000
log = logging.getLogger(__name__)


class Preserved(CaseError):
    """A hold keeps the documents of this case from being erased."""


def is_erased(document: Evidence) -> bool:
    """Say whether nobody can open a document any more. Reads nothing when loaded with `blob__key` and `case__key`."""
    return bool(document.blob.key.destroyed_at or document.case.key.destroyed_at)


def hand_out(
    document: Evidence,
    *,
    actor: Actor,
    reader: sealing.Reader,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    page: int = 0,
    verb: str = "case.evidence_handed_out",
) -> Opened:
    """Open a clean document for somebody, as one event in its case's stream with the hash it goes out under, and with
    the page where only a picture of that is shown.

    The first chunk is read before that: nobody was handed what does not open. Reading `chunks` later raises
    DocumentDamaged before the last bytes when they are not what was taken in, and puts that on record too. Raises
    NotClean, DocumentErased, DocumentAway, DocumentDamaged (then on record); it is then not said to be handed out.
    """
    opened = open_again(document, reader=reader, at=at)
    with transaction.atomic():
        case = locks.case_for_update(document.case_id)
        detail = {"document": document.number, "sha256": document.sha256, **({"page": page} if page else {})}
        verb = "case.evidence_shown" if page else verb
        with record.act(case, verb, actor=actor, at=at, request=request, detail=detail):
            pass
    return opened


def open_again(document: Evidence, *, reader: sealing.Reader, at: datetime) -> Opened:
    """Open a clean document for whoever it was handed out to: with its access rows, and no event. The first chunk is
    read at once. Raises as `hand_out`."""
    _require_open(document)
    try:
        opened = open_document(document, reader=reader, at=at)
        first = next(opened.chunks, b"")
    except DocumentDamaged:
        damage.report(document, at=at)
        raise
    return Opened(
        name=opened.name,
        size=opened.size,
        sha256=opened.sha256,
        media_type=opened.media_type,
        chunks=_watched(first, opened.chunks, document, at),
    )


def open_piece(document: Evidence, first: int, last: int, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes]:
    """Open the bytes from `first` to `last` of a clean document for whoever it was handed out to, as each piece of a
    recording that is played: with its access row, and no event. Nothing else of it is read. Raises as `hand_out`."""
    _require_open(document)
    try:
        chunks = open_part(document, first, last, reader=reader, at=at)
        begun = next(chunks, b"")
    except DocumentDamaged:
        damage.report(document, at=at)
        raise
    return _watched(begun, chunks, document, at)


def _require_open(document: Evidence) -> None:
    if refusal := scanning.why_not(document):
        raise scanning.NotClean(refusal)
    if is_erased(document):
        raise DocumentErased


def _watched(first: bytes, chunks: Iterator[bytes], document: Evidence, at: datetime) -> Iterator[bytes]:
    try:
        yield first
        yield from chunks
    except DocumentDamaged:
        damage.report(document, at=at)
        raise


def prepare_store() -> bool:
    """Make the store ready for its first file, and again when files of it are found there. Returns whether it is
    ready: an empty folder in which files should lie is not the store, but the place where that is mounted. A store that
    cannot be reached is not ready. One that names nobody is from now on the store of this database."""
    place = store.named(store.current())
    last = StoredBlob.objects.filter(kept=store.current(), key__destroyed_at=None, key__parent__destroyed_at=None)
    known = last.order_by("-pk").values_list("uid", flat=True).first()
    try:
        if place.is_there():
            if not place.owner():
                place.prepare(_database())
        elif known is None or next(place.names(), None):
            place.prepare(_database())
    except OSError:
        log.warning("documents_unreachable", extra={"store": store.current()})
    return place.is_there()


def _database() -> str:
    """Return which database this is, as it stands: one that went back to a moment in time is another. One query."""
    name, timeline = databases.identity()
    return f"{name}:{timeline}"


def is_ours(code: str) -> bool:
    """Say whether the documents of a store are those of this database: not where it was restored since, nor where it is
    a copy that stands beside the one in use. Raises OSError."""
    return store.named(code).owner() in ("", _database())


def how_is(code: str) -> str:
    """Return how a store is: "ours", "away", or "another": it has the documents of another database. One query."""
    try:
        return "ours" if is_ours(code) else "another"
    except OSError:
        return "away"


def adopt() -> list[str]:
    """Make every store that can be reached the store of this database; return their codes. Whoever calls this says
    that no newer copy of the database will be restored."""
    adopted = []
    for code in store.STORES:
        place = store.named(code)
        if place.is_there():
            place.prepare(_database())
            adopted.append(code)
    return adopted


def check_sample(*, now: datetime) -> int:
    """Take the hash of stored documents again, those longest not checked first: as many as make each
    come round once a month when this is called every hour, and that survives hours in which nobody called.

    Returns how many do not match or are not there; each becomes an event and a task. A store that cannot be reached
    ends the round, and what was not read is checked the next time.
    """
    known = Evidence.objects.filter(blob__key__destroyed_at=None, case__key__destroyed_at=None)
    wanted = max(LEAST_CHECKED, -(-known.count() // SHARE_CHECKED))
    oldest = known.order_by(F("blob__checked_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:wanted]
    broken = 0
    for pk in list(oldest):
        try:
            broken += not _is_sound(pk, now)
        except DocumentAway:
            log.warning("documents_unreachable")
            break
    return broken


def _is_sound(pk: int, now: datetime) -> bool:
    document = Evidence.objects.select_related("blob", "case").get(pk=pk)
    reader = sealing.Reader(actor="system:custody", verb="check", purpose="integrity", streams=(document.case.uid,))
    StoredBlob.objects.filter(pk=document.blob_id).update(checked_at=now)
    try:
        for _ in open_document(document, reader=reader, at=now, name_too=False).chunks:
            pass
    except DocumentAway:
        StoredBlob.objects.filter(pk=document.blob_id).update(checked_at=document.blob.checked_at)
        raise
    except DocumentErased:
        return True
    except DocumentDamaged:
        damage.report(document, at=now)
        return False
    return True


def erase(
    case: Case, documents: Iterable[Evidence], *, actor: Actor, at: datetime, reason: str, is_again: bool = False
) -> int:
    """Destroy the keys of documents of a locked case, inside the current ledger action; their bytes go after the
    commit, and with the sweep at the latest. What they were (kind, size, hash) stays on record. `reason` is a code.

    Returns how many. Raises Preserved when a hold blocks erasing; nothing is then erased. `is_again`: they were erased
    before, and a backup brought them back with holds that had ended.
    """
    rows = [row for row in documents if row.case_id == case.pk]
    if not is_again and holds.blocks(case, "dispose", at=at):
        raise Preserved(holds.SENTENCE)
    for row in rows:
        erase_blob(row.blob, actor=actor, at=at, reason=reason)
    ledger.current().detail["erased"] = sorted(row.number for row in rows)
    return len(rows)


def erase_blob(blob: StoredBlob, *, actor: Actor, at: datetime, reason: str) -> None:
    """Destroy the key of what was stored, inside the current ledger action of whoever decided it; the bytes go after
    the commit, and with the sweep at the latest. Holds are the caller's to ask. `reason` is a code."""
    sealing.destroy(blob.key, actor=actor.label, reason=reason, at=at)
    StoredBlob.objects.filter(pk=blob.pk).update(sealed=b"", scan_due_at=None)
    transaction.on_commit(lambda: _remove(blob), robust=True)


def _remove(blob: StoredBlob) -> None:
    if blob.kept != store.IN_ROW and is_ours(blob.kept):
        store.named(blob.kept).delete(blob.uid)


def sweep(*, now: datetime) -> int:
    """Remove from every store what nobody can open: files whose own or whose case's key was destroyed, and files of
    uploads that were never recorded. Returns how many. What a store that cannot be reached still holds is removed
    the next time; from one of another database nothing is, since that one may know of what we do not."""
    removed = 0
    for code in store.STORES:
        try:
            if not is_ours(code):
                log.warning("documents_of_another_database", extra={"store": code})
                continue
            for count in _swept(code, now):
                removed += count
        except OSError:
            log.warning("documents_unreachable", extra={"store": code})
    return removed


def _swept(code: str, now: datetime) -> Iterator[int]:
    """Sweep one store; yield how many went, batch by batch. Raises OSError."""
    place = store.named(code)
    seen: dict[UUID, datetime] = {}
    for uid, written in place.names():
        seen[uid] = written
        if len(seen) == BATCH:
            yield _sweep_batch(place, seen, now)
            seen = {}
    yield _sweep_batch(place, seen, now)


def _sweep_batch(place: store.Store, seen: dict[UUID, datetime], now: datetime) -> int:
    rows = StoredBlob.objects.filter(uid__in=seen)
    dead = Q(key__destroyed_at__isnull=False) | Q(key__parent__destroyed_at__isnull=False)
    gone = set(rows.filter(dead).values_list("uid", flat=True))
    unrecorded = seen.keys() - set(rows.values_list("uid", flat=True))
    gone |= {uid for uid in unrecorded if seen[uid] < now - UNRECORDED_FOR}
    for uid in gone:
        place.delete(uid)
    if gone:
        log.info("documents_swept", extra={"count": len(gone)})
    return len(gone)
