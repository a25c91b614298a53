"""Looks at the bytes of a file once, as they pass: are they what its name and its sender say, and nothing beside it?

It keeps the first four kilobytes and the end, never the whole, and opens nothing: a package is judged by its table of
contents. A scanner judges what is inside.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from cases.kernel.errors import CaseError
from cases.kernel.evidence import filenames
from cases.kernel.evidence.filetypes import ENDINGS, MEGABYTE, FileType

__all__ = ["FileRefused", "Inspector"]

HEAD_BYTES = 4096
# The end record of a package with the longest remark that may follow it.
END_BYTES = 22 + 65535
CONTENTS_BYTES = MEGABYTE
MOST_PARTS = 2000
UNPACKED_BYTES = 200 * MEGABYTE
MOST_TIMES = 200  # smaller than this when packed; office files reach some fifty
MOST_PIXELS = 100_000_000

_UNTEXTUAL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_PAGE = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|meta|\?php|\?xml)\b", re.IGNORECASE)
_RUNS = re.compile(rb"(\xef\xbb\xbf)?\s*(#!|@echo\b|MZ[^\t\n ]*\x00)", re.IGNORECASE)
_PACKAGE_END, _PACKAGE_ROW = b"PK\x05\x06", b"PK\x01\x02"
_MACROS = ("vbaproject.bin", "vbadata.xml", "activex/", "embeddings/oleobject")


class FileRefused(CaseError):
    """This file is not taken. Says why, and what would be."""


@dataclass(frozen=True)
class Part:
    """One line of a package's table of contents."""

    name: str
    packed: int
    unpacked: int
    is_locked: bool


class Inspector:
    """Judges one file while it passes. Raises FileRefused from each of its steps."""

    def __init__(self, file_name: str, media_type: str) -> None:
        self.kind = _kind(file_name, media_type)
        self.size = 0
        self._head = b""
        self._tail = b""
        self._looked = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size += len(data)
        if self.size > self.kind.largest:
            raise FileRefused(f"The file is larger than {self.kind.largest // MEGABYTE} MB. Nothing was kept.")
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        if self.kind.is_text and _UNTEXTUAL.search(data):
            raise FileRefused(
                f"This is not {self._called}: it holds bytes that are no text. Save it as UTF-8 and try again."
            )
        if len(self._head) == HEAD_BYTES and not self._looked:
            self._look_at_head()
        wanted = END_BYTES + (CONTENTS_BYTES if self.kind.holds else 0)
        self._tail = (self._tail + data)[-wanted:]

    def finish(self) -> None:
        """Judge the whole."""
        if not self.size:
            raise FileRefused("The file is empty.")
        if not self._looked:
            self._look_at_head()
        if self.kind.ends and not self._tail.endswith(self.kind.ends):
            raise FileRefused(f"Something follows the end of this {self.kind.label}, or its end is missing.")
        if self.kind.holds:
            _judge_package(self._tail, self.size, self.kind)
        elif _PACKAGE_END in self._tail and _PACKAGE_ROW in self._tail:
            raise FileRefused(f"This {self.kind.label} holds an archive as well. Attach each file by itself.")

    @property
    def _called(self) -> str:
        return f"a {self.kind.label}" if self.kind.code not in {"text", "email"} else f"{self.kind.label}"

    def _look_at_head(self) -> None:
        self._looked = True
        if not self.kind.matches(self._head):
            raise FileRefused(f"What is in the file is not {self._called}, though its name says so.")
        if self.kind.code != "email" and _PAGE.search(self._head if self.kind.is_text else self._head[:1024]):
            raise FileRefused(
                "The file holds a web page or a script, whatever its name says. Attach a PDF or a picture of it."
            )
        if self.kind.is_text and _RUNS.match(self._head):
            raise FileRefused("The file is a program or a script, whatever its name says.")
        if self.kind.code == "png" and _pixels(self._head) > MOST_PIXELS:
            raise FileRefused("The picture has more than 100 million points; no viewer opens it safely.")


def _kind(file_name: str, media_type: str) -> FileType:
    ending = filenames.ending_of(file_name)
    if not ending:
        raise FileRefused("The file's name has no ending, so nobody can tell what it is. Name it like report.pdf.")
    kind = ENDINGS.get(ending)
    if kind is None:
        raise FileRefused(
            "Files of this kind are not taken. Take a PDF, a picture, a table, a text, a mail or a recording."
        )
    if filenames.active_ending(file_name):
        raise FileRefused(
            "The file's name has two endings, one of them of something that runs. Rename it and say why in a note."
        )
    said = media_type.split(";")[0].strip().lower()
    if not kind.may_be_said(said):
        raise FileRefused(f"The sender calls this file {said[:60]!r}, its name says {kind.label}. They must agree.")
    return kind


def _pixels(head: bytes) -> int:
    width, height = struct.unpack(">II", head[16:24]) if len(head) >= 24 else (0, 0)
    return int(width) * int(height)


def _judge_package(tail: bytes, size: int, kind: FileType) -> None:
    """Judge a package by its table of contents. Raises FileRefused."""
    parts = list(_parts(tail, size, kind))
    names = {part.name.lower() for part in parts}
    if "[content_types].xml" not in names or kind.holds not in names:
        raise FileRefused(f"What is in the file is not a {kind.label}, though its name says so.")
    if any(part.is_locked for part in parts):
        raise FileRefused("The file is locked with a password. Attach it unlocked.")
    if any(word in name for name in names for word in _MACROS):
        raise FileRefused("The file holds macros or embedded programs. Save it without them and try again.")
    unpacked, packed = sum(part.unpacked for part in parts), sum(part.packed for part in parts)
    if unpacked > UNPACKED_BYTES or unpacked > MEGABYTE + packed * MOST_TIMES:
        raise FileRefused("The file unpacks to far more than it should. Attach it as a PDF.")


def _parts(tail: bytes, size: int, kind: FileType) -> Iterator[Part]:
    at = tail.rfind(_PACKAGE_END)
    broken = FileRefused(f"This {kind.label} is damaged: its table of contents cannot be read.")
    if at < 0 or len(tail) < at + 22:
        raise broken
    count, length, offset = struct.unpack("<HII", tail[at + 10 : at + 20])
    if count > MOST_PARTS or length > CONTENTS_BYTES:
        raise FileRefused("The file holds too many parts. Attach it as a PDF.")
    start = at - length
    if start < 0 or size - len(tail) + start != offset or not count:
        raise broken
    for _ in range(count):
        row = tail[start : start + 46]
        if len(row) < 46 or not row.startswith(_PACKAGE_ROW):
            raise broken
        flags, packed, unpacked, name, extra, remark = struct.unpack("<8xH10xIIHHH12x", row)
        text = tail[start + 46 : start + 46 + name].decode("utf-8", "replace").lstrip("/")
        yield Part(text, packed, unpacked, bool(flags & 1))
        start += 46 + name + extra + remark
