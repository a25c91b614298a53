"""Where sealed files lie. Names are random, content is ciphertext: whoever reads a store learns sizes and times alone.

One small interface, so that another kind of store is one class that composition installs. `StoredBlob.kept` says which
store has a file; what was kept stays where it is when the setting changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from django.conf import settings

__all__ = ["IN_ROW", "STORES", "FileMissing", "Store", "StoreAway", "Writing", "current", "install", "named"]

# What is small lies in its own database row and needs no store.
IN_ROW = "row"
PART = ".part"
# Lies in a folder that is the store, and not in the empty place where it is mounted; says whose documents these are.
MARKER = ".backoffice-documents"


class FileMissing(OSError):
    """The store does not have this file, or cannot be reached. Says which, by its random name."""


class StoreAway(FileMissing):
    """The store did not say anything of this file: the line to it broke. The file may well be whole."""


class Writing(Protocol):
    """A file that is being written. Nobody finds it before it is kept."""

    def write(self, data: bytes) -> object: ...

    def keep(self) -> None:
        """Make it there for good, on the disk before this returns."""

    def drop(self) -> None:
        """Leave nothing of it. May be called twice, and after `keep`."""


class Store(Protocol):
    """Keeps files by a random name. Raises OSError for what a disk or a network cannot do."""

    def prepare(self, owner: str = "") -> None:
        """Make it ready for its first file, and the store of a database."""

    def owner(self) -> str:
        """Return by what the database is known whose documents these are; nothing where none said so."""

    def is_there(self) -> bool:
        """Say whether it can be reached just now: only then is a file that does not open a file that is lost."""

    def writing(self, uid: UUID) -> Writing: ...

    def open(self, uid: UUID, *, offset: int = 0) -> BinaryIO:
        """Open a file at a byte of it. Raises FileMissing."""

    def delete(self, uid: UUID) -> None:
        """Remove it if it is there."""

    def names(self) -> Iterator[tuple[UUID, datetime]]:
        """Yield what is there, with when it was written, half-written files among it."""


class FolderFile:
    """One file of a folder store on its way in."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        self.path, self._part = path, path.with_name(path.name + PART)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self) -> None:
        # Closing writes what is left, which a full disk refuses again. What cannot be removed now, the sweep removes.
        for leave in (self._file.close, self._part.unlink, self.path.unlink):
            with suppress(OSError):
                leave()


class FolderStore:
    """Files in a folder of this machine, or of a network file system that several machines share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, owner: str = "") -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / MARKER).touch(mode=0o600)
        (self.folder / MARKER).write_text(owner)

    def owner(self) -> str:
        return (self.folder / MARKER).read_text().strip()

    def is_there(self) -> bool:
        try:
            (self.folder / MARKER).open("rb").close()
        except OSError:
            return False
        return True

    def _path(self, uid: UUID) -> Path:
        return self.folder / uid.hex[:2] / uid.hex

    def writing(self, uid: UUID) -> FolderFile:
        if not self.is_there():
            raise FileMissing(f"{uid} (the store is away)")
        return FolderFile(self._path(uid))

    def open(self, uid: UUID, *, offset: int = 0) -> BinaryIO:
        try:
            file = self._path(uid).open("rb")
            file.seek(offset)
            return file
        except OSError as error:
            raise FileMissing(f"{uid} ({error.strerror})") from None

    def delete(self, uid: UUID) -> None:
        path = self._path(uid)
        path.unlink(missing_ok=True)
        path.with_name(path.name + PART).unlink(missing_ok=True)

    def names(self) -> Iterator[tuple[UUID, datetime]]:
        for path in self.folder.glob("??/*"):
            try:
                uid, written = UUID(hex=path.name.removesuffix(PART)), path.stat().st_mtime
            except (ValueError, FileNotFoundError):
                continue
            yield uid, datetime.fromtimestamp(written, UTC)


class NoStore:
    """Stands for a store whose setting was taken away: nothing of it can be reached, and nothing is lost with it."""

    def __init__(self, code: str) -> None:
        self.code = code

    def _away(self) -> str:
        return f"the settings name no store {self.code}"

    def prepare(self, owner: str = "") -> None:
        raise OSError(self._away())

    def owner(self) -> str:
        raise OSError(self._away())

    def is_there(self) -> bool:
        return False

    def writing(self, uid: UUID) -> Writing:
        raise FileMissing(f"{uid} ({self._away()})")

    def open(self, uid: UUID, *, offset: int = 0) -> BinaryIO:
        raise FileMissing(f"{uid} ({self._away()})")

    def delete(self, uid: UUID) -> None:
        raise OSError(f"{uid} was not removed ({self._away()})")

    def names(self) -> Iterator[tuple[UUID, datetime]]:
        raise OSError(self._away())


FOLDER = "folder"
STORES: dict[str, Callable[[], Store]] = {
    FOLDER: lambda: FolderStore(settings.EVIDENCE_DIR),
}


def install(code: str, make: Callable[[], Store]) -> None:
    """Add another kind of store, to which new files go from now on. Called once, when Django has loaded."""
    STORES[code] = make


def current() -> str:
    """Return the code of the store that new files go to: the one that was added last."""
    return list(STORES)[-1]


def named(code: str) -> Store:
    """Return a store by its code; one that the settings no longer name is away."""
    return STORES[code]() if code in STORES else NoStore(code)
