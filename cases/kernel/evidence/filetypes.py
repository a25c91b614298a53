"""What kinds of file are taken: by their ending, by what the sender says they are, by how they begin. A table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ENDINGS", "TYPES", "UNSAID", "FileType", "accepted"]

MEGABYTE = 1024 * 1024
DOCUMENT_BYTES = 25 * MEGABYTE
RECORDING_BYTES = 200 * MEGABYTE
# A browser says this, or nothing, of an ending its machine does not know.
UNSAID = frozenset({"", "application/octet-stream"})


@dataclass(frozen=True, kw_only=True)
class FileType:
    """One kind of file. `begins` matches the first bytes; `is_text` adds that all of it reads as text, `holds` that
    it is a package in which this part is found, `ends` that nothing follows."""

    code: str
    label: str
    media_type: str
    endings: tuple[str, ...]
    said: tuple[str, ...] = ()
    begins: bytes = b""
    is_text: bool = False
    holds: str = ""
    ends: bytes = b""
    largest: int = DOCUMENT_BYTES

    def matches(self, head: bytes) -> bool:
        """Say whether the first bytes are those of this kind."""
        return re.match(self.begins, head, re.DOTALL) is not None

    def may_be_said(self, media_type: str) -> bool:
        """Say whether a sender may call it so."""
        return media_type in UNSAID or media_type == self.media_type or media_type in self.said


TYPES: tuple[FileType, ...] = (
    FileType(code="pdf", label="PDF", media_type="application/pdf", endings=("pdf",), begins=rb"%PDF-[12]\.[0-9]"),
    FileType(
        code="png",
        label="PNG picture",
        media_type="image/png",
        endings=("png",),
        begins=rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        ends=b"IEND\xaeB`\x82",
    ),
    FileType(
        code="jpeg",
        label="JPEG picture",
        media_type="image/jpeg",
        endings=("jpg", "jpeg"),
        said=("image/jpg", "image/pjpeg"),
        begins=rb"\xff\xd8\xff",
    ),
    FileType(
        code="tiff",
        label="TIFF picture",
        media_type="image/tiff",
        endings=("tif", "tiff"),
        begins=rb"II\*\x00|MM\x00\*",
    ),
    FileType(
        code="csv",
        label="CSV table",
        media_type="text/csv",
        endings=("csv",),
        said=("text/plain", "application/csv", "application/vnd.ms-excel"),
        is_text=True,
    ),
    FileType(
        code="text",
        label="plain text",
        media_type="text/plain",
        endings=("txt", "log"),
        said=("text/x-log",),
        is_text=True,
    ),
    FileType(
        code="email",
        label="e-mail",
        media_type="message/rfc822",
        endings=("eml",),
        said=("text/plain",),
        begins=rb"(From [^\n]*\n)?[!-9;-~]+:[ \t\r\n]",
        is_text=True,
    ),
    FileType(
        code="docx",
        label="Word document",
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        endings=("docx",),
        begins=rb"PK\x03\x04",
        holds="word/document.xml",
    ),
    FileType(
        code="xlsx",
        label="Excel workbook",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        endings=("xlsx",),
        begins=rb"PK\x03\x04",
        holds="xl/workbook.xml",
    ),
    FileType(
        code="wav",
        label="WAV recording",
        media_type="audio/wav",
        endings=("wav",),
        said=("audio/x-wav", "audio/wave", "audio/vnd.wave"),
        begins=rb"RIFF....WAVE",
        largest=RECORDING_BYTES,
    ),
    FileType(
        code="mp3",
        label="MP3 recording",
        media_type="audio/mpeg",
        endings=("mp3",),
        said=("audio/mp3",),
        begins=rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]",
        largest=RECORDING_BYTES,
    ),
    FileType(
        code="mp4",
        label="MP4 recording",
        media_type="video/mp4",
        endings=("mp4", "m4a"),
        said=("audio/mp4", "audio/x-m4a"),
        begins=rb"\x00\x00..ftyp",
        largest=RECORDING_BYTES,
    ),
    FileType(
        code="avi",
        label="AVI recording",
        media_type="video/x-msvideo",
        endings=("avi",),
        said=("video/avi", "video/msvideo"),
        begins=rb"RIFF....AVI ",
        largest=RECORDING_BYTES,
    ),
)

ENDINGS: dict[str, FileType] = {ending: each for each in TYPES for ending in each.endings}
LARGEST = max(each.largest for each in TYPES)


def accepted(types: Iterable[FileType] = TYPES) -> str:
    """Return the endings that are taken, for a form's own filter."""
    return ",".join(f".{ending}" for each in types for ending in each.endings)
