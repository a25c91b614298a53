"""Takes a file out of a form while it arrives, straight into its sealed place. Nothing of it is written in clear."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from cases.kernel.errors import CaseError
from cases.kernel.evidence.filetypes import LARGEST, MEGABYTE
from cases.kernel.evidence.taking import Taken, Taking
from cases.kernel.models import Case

__all__ = ["FORM_BYTES", "LARGEST_REQUEST", "PackedHandler", "SealedUpload", "SealingHandler"]

FORM_BYTES = MEGABYTE
LARGEST_REQUEST = LARGEST + FORM_BYTES
TWO_FILES = "One file at a time. Nothing was kept."


class SealedUpload(UploadedFile):
    """What the form sees of a file: its name and size. Its bytes are sealed already."""

    def __init__(self, taken: Taken) -> None:
        super().__init__(file=None, name=taken.file_name, content_type=taken.media_type, size=taken.size)
        self.taken = taken

    def close(self) -> None:
        """Nothing is open."""


class SealingHandler(FileUploadHandler):
    """Takes the one file of a form in for a case. `refusal` says why not; the rest is read and forgotten."""

    def __init__(self, case: Case, field: str, *, at: datetime) -> None:
        super().__init__()
        self.case, self.field, self.at = case, field, at
        self.refusal: CaseError | None = None
        self.taken: Taken | None = None
        self._taking: Taking | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with a file; one that nobody asked for, or a second one, is passed over."""
        super().new_file(*args, **kwargs)
        if self.field_name != self.field or self.refusal is not None:
            raise SkipFile
        if self.taken is not None:
            self.drop()
            self._refuse(CaseError(TWO_FILES))
        try:
            name, said = self.file_name or "", (self.content_type or "").replace("\0", "")
            self._taking = Taking(self.case, file_name=name, media_type=said, at=self.at)
        except CaseError as refusal:
            self._refuse(refusal)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._taking is not None
        try:
            self._taking.feed(raw_data)
        except CaseError as refusal:
            self._refuse(refusal)

    def file_complete(self, file_size: int) -> SealedUpload | None:
        if self._taking is None:
            return None
        taking, self._taking = self._taking, None
        try:
            self.taken = taking.finish()
        except CaseError as refusal:
            taking.drop()
            self.refusal = refusal
            return None
        return SealedUpload(self.taken)

    def upload_interrupted(self) -> None:
        """The sender hung up."""
        self.drop()

    def drop(self) -> None:
        """Leave nothing of what came."""
        for each in (self._taking, self.taken):
            if each is not None:
                each.drop()
        self._taking = self.taken = None

    def _refuse(self, refusal: CaseError) -> None:
        if self._taking is not None:
            self._taking.drop()
        self._taking, self.refusal = None, refusal
        raise SkipFile


class PackedHandler(FileUploadHandler):
    """Keeps the one file of a form packed in memory, for whoever reads it at once; nothing of it is written in clear.
    A file of more than `most` bytes is `too_large` and not kept."""

    def __init__(self, field: str, *, most: int) -> None:
        super().__init__()
        self.field, self.most, self.size = field, most, 0
        self.is_whole = self.too_large = False
        self._packer, self._pieces = zlib.compressobj(1), list[bytes]()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with the file; one that nobody asked for, or a second one, is passed over."""
        super().new_file(*args, **kwargs)
        if self.field_name != self.field or self.is_whole:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.size > self.most:
            self.too_large = True
            self._pieces.clear()
            raise StopUpload(connection_reset=False)
        self._pieces.append(self._packer.compress(raw_data))

    def file_complete(self, file_size: int) -> None:
        self._pieces.append(self._packer.flush())
        self.is_whole = True

    def chunks(self) -> Iterator[bytes]:
        """Yield the file as it came, some of it at a time."""
        packed = zlib.decompressobj()
        for piece in self._pieces:
            rest = piece
            while rest:
                yield packed.decompress(rest, 64 * 1024)
                rest = packed.unconsumed_tail
        yield packed.flush()
