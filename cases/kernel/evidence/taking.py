"""Takes a file in: judged, hashed and sealed in one pass, as it comes. Records nothing: `edits.keep` does.

What is small stays in its database row; what is larger goes to the store at once and is never whole in memory. Until
it is recorded its key exists in this process alone: a file whose upload broke off is noise that the sweep removes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cases.kernel.evidence import filenames, store
from cases.kernel.evidence.content import FileRefused, Inspector
from cases.kernel.models import Case, StoredBlob
from cases.ledger import sealing, streams
from cases.ledger.models import DataKey

__all__ = ["FIELD", "LABEL", "FileRefused", "StoreFull", "Taken", "Taking", "take"]

LABEL, FIELD = "cases.storedblob", "document"
IN_ROW_BYTES = 32 * 1024


class StoreFull(FileRefused):
    """The store took nothing: no room, or out of reach."""

    def __init__(self) -> None:
        super().__init__("The file could not be stored just now, and nothing of it was kept. Try again later.")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A sealed file that no case has yet. Record it with `edits.keep`, or drop it."""

    uid: uuid.UUID
    key: DataKey
    file_name: str
    media_type: str
    size: int
    sha256: str
    kept: str
    sealed: bytes

    def record(self) -> StoredBlob:
        """Write its key and its row, in the caller's transaction."""
        self.key.save(force_insert=True)
        return StoredBlob.objects.create(uid=self.uid, key=self.key, sealed=self.sealed, size=self.size, kept=self.kept)

    def drop(self) -> None:
        """Leave nothing of it in the store; what cannot be removed now, the sweep removes."""
        if self.kept != store.IN_ROW:
            with suppress(OSError):
                store.named(self.kept).delete(self.uid)


class Taking:
    """One file on its way in: feed it, then finish it; drop it when anything goes wrong.

    Raises FileRefused for what is not taken, StoreFull for what cannot be, KeyDestroyed for a case that was erased.
    """

    def __init__(self, case: Case, *, file_name: str, media_type: str, at: datetime) -> None:
        self.file_name = filenames.clean(file_name)
        self._inspector: Inspector | None = Inspector(self.file_name, media_type)
        self.media_type = self._inspector.kind.media_type
        self._begin(case, at)

    def _begin(self, case: Case, at: datetime) -> None:
        self.uid, self.key = uuid.uuid4(), sealing.draft_key("blob", at=at, parent=case.key)
        self._hash, self._size, self._small = hashlib.sha256(), 0, bytearray()
        self._writing: store.Writing | None = None
        self._sealer: streams.ChunkSealer | None = None

    @classmethod
    def again(cls, case: Case, *, file_name: str, media_type: str, at: datetime) -> Taking:
        """Begin to take what was taken before by another case: it is not judged again."""
        taking = cls.__new__(cls)
        taking.file_name, taking.media_type, taking._inspector = file_name, media_type, None
        taking._begin(case, at)
        return taking

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._inspector is not None:
            self._inspector.feed(data)
        self._hash.update(data)
        self._size += len(data)
        if self._sealer is None:
            self._small += data
            if len(self._small) <= IN_ROW_BYTES:
                return
            data, self._small = bytes(self._small), bytearray()
            self._open()
        self._store(data)

    def _open(self) -> None:
        try:
            self._writing = store.named(store.current()).writing(self.uid)
            place = streams.Place(LABEL, self.uid, FIELD)
            self._sealer = streams.ChunkSealer(self._writing.write, key=self.key, place=place)
        except OSError:
            raise StoreFull from None

    def _store(self, data: bytes) -> None:
        try:
            self._sealer.feed(data)  # type: ignore[union-attr]  # -- opened before
        except OSError:
            raise StoreFull from None

    def finish(self) -> Taken:
        """Judge the whole and make it there for good."""
        if self._inspector is not None:
            self._inspector.finish()
        kept, sealed = store.IN_ROW, b""
        if self._sealer is not None and self._writing is not None:
            try:
                self._sealer.finish()
                self._writing.keep()
            except OSError:
                raise StoreFull from None
            kept = store.current()
        else:
            sealed = sealing.seal_bytes(bytes(self._small), key=self.key, label=LABEL, uid=self.uid, field=FIELD)
        return Taken(
            uid=self.uid,
            key=self.key,
            file_name=self.file_name,
            media_type=self.media_type,
            size=self._size,
            sha256=self._hash.hexdigest(),
            kept=kept,
            sealed=sealed,
        )

    def drop(self) -> None:
        """Leave nothing of it."""
        if self._writing is not None:
            self._writing.drop()


def take(case: Case, chunks: Iterable[bytes], *, file_name: str, media_type: str, at: datetime) -> Taken:
    """Take a whole file in for a case, chunk by chunk. Raises FileRefused; nothing of it is then kept."""
    return _fed(Taking(case, file_name=file_name, media_type=media_type, at=at), chunks)


def take_again(case: Case, chunks: Iterable[bytes], *, file_name: str, media_type: str, at: datetime) -> Taken:
    """Take in, under another case's key, what was judged when it first came."""
    return _fed(Taking.again(case, file_name=file_name, media_type=media_type, at=at), chunks)


def _fed(taking: Taking, chunks: Iterable[bytes]) -> Taken:
    try:
        for chunk in chunks:
            taking.feed(chunk)
        return taking.finish()
    except BaseException:
        taking.drop()
        raise
