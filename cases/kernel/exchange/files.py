"""Files between us and agencies that exchange them: what a family declares of its kinds, and the promise of one.

A family turns its rows into CSV and back. Header, trailer, name, encryption, carrying and checking are shared.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from cases.kernel import outbox
from cases.kernel.errors import CaseError
from cases.kernel.exchange import batchformat
from cases.kernel.exchange.batchformat import FileRefused, Header
from cases.kernel.models import BatchFile, Case, Channel, OutboxMessage
from cases.ledger import sealing

__all__ = ["CARRIED", "FileKind", "FileRefused", "Line", "NoFiles", "declare", "kind_of", "label", "promise", "tell"]

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
    the file it answers. `after` is called, in the same transaction, with what became of a sent file (delivered,
    refused, dead, unknown, answered) or a fetched one (taken).
    """

    code: str
    label: str
    line: Callable[[Row], Line] | None = None
    find: Callable[[BatchFile, Sequence[Row]], Sequence[int | None]] | None = None
    is_balanced: bool = False
    after: After | None = None


_kinds: dict[str, FileKind] = {}


def declare(*kinds: FileKind) -> None:
    """Name kinds of file. Called once, where the family is declared."""
    _kinds.update({kind.code: kind for kind in kinds})


def kind_of(code: str) -> FileKind | None:
    return _kinds.get(code)


def label(code: str) -> str:
    """Return a kind in words."""
    found = _kinds.get(code)
    return found.label if found else code.replace("_", " ").capitalize()


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
) -> BatchFile:
    """Promise a file to an agency, inside the transaction and ledger action of the act that owes it.

    `body` is CSV whose first row names the columns. Takes the channel's next number under its lock, seals the file
    under a key of its own (below the case's, if it is of one case) and rings the doorbell on commit. A file promised
    before under the same `dedupe` is returned as it is. Raises NoChannel, NoFiles, FileRefused.
    """
    channel = _channel_for(agency_code)
    known = BatchFile.objects.filter(channel=channel, message__dedupe_key=dedupe).first() if dedupe else None
    if known is not None:
        return known
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PLACE, [channel.pk])
        stream_id, number = cursor.fetchone()
    header = Header(
        kind=kind,
        sequence_no=number,
        sender=settings.FILE_SENDER,
        recipient=agency_code,
        created_at=at,
        answers=answers,
    )
    written = batchformat.write(header, body)
    row_count, total = batchformat.measure(body)
    public_id, sha256 = uuid.uuid4(), hashlib.sha256(written).hexdigest()
    parent = case.key if case is not None else None
    key = sealing.new_key("message", at=at, parent=parent, retention_class="message_body")
    message = OutboxMessage.objects.create(
        public_id=public_id,
        stream_id=stream_id,
        channel=channel,
        case=case,
        seq=number,
        kind=kind,
        key=key,
        sealed_body=sealing.seal_bytes(written, key=key, label=outbox.LABEL, uid=public_id, field="body"),
        body_sha256=sha256,
        dedupe_key=dedupe or f"file:{number}",
        is_ordered=is_ordered and channel.is_ordered,
        priority=priority,
        created_at=at,
        caused_by_event=cause,
    )
    file = BatchFile.objects.create(
        channel=channel,
        direction="out",
        kind=kind,
        sequence_no=number,
        name=batchformat.name_of(header),
        message=message,
        key=key,
        sha256=sha256,
        row_count=row_count,
        total_pence=total,
        created_at=at,
        state="promised",
    )
    outbox.ring()
    return file
