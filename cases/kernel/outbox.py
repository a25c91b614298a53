"""What is promised to agencies: a row written in the same transaction as the act that owes it.

Delivery itself is `cases.agencies`; it learns of new rows through the installed doorbell and by sweeping.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from cases.kernel.errors import CaseError
from cases.kernel.evidence import handing
from cases.kernel.models import BatchFile, Case, Channel, DeliveryAttempt, OutboxMessage, StoredBlob
from cases.ledger import sealing
from cases.ledger.errors import LedgerError
from cases.ledger.prepared import Statement

__all__ = [
    "Load",
    "Message",
    "NoChannel",
    "carried",
    "channel_for",
    "forget",
    "go_first",
    "install_doorbell",
    "never_left",
    "open_bodies",
    "open_body",
    "post",
    "ring",
    "supersede",
    "withdraw",
]

SCHEMA_VERSION = 1
LABEL = "cases.OutboxMessage"
_PLACE = b'""'  # of a load
_NOT_SENT = ("pending", "dead", "unknown")
_TAKE_PLACE = """
INSERT INTO cases_stream (case_id, channel_id, next_seq) VALUES (%s, %s, 2)
ON CONFLICT (case_id, channel_id) DO UPDATE SET next_seq = cases_stream.next_seq + 1
RETURNING id, next_seq - 1
"""

_GO_FIRST = Statement.of("""
WITH older AS (
  UPDATE cases_outboxmessage SET state = 'withdrawn', settled_at = %s
   WHERE stream_id = %s AND seq < %s AND state = ANY(%s) RETURNING id),
first AS (
  UPDATE cases_outboxmessage SET is_ordered = false WHERE id = %s)
SELECT count(*) FROM older
""")


class NoChannel(CaseError):
    """The agency is not in the register, or nothing may be sent to it."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Some bytes of a large file, that are put into a message only when it is sent."""

    blob: StoredBlob
    first: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """What to tell an agency. Two messages of one `dedupe` are one promise; without it each is its own. Where it takes
    a `load`, the last value of the body is an empty text, in whose place the bytes go as base64."""

    agency_code: str
    kind: str
    body: Mapping[str, Any]
    priority: int = 5
    dedupe: str = ""
    expires_at: datetime | None = None
    load: Load | None = None


def post(case: Case, message: Message, *, at: datetime, cause: uuid.UUID | None = None) -> OutboxMessage:
    """Promise a message to an agency, inside the transaction and ledger action of the act that owes it.

    Takes the next place of the case's stream under its lock, seals the exact bytes under their own key (whose
    parent is the case's) and rings the doorbell on commit. A promise made before is returned as it is.
    It is due at once by the database's clock. Raises NoChannel.
    """
    channel = channel_for(message.agency_code)
    if message.dedupe and (known := _known(channel, message)) is not None:
        return known
    stream_id, seq = _take_place(case, channel)
    public_id = uuid.uuid4()
    body, load = _bytes(message, public_id=public_id, seq=seq, at=at), message.load
    key = sealing.new_key("message", at=at, parent=case.key, retention_class="message_body")
    row = OutboxMessage.objects.create(
        public_id=public_id,
        stream_id=stream_id,
        channel=channel,
        case=case,
        seq=seq,
        kind=message.kind,
        key=key,
        sealed_body=sealing.seal_bytes(body, key=key, label=LABEL, uid=public_id, field="body"),
        body_sha256=hashlib.sha256(body).hexdigest(),
        load=load.blob if load else None,
        load_from=load.first if load else None,
        load_bytes=load.size if load else None,
        dedupe_key=message.dedupe or f"{case.uid}:{seq}",
        is_ordered=channel.is_ordered,
        priority=message.priority,
        expires_at=message.expires_at,
        created_at=at,
        caused_by_event=cause,
    )
    ring()
    return row


def open_body(message: OutboxMessage, *, reader: sealing.Reader, at: datetime) -> bytes | None:
    """Return the exact bytes of a message, or None when they were erased. Writes one access row."""
    if message.sealed_body is None:
        return None
    return sealing.open_bytes(
        bytes(message.sealed_body),
        key_id=message.key_id,
        label=LABEL,
        uid=message.public_id,
        field="body",
        reader=reader,
        at=at,
    )


def open_bodies(
    messages: Sequence[OutboxMessage], *, reader: Callable[[OutboxMessage], sealing.Reader], at: datetime
) -> dict[int, bytes | LedgerError | None]:
    """Return by message what `open_body` does, or what it raises. Each is loaded with its key and the parent of that.
    Writes an access row for each, a few by one statement, and asks nothing else."""
    there = [each for each in messages if each.sealed_body is not None]
    blobs = [
        sealing.Blob(bytes(each.sealed_body or b""), each.key, LABEL, each.public_id, "body", reader(each))
        for each in there
    ]
    opened = sealing.open_blobs(blobs, at=at)
    return {each.pk: None for each in messages} | {each.pk: body for each, body in zip(there, opened, strict=True)}


def carried(message: OutboxMessage, body: bytes, *, reader: sealing.Reader, at: datetime) -> bytes | None:
    """Return what is sent: the opened body, with the bytes that it takes in their place; None when those were erased,
    whose opening is an access row of its own. Call it outside any transaction: a store may be far away. Raises
    DocumentDamaged, DocumentAway."""
    if message.load_bytes is None:
        return body
    if message.load_id is None:
        return None
    blob, first = StoredBlob.objects.get(pk=message.load_id), message.load_from or 0  # not kept with the message
    try:
        found = b"".join(handing.open_bytes(blob, first, first + message.load_bytes - 1, reader=reader, at=at))
    except handing.DocumentErased:
        return None
    if len(found) != message.load_bytes:
        raise handing.DocumentDamaged
    before, _, after = body.rpartition(_PLACE)
    return b"".join((before, b'"', base64.b64encode(found), b'"', after))


def forget(message: OutboxMessage, *, actor: str, reason: str, at: datetime) -> None:
    """Destroy what was said for good: nobody opens the body again, nor what was replied to it, nor the bytes in which
    its file was carried. What it was (kind, hash, tries, answer) stays. Whoever decides so writes the event; `reason`
    is a code."""
    sealing.destroy(message.key, actor=actor, reason=reason, at=at)
    OutboxMessage.objects.filter(pk=message.pk).update(sealed_body=None)
    DeliveryAttempt.objects.filter(message=message.pk).exclude(sealed_excerpt=None).update(sealed_excerpt=None)
    BatchFile.objects.filter(message=message.pk).exclude(sealed_bytes=None).update(sealed_bytes=None)


def never_left(at: str = "") -> Q:
    """Return the condition of a message, at a path such as `message__`, that was taken back or given up before any try.
    Whatever else was promised somebody outside has, may have, or is about to get."""
    return Q(**{f"{at}state__in": ("withdrawn", "superseded", "skipped"), f"{at}attempts": 0})


def withdraw(case: Case, kind: str, *, at: datetime, states: tuple[str, ...] = _NOT_SENT) -> int:
    """Take back what was not sent yet: messages of a kind that wait or failed. Returns how many. Locks them."""
    return _retire(case, kind, states=states, to="withdrawn", at=at)


def take_back(message: OutboxMessage, *, at: datetime) -> bool:
    """Take back one message that nobody has tried to send; say whether it was. Locks it."""
    row = OutboxMessage.objects.select_for_update().filter(pk=message.pk, state="pending", attempts=0).first()
    if row is not None:
        OutboxMessage.objects.filter(pk=row.pk).update(state="withdrawn", settled_at=at)
    return row is not None


def supersede(case: Case, kind: str, *, at: datetime) -> int:
    """Mark the refused and failed messages of a kind as replaced by a correction. Returns how many. Locks them."""
    return _retire(case, kind, states=("pending", "refused", "dead", "unknown"), to="superseded", at=at)


def go_first(message: OutboxMessage, *, at: datetime) -> int:
    """Let a promise wait for nothing before it in its stream: what is older and waits or failed is taken back, and what
    is being sent is not waited for. Returns how many were taken back. Locks them."""
    ((many,),) = _GO_FIRST.rows([at, message.stream_id, message.seq, list(_NOT_SENT), message.pk])
    message.is_ordered = False
    return int(many)


def _retire(case: Case, kind: str, *, states: tuple[str, ...], to: str, at: datetime) -> int:
    rows = OutboxMessage.objects.select_for_update().filter(case=case, kind=kind, state__in=states)
    ids = [row.pk for row in rows]
    OutboxMessage.objects.filter(pk__in=ids).update(state=to, settled_at=at)
    return len(ids)


def channel_for(code: str) -> Channel:
    """Return the channel on which an agency is told things. Raises NoChannel."""
    channel = (
        Channel.objects.filter(agency__code=code, agency__is_active=True, direction="out")
        .exclude(state="disabled")
        .order_by("pk")
        .first()
    )
    if channel is None:
        raise NoChannel(f"Nothing can be sent to {code}: the register has no channel for it.")
    return channel


def _take_place(case: Case, channel: Channel) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PLACE, [case.pk, channel.pk])
        stream_id, seq = cursor.fetchone()
    return stream_id, seq


def _known(channel: Channel, message: Message) -> OutboxMessage | None:
    return OutboxMessage.objects.filter(channel=channel, dedupe_key=message.dedupe).first()


def _bytes(message: Message, *, public_id: uuid.UUID, seq: int, at: datetime) -> bytes:
    """Return the exact bytes of every try. The nonce keeps their hash from telling a guessed content."""
    body = {
        "schema_version": SCHEMA_VERSION,
        "type": message.kind,
        "reference": str(public_id),
        "sequence": seq,
        "occurred_at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "nonce": secrets.token_urlsafe(16),
        "data": message.body,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


_doorbells: list[Callable[[], None]] = []


def install_doorbell(ring_it: Callable[[], None]) -> None:
    """Name what is called after the commit of a promise. It only saves waiting for the next sweep."""
    _doorbells[:] = [ring_it]


def ring() -> None:
    """Ring on commit. What goes wrong with the bell never reaches the caller."""
    for bell in _doorbells:
        transaction.on_commit(bell, robust=True)
