"""Opens a document, chunk by chunk, and hashes it again on the way: the last bytes are given only when it matches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cases.kernel.errors import CaseError
from cases.kernel.evidence import store
from cases.kernel.evidence.taking import FIELD, LABEL
from cases.kernel.models import Evidence, StoredBlob
from cases.ledger import sealing, streams

__all__ = [
    "DocumentAway",
    "DocumentDamaged",
    "DocumentErased",
    "Opened",
    "open_blob",
    "open_bytes",
    "open_document",
    "open_part",
    "open_whole",
]


class DocumentDamaged(CaseError):
    """What is stored is not what was taken in, or is not there. Somebody must look at it."""

    def __init__(self) -> None:
        super().__init__("This document is not as it was taken in, so it is not handed out. A task was raised.")


class DocumentAway(CaseError):
    """The store cannot be reached, so nothing is known of the document."""

    def __init__(self) -> None:
        super().__init__("The place where documents lie does not answer just now. Try again later.")


class DocumentErased(CaseError):
    """Its key was destroyed."""

    def __init__(self) -> None:
        super().__init__("This document was erased. Its hash stays on record.")


class Stored(Protocol):
    """A row that says of stored bytes what they are."""

    size: int
    sha256: str

    @property
    def blob(self) -> StoredBlob | None: ...


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A document that is being read. `chunks` raises DocumentDamaged before its last bytes when they do not match,
    and DocumentAway when its store cannot be reached."""

    name: str
    size: int
    sha256: str
    media_type: str
    chunks: Iterator[bytes]


def open_document(document: Evidence, *, reader: sealing.Reader, at: datetime, name_too: bool = True) -> Opened:
    """Open one document; load it with `blob`. Writes the reader's access rows before anything is opened, and asks the
    database for nothing while the chunks are read. Raises DocumentErased, DocumentDamaged."""
    names = sealing.open_rows([document], ("file_name",), reader=reader, at=at) if name_too else [{}]
    return Opened(
        name=names[0].get("file_name") or "document",
        size=document.size,
        sha256=document.sha256,
        media_type=document.media_type,
        chunks=open_whole(document, reader=reader, at=at),
    )


def open_whole(row: Stored, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes]:
    """Return the bytes of a row, chunk by chunk, the last only where all are as it says. Writes one access row. Raises
    DocumentErased, DocumentDamaged; reading raises DocumentDamaged, and DocumentAway."""
    blob = row.blob
    found = None if blob is None else open_blob(blob, reader=reader, at=at)
    if blob is None or found is None:
        raise DocumentErased
    return _checked(found, row, blob)


def open_part(document: Evidence, first: int, last: int, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes]:
    """Return the bytes of a document from `first` to `last`, both within it; load it with `blob`. Only what holds them
    is read: that the whole is as it was taken in, a download of it proves, and the hourly look. Writes one access row
    first. Raises DocumentErased, DocumentDamaged; reading raises DocumentDamaged, and DocumentAway."""
    return open_bytes(document.blob, first, last, reader=reader, at=at)


def open_bytes(blob: StoredBlob, first: int, last: int, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes]:
    """Return the bytes of a blob from `first` to `last`. As `open_part`."""
    if blob.kept == store.IN_ROW:
        whole = open_blob(blob, reader=reader, at=at)
        found = None if whole is None else iter([b"".join(whole)[first : last + 1]])
    else:
        found = streams.open_part(
            lambda offset: store.named(blob.kept).open(blob.uid, offset=offset),
            size=blob.size,
            first=first,
            last=last,
            key_id=blob.key_id,
            place=streams.Place(LABEL, blob.uid, FIELD),
            reader=reader,
            at=at,
        )
    if found is None:
        raise DocumentErased
    return _told(found, blob)


def open_blob(blob: StoredBlob, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes] | None:
    """Return what opens it, chunk by chunk, or None when its key is destroyed. Writes one access row. Raises
    DocumentDamaged for a key or a row that does not open."""
    try:
        if blob.kept == store.IN_ROW:
            data = _whole(blob, reader, at)
            return None if data is None else iter([data])
        place = streams.Place(LABEL, blob.uid, FIELD)
        return streams.open_chunks(
            lambda: store.named(blob.kept).open(blob.uid), key_id=blob.key_id, place=place, reader=reader, at=at
        )
    except sealing.SealBroken:
        raise DocumentDamaged from None


def _whole(blob: StoredBlob, reader: sealing.Reader, at: datetime) -> bytes | None:
    return sealing.open_bytes(
        bytes(blob.sealed), key_id=blob.key_id, label=LABEL, uid=blob.uid, field=FIELD, reader=reader, at=at
    )


def _checked(chunks: Iterator[bytes], row: Stored, blob: StoredBlob) -> Iterator[bytes]:
    """Yield the chunks one behind, so that nobody has the whole of what does not match."""
    digest, held, seen = hashlib.sha256(), b"", 0
    for chunk in _told(chunks, blob):
        if held:
            yield held
        digest.update(chunk)
        held, seen = chunk, seen + len(chunk)
    if (digest.hexdigest(), seen) != (row.sha256, row.size):
        raise DocumentDamaged
    yield held


def _told(chunks: Iterator[bytes], blob: StoredBlob) -> Iterator[bytes]:
    """Yield the chunks; say of what goes wrong meanwhile whether it is the document, or the place where it lies."""
    try:
        yield from chunks
    except sealing.SealBroken:
        raise DocumentDamaged from None
    except store.StoreAway:
        raise DocumentAway from None
    except OSError:
        is_lost = store.named(blob.kept).is_there()
        raise (DocumentDamaged() if is_lost else DocumentAway()) from None
