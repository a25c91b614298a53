"""Changes of SIMs from a CSV file, read while it arrives: nothing of it is written anywhere but the changes themselves.

The first line names the columns: phone_number,swapped_at. A bad row is left out and named; the others are kept.
"""

from __future__ import annotations

import codecs
import csv
from datetime import datetime
from uuid import UUID

from cases.disclosure.partners import simevents
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.ledger import api as ledger

__all__ = ["COLUMNS", "LARGEST", "BadFile", "Reading"]

COLUMNS = ["phone_number", "swapped_at"]
LARGEST = 25 * 1024 * 1024
BATCH = 1000
MOST_NAMED = 100
LONGEST_LINE = 200


class BadFile(CaseError):
    """The file as a whole cannot be read."""


class Reading:
    """One file on its way in: `feed` its bytes, then `finish`. Keeps a batch at a time, in the caller's transaction.

    `kept` counts what is new, `known` what was there before, `bad` names line and reason of what was left out, at most
    a hundred; `bad_count` counts them all.
    """

    def __init__(self, *, stream: UUID, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> None:
        self.stream, self.actor, self.at, self.request = stream, actor, at, request
        self.kept = self.known = self.bad_count = 0
        self.bad: list[tuple[int, str]] = []
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._rest, self._line, self._size = "", 0, 0
        self._batch: list[simevents.Swap] = []

    def feed(self, chunk: bytes) -> None:
        """Take some bytes. Raises BadFile, NotAllowed."""
        self._size += len(chunk)
        if self._size > LARGEST:
            raise BadFile(f"The file is larger than {LARGEST // 1024 // 1024} MB. Nothing was kept.")
        self._text(chunk, is_last=False)

    def finish(self) -> None:
        """Take the last line and the last batch. Raises BadFile, NotAllowed."""
        self._text(b"", is_last=True)
        if self._line == 0:
            raise BadFile("The file is empty.")
        self._keep()

    def _text(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            text = self._rest + self._decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError:
            raise BadFile("The file is not text in UTF-8.") from None
        lines = text.splitlines(keepends=True)
        self._rest = "" if is_last or not lines or lines[-1].endswith("\n") else lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise BadFile(f"Line {self._line + 1} is longer than such a line can be.")
        for line in lines:
            self._row(line.strip())

    def _row(self, line: str) -> None:
        self._line += 1
        cells = [each.strip() for each in next(csv.reader([line[:LONGEST_LINE]]), [])]
        if self._line == 1:
            if cells != COLUMNS:
                raise BadFile(f"The first line must be {','.join(COLUMNS)}.")
            return
        if not any(cells):
            return
        if len(cells) != len(COLUMNS):
            self._leave_out("There must be a number and a time.")
            return
        try:
            self._batch.append(simevents.read(*cells, now=self.at))
        except simevents.BadEvent as fault:
            self._leave_out(str(fault))
        if len(self._batch) >= BATCH:
            self._keep()

    def _leave_out(self, reason: str) -> None:
        self.bad_count += 1
        if len(self.bad) < MOST_NAMED:
            self.bad.append((self._line, reason))

    def _keep(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        # A file that somebody brings tells nothing of what came after the last change in it.
        until = max(moment for _, moment in batch)
        new = simevents.keep(
            batch, stream=self.stream, actor=self.actor, at=self.at, complete_until=until, request=self.request
        )
        self.kept += new
        self.known += len(batch) - new
