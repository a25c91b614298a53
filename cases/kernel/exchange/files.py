"""Files between us and agencies that exchange them: what a family declares of its kinds, and the promise of one.

A family turns its rows into CSV and back. Header, trailer, name, encryption, carrying and checking are shared.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from cases.kernel import outbox
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.evidence import handing, taking
from cases.kernel.exchange import batchformat
from cases.kernel.exchange.batchformat import FileRefused, Header
from cases.kernel.models import BatchFile, Case, Channel, OutboxMessage, StoredBlob, Stream
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = [
    "CARRIED",
    "FileKind",
    "FileRefused",
    "Line",
    "NoFiles",
    "Ready",
    "declare",
    "draw",
    "is_own_name",
    "kind_of",
    "kinds",
    "label",
    "make_ready",
    "open_parts",
    "promise",
    "promise_to_each",
    "tell",
]

CARRIED = ("sftp", "smtp")
LABEL = "cases.BatchFile"
_TAKE_PLACE = """
INSERT INTO cases_stream (case_id, channel_id, next_seq) VALUES (NULL, %s, 2)
ON CONFLICT (channel_id) WHERE case_id IS NULL DO UPDATE SET next_seq = cases_stream.next_seq + 1
RETURNING id, next_seq - 1
"""


class NoFiles(CaseError):
    """The agency takes messages, not files."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one row of a fetched file says, as a callback: the family's own table of callbacks applies it to a case."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    agency_reference: str = ""
    occurred_at: datetime | None = None


Row = Mapping[str, str]
After = Callable[[BatchFile, str, datetime], None]


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of file. `line` makes of a fetched row what it says, and raises FileRefused to refuse the whole file.

    `find` returns the id of the case that each row speaks of, in one look, or None where that is for people to say; it
    answers for it that the agency was told of the case. `is_balanced`: it must have as many rows and as many pence as
    the file it answers. `kept` is called with the rows of a fetched file and the id of the callback that was made of
    each. `after` is called, in the same transaction, with what became of a sent file (delivered, refused, dead,
    unknown, answered; once a person gave it up skipped where nobody has it, lost where somebody may) or a fetched one
    (taken).
    """

    code: str
    label: str
    line: Callable[[Row], Line] | None = None
    find: Callable[[BatchFile, Sequence[Row]], Sequence[int | None]] | None = None
    is_balanced: bool = False
    kept: Callable[[BatchFile, Sequence[Row], Sequence[uuid.UUID], datetime], None] | None = None
    after: After | None = None


_kinds: dict[str, FileKind] = {}


def declare(*kinds: FileKind) -> None:
    """Name kinds of file. Called once, where the family is declared."""
    _kinds.update({kind.code: kind for kind in kinds})


def kind_of(code: str) -> FileKind | None:
    return _kinds.get(code)


def kinds() -> list[str]:
    """Return the codes of all kinds, of files that are sent and of files that are read."""
    return sorted(_kinds)


def label(code: str) -> str:
    """Return a kind in words."""
    found = _kinds.get(code)
    return found.label if found else code.replace("_", " ").capitalize()


def is_own_name(name: str, agency_code: str) -> bool:
    """Say whether a file from an agency has the one name that a file of a known kind has."""
    own = (f"{agency_code}_{settings.FILE_SENDER}_{kind}_" for kind in _kinds)
    return any(re.fullmatch(rf"{re.escape(each)}\d{{6,9}}\.csv\.pgp", name, re.ASCII) for each in own)


def tell(file: BatchFile, became: str, *, at: datetime) -> None:
    """Tell the family of a file what became of it, in the caller's transaction."""
    kind = _kinds.get(file.kind)
    if kind is not None and kind.after is not None:
        kind.after(file, became, at)


def _channel_for(agency_code: str) -> Channel:
    """Return the channel on which an agency takes files, beside one for messages if it has both. Raises NoChannel,
    NoFiles."""
    first = outbox.channel_for(agency_code)
    if first.transport in CARRIED:
        return first
    other = Channel.objects.filter(agency=first.agency_id, direction="out", transport__in=CARRIED)
    found = other.exclude(state="disabled").order_by("pk").first()
    if found is None:
        raise NoFiles(f"{agency_code} takes messages, not files.")
    return found


def draw(agency_code: str) -> BatchFile:
    """Return a file that is written nowhere yet, with the ids that it and its message will have, so that what belongs
    to it can be written before `promise` takes the place on the channel, in the same transaction. Locks nothing. Raises
    NoChannel, NoFiles."""
    channel = _channel_for(agency_code)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('cases_outboxmessage', 'id'))")
        message = OutboxMessage(pk=cursor.fetchone()[0], channel=channel)
    return BatchFile(channel=channel, message=message)


def promise(
    agency_code: str,
    kind: str,
    body: bytes,
    *,
    at: datetime,
    case: Case | None = None,
    answers: str = "",
    dedupe: str = "",
    cause: uuid.UUID | None = None,
    is_ordered: bool = True,
    priority: int = 5,
    drawn: BatchFile | None = None,
) -> BatchFile:
    """Promise a file to an agency, inside the transaction and ledger action of the act that owes it.

    `body` is CSV whose first row names the columns. Takes the channel's next number under its lock, seals the file
    under a key of its own (below the case's, if it is of one case) and rings the doorbell on commit. A file promised
    before under the same `dedupe` is returned as it is, also where another was `drawn`, which has its ids already: that
    one is then never written. Raises NoChannel, NoFiles, FileRefused.
    """
    channel = _channel_for(agency_code)
    known = BatchFile.objects.filter(channel=channel, message__dedupe_key=dedupe).first() if dedupe else None
    if known is not None:
        return known
    place = _take_place(channel, agency_code, kind, at=at, answers=answers)
    written = batchformat.write(place.header, body)
    row_count, total = batchformat.measure(body)
    return _keep(
        place,
        written,
        at=at,
        case=case,
        sha256=hashlib.sha256(written).hexdigest(),
        row_count=row_count,
        total=total,
        dedupe=dedupe,
        is_ordered=is_ordered,
        priority=priority,
        cause=cause,
        drawn=drawn,
    )


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Rows for several agencies, sealed in the store, and the file of each as it will be if its place is still free.
    Promise it, or drop it."""

    kind: str
    rows: taking.Taken
    row_count: int
    total_pence: int
    files: tuple[_ReadyFile, ...]

    def drop(self) -> None:
        """Leave nothing of the rows in the store."""
        self.rows.drop()


@dataclass(frozen=True, kw_only=True)
class _ReadyFile:
    channel: Channel
    header: Header
    lines: bytes
    sha256: str


def make_ready(agency_codes: Sequence[str], kind: str, parts: Iterable[bytes], *, at: datetime, case: Case) -> Ready:
    """Seal the same rows for several agencies, in their order, while nothing is locked: no more than a part is in
    memory, and what takes long is done before the transaction that promises them.

    `parts` are whole lines of CSV, the first of them names the columns. They are sealed once, in the store, and every
    file has them between a first and a last line of its own: the hash in each last line is that of the same rows.
    Raises NoChannel, NoFiles, FileRefused, StoreFull; the store then has nothing that anybody could open.
    """
    channels = [_channel_for(code) for code in agency_codes]
    headers = [
        _header(kind, code, number, at=at)
        for code, number in zip(agency_codes, map(_next_number, channels), strict=True)
    ]
    first = [batchformat.first_line(header) for header in headers]
    digests, meter = [hashlib.sha256(line) for line in first], batchformat.Meter()

    def passing() -> Iterator[bytes]:
        for part in parts:
            meter.feed(part)
            for digest in digests:
                digest.update(part)
            yield part

    rows = taking.take_again(case, passing(), file_name=f"{kind}.csv", media_type="text/csv", at=at)
    last = batchformat.last_line(meter.row_count, meter.total_pence, rows.sha256)
    for digest in digests:
        digest.update(last)
    made = tuple(
        _ReadyFile(channel=channel, header=header, lines=line + last, sha256=digest.hexdigest())
        for channel, header, line, digest in zip(channels, headers, first, digests, strict=True)
    )
    return Ready(kind=kind, rows=rows, row_count=meter.row_count, total_pence=meter.total_pence, files=made)


def promise_to_each(ready: Ready, *, at: datetime, case: Case, dedupe: str) -> list[BatchFile]:
    """Promise to each agency its file of the same rows, inside the transaction and ledger action of the act that owes
    it, as `promise` does. What was promised under `dedupe` before is returned as it is. Raises Outdated where another
    file took a place meanwhile, by which the file was named and hashed; nothing is then promised."""
    channels = [each.channel for each in ready.files]
    known = list(BatchFile.objects.filter(channel__in=channels, message__dedupe_key=dedupe).order_by("pk"))
    if known or not channels:
        return known
    rows, made = ready.rows.record(), []
    for each in ready.files:
        place = _take_place(each.channel, each.header.recipient, ready.kind, at=each.header.created_at)
        if place.header != each.header:
            raise jobs.Outdated("Another file took the place on the channel.")
        file = _keep(
            place,
            each.lines,
            at=at,
            case=case,
            sha256=each.sha256,
            row_count=ready.row_count,
            total=ready.total_pence,
            dedupe=dedupe,
            rows=rows,
        )
        made.append(file)
    return made


def open_parts(file: BatchFile, body: bytes, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes] | None:
    """Return a sent file as it was written, piece by piece, given the opened bytes of its message; None where its rows
    were erased. Asks the database for nothing once it has returned. Raises DocumentDamaged, also later; and before the
    last line OSError for a store that is away."""
    if file.rows is None:
        return iter([body])
    rows = handing.open_blob(file.rows, reader=reader, at=at)
    return None if rows is None else _between(body, rows)


def _between(lines: bytes, rows: Iterator[bytes]) -> Iterator[bytes]:
    first, last = lines.splitlines(keepends=True)
    yield first
    try:
        yield from rows
    except sealing.SealBroken:
        raise handing.DocumentDamaged from None
    yield last


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The next place on a channel, and what a file there says of itself."""

    channel: Channel
    stream_id: int
    header: Header


def _take_place(channel: Channel, agency_code: str, kind: str, *, at: datetime, answers: str = "") -> _Place:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PLACE, [channel.pk])
        stream_id, number = cursor.fetchone()
    header = _header(kind, agency_code, number, at=at, answers=answers)
    return _Place(channel=channel, stream_id=stream_id, header=header)


def _next_number(channel: Channel) -> int:
    """Return the number that the next file on a channel has, unless another takes it first."""
    stream = Stream.objects.filter(channel=channel, case=None).first()
    return stream.next_seq if stream else 1


def _header(kind: str, agency_code: str, number: int, *, at: datetime, answers: str = "") -> Header:
    return Header(
        kind=kind,
        sequence_no=number,
        sender=settings.FILE_SENDER,
        recipient=agency_code,
        created_at=at,
        answers=answers,
    )


def _keep(
    place: _Place,
    written: bytes,
    *,
    at: datetime,
    case: Case | None,
    sha256: str,
    row_count: int,
    total: int,
    dedupe: str,
    is_ordered: bool = True,
    priority: int = 5,
    cause: uuid.UUID | None = None,
    rows: StoredBlob | None = None,
    drawn: BatchFile | None = None,
) -> BatchFile:
    """Write the promise and its file: the whole of it sealed with the message, or but its first and last line."""
    header, channel, public_id = place.header, place.channel, uuid.uuid4()
    parent: DataKey | None = case.key if case is not None else None
    key = sealing.new_key("message", at=at, parent=parent, retention_class="message_body")
    message = OutboxMessage.objects.create(
        pk=drawn.message_id if drawn is not None else None,
        public_id=public_id,
        stream_id=place.stream_id,
        channel=channel,
        case=case,
        seq=header.sequence_no,
        kind=header.kind,
        key=key,
        sealed_body=sealing.seal_bytes(written, key=key, label=outbox.LABEL, uid=public_id, field="body"),
        body_sha256=sha256,
        dedupe_key=dedupe or f"file:{header.sequence_no}",
        is_ordered=is_ordered and channel.is_ordered,
        priority=priority,
        created_at=at,
        caused_by_event=cause,
    )
    file = BatchFile.objects.create(
        uid=drawn.uid if drawn is not None else uuid.uuid4(),
        channel=channel,
        direction="out",
        kind=header.kind,
        sequence_no=header.sequence_no,
        name=batchformat.name_of(header),
        message=message,
        key=key,
        rows=rows,
        sha256=sha256,
        row_count=row_count,
        total_pence=total,
        created_at=at,
        state="promised",
    )
    outbox.ring()
    return file
