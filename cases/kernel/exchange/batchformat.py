"""How a file between us and an agency is written: one header line, rows of CSV, one trailer line. Pure; reads no clock.

UTF-8, lines end with a line feed. The header names the file; the trailer counts its rows, sums its money and hashes all
bytes between the two, so that a file that was cut off, altered or wrongly added up is seen before anything is read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = [
    "MONEY",
    "FileRefused",
    "Framed",
    "Header",
    "Meter",
    "first_line",
    "last_line",
    "measure",
    "name_of",
    "read",
    "rows",
    "write",
]

FIRST, LAST, VERSION = "FILE", "END", "1"
MONEY = "amount_pence"
"""The column whose whole pence are summed in the trailer. A file without it has a total of 0."""
LARGEST_CELL = 10_000
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_PARTY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
_PENCE = re.compile(r"-?\d{1,15}", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class FileRefused(Exception):
    """The file is taken in no part. `code` says why: it is shown to people and written to the file's row. `note` keeps
    what whoever refused it found, in the transaction that marks the file refused."""

    def __init__(self, code: str, *, note: Callable[[datetime], None] | None = None) -> None:
        super().__init__(code)
        self.code, self.note = code, note


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself. `answers` is the name of the file it answers, if it answers one."""

    kind: str
    sequence_no: int
    sender: str
    recipient: str
    created_at: datetime
    answers: str = ""


@dataclass(frozen=True, kw_only=True)
class Framed:
    """A file whose trailer agrees with its rows."""

    header: Header
    body: bytes
    row_count: int
    total_pence: int


def name_of(header: Header) -> str:
    """Return the one name of a file, as it lies on a server: sender, recipient, kind, sequence."""
    return f"{header.sender}_{header.recipient}_{header.kind}_{header.sequence_no:06d}.csv.pgp"


def write(header: Header, body: bytes) -> bytes:
    """Return a file around rows of CSV whose first row names the columns. Raises FileRefused for rows that are none."""
    body = body if not body or body.endswith(b"\n") else body + b"\n"
    row_count, total = measure(body)
    return b"".join([first_line(header), body, last_line(row_count, total, hashlib.sha256(body).hexdigest())])


def first_line(header: Header) -> bytes:
    """Return the line that names a file."""
    return _line(
        [
            FIRST,
            VERSION,
            header.kind,
            str(header.sequence_no),
            header.sender,
            header.recipient,
            header.created_at.astimezone(UTC).strftime(_MOMENT),
            header.answers,
        ]
    )


def last_line(row_count: int, total_pence: int, sha256: str) -> bytes:
    """Return the line that counts, sums and hashes what stands between it and the first."""
    return _line([LAST, str(row_count), str(total_pence), sha256])


def _line(cells: list[str]) -> bytes:
    return ",".join(cells).encode("ascii") + b"\n"


def read(data: bytes) -> Framed:
    """Return what a file holds. Raises FileRefused unless header, trailer, count, total and hash all agree."""
    first, _, rest = data.partition(b"\n")
    header = _header(first)
    if not rest.endswith(b"\n"):
        raise FileRefused("trailer_missing")
    body_end = rest.rfind(b"\n", 0, len(rest) - 1) + 1
    body, last = rest[:body_end], _cells(rest[body_end:-1])
    if len(last) != 4 or last[0] != LAST:
        raise FileRefused("trailer_missing")
    if not (_COUNT.fullmatch(last[1]) and _PENCE.fullmatch(last[2])):
        raise FileRefused("trailer_malformed")
    if hashlib.sha256(body).hexdigest() != last[3]:
        raise FileRefused("hash_differs")
    row_count, total = measure(body)
    if row_count != int(last[1]):
        raise FileRefused("count_differs")
    if total != int(last[2]):
        raise FileRefused("total_differs")
    return Framed(header=header, body=body, row_count=row_count, total_pence=total)


def _cells(line: bytes) -> list[str]:
    try:
        return line.decode("ascii").split(",")
    except UnicodeDecodeError:
        return []


def _header(line: bytes) -> Header:
    cells = _cells(line)
    if len(cells) != 8 or cells[0] != FIRST:
        raise FileRefused("header_malformed")
    _, version, kind, number, sender, recipient, moment, answers = cells
    if version != VERSION:
        raise FileRefused("version_unknown")
    is_well_formed = (
        _CODE.fullmatch(kind)
        and _COUNT.fullmatch(number)
        and _PARTY.fullmatch(sender)
        and _PARTY.fullmatch(recipient)
        and (not answers or _NAME.fullmatch(answers))
    )
    try:
        created_at = datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise FileRefused("header_malformed") from None
    if not is_well_formed:
        raise FileRefused("header_malformed")
    return Header(
        kind=kind,
        sequence_no=int(number),
        sender=sender,
        recipient=recipient,
        created_at=created_at,
        answers=answers,
    )


def rows(body: bytes) -> Iterator[Mapping[str, str]]:
    """Yield each row as column and value. Raises FileRefused for what is no CSV, or a row of another width."""
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
        columns = next(reader, [])
        if not columns or len(set(columns)) != len(columns) or not all(columns):
            raise FileRefused("columns_missing")
        for cells in reader:
            if len(cells) != len(columns):
                raise FileRefused("row_of_another_width")
            if any(len(cell) > LARGEST_CELL for cell in cells):
                raise FileRefused("value_too_long")
            yield dict(zip(columns, cells, strict=True))
    except UnicodeDecodeError:
        raise FileRefused("not_utf_8") from None
    except csv.Error:
        raise FileRefused("not_csv") from None


def measure(body: bytes) -> tuple[int, int]:
    """Return how many rows there are and the sum of their money in pence. Raises FileRefused."""
    row_count = total = 0
    for row in rows(body):
        row_count += 1
        amount = row.get(MONEY, "0")
        if not _PENCE.fullmatch(amount):
            raise FileRefused("amount_malformed")
        total += int(amount)
    return row_count, total


class Meter:
    """Counts rows and sums money of a body that passes part by part: each is whole lines, the first begins with the
    line of the columns. Raises FileRefused."""

    def __init__(self) -> None:
        self.row_count = self.total_pence = 0
        self._columns = b""

    def feed(self, part: bytes) -> None:
        if not part.endswith(b"\n"):
            raise FileRefused("line_not_whole")
        row_count, total = measure(self._columns + part)
        self.row_count, self.total_pence = self.row_count + row_count, self.total_pence + total
        self._columns = self._columns or part.partition(b"\n")[0] + b"\n"
