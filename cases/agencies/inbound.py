"""What agencies tell us: stored first, sealed, answered at once; applied later, each in its own transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from cases.agencies import application, callback_body, strict_json
from cases.agencies.callback_body import CallbackBody, FormRefused
from cases.agencies.limits import Counting
from cases.agencies.senders import Sender
from cases.agencies.strict_json import Unreadable
from cases.kernel import record, tasks
from cases.kernel.exchange import agencies
from cases.kernel.models import Callback
from cases.kernel.prepared import Prepared, Statement
from cases.ledger import api as ledger
from cases.ledger import sealing, security
from cases.ledger.models import DataKey

__all__ = ["IdReused", "Receipt", "apply_pending", "counted", "install_doorbell", "keep_unreadable", "receive"]

_INBOX = "inbox"
apply_pending = application.apply_pending


class IdReused(Exception):
    """The sender used one message id for two bodies."""


@dataclass(frozen=True)
class Receipt:
    """The answer's bytes, equal for every repeat, and whether this was one."""

    content: bytes
    is_repeat: bool


def receive(sender: Sender, raw: bytes, *, ip_token: str, now: datetime) -> Receipt:
    """Store an authentic callback once and return its receipt; ring the doorbell on commit.

    The body is sealed under the inbox key of its day. Whoever sends a repeat gets the first receipt again. A body
    that cannot be read is kept as failed, with a task, before Unreadable or FormRefused is raised. Raises IdReused,
    after noting it in the security log, when the id came before with another body.
    """
    digests = [each.hex() for each in sealing.kept_hashes("callback_body", raw)]
    known = _before(sender).stored
    if known is not None:
        return _repeat(known, digests, raw, sender, now=now)
    body, fault = _read(raw)
    row = _row(sender, raw, digests[0], body, ip_token=ip_token, now=now)
    if fault is not None:
        is_new = _keep_failed(row, now=now)
    elif is_new := _store(row):
        ring()
    if not is_new:  # another process stored the same call since, or nobody asked
        known = _known(sender)
        if known is None:
            raise IdReused
        return _repeat(known, digests, raw, sender, now=now)
    if fault is not None:
        raise fault
    return _receipt(row, is_repeat=False)


def keep_unreadable(sender: Sender, raw: bytes, *, ip_token: str, now: datetime) -> None:
    """Keep an authentic body of no known shape, sealed under the inbox key of its day, with a task; once for its id."""
    digest = sealing.kept_hashes("callback_body", raw)[0].hex()
    _keep_failed(_row(sender, raw, digest, None, ip_token=ip_token, now=now), now=now)


@dataclass(frozen=True)
class Stored:
    """What is told of a callback again."""

    uid: UUID
    type: str
    body_sha256: str


_STORED = Prepared(
    lambda agency, message: Callback.objects.filter(agency_id=agency, message_id=message).values_list(
        "uid", "type", "body_sha256"
    ),
    agency=-(10**15) - 1,
    message="one message",
)
_COUNTED = Counting(
    columns="stored.uid, stored.type, stored.body_sha256, inbox.id, inbox.uid, inbox.wrapped, inbox.kek_id",
    beside="LEFT JOIN cases_callback stored ON stored.agency_id = %s AND stored.message_id = %s"
    f" LEFT JOIN cases_datakey inbox ON inbox.scope = '{_INBOX}' AND inbox.label = %s",
)


@dataclass(frozen=True)
class Before:
    """What was there when a call was counted: what is stored under its id, and the inbox key of the day."""

    stored: Stored | None = None
    key: DataKey | None = None


def counted(sender: Sender, *, now: datetime) -> Sender:
    """Count a call in its sender's window; return the sender with what was there before. One query. Raises TooMany."""
    day = _day(now)
    uid, kind, digest, number, key_uid, wrapped, kek_id = sender.count(
        _COUNTED, sender.agency.pk, sender.message_id, day
    )
    stored = Stored(uid, kind, digest) if uid else None
    key = DataKey(id=number, uid=key_uid, scope=_INBOX, label=day, wrapped=wrapped, kek_id=kek_id) if number else None
    return replace(sender, before=Before(stored, key))


def _before(sender: Sender) -> Before:
    return sender.before if isinstance(sender.before, Before) else Before()


def _known(sender: Sender) -> Stored | None:
    found = _STORED.rows(agency=sender.agency.pk, message=sender.message_id)
    return Stored(*found[0]) if found else None


_COLUMNS = [field for field in Callback._meta.concrete_fields if not field.primary_key]
_STORE = Statement.of(
    f"INSERT INTO cases_callback ({', '.join(str(field.column) for field in _COLUMNS)})"  # noqa: S608 -- names of columns
    f" VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT (agency_id, message_id) DO NOTHING RETURNING id"
)


def _store(row: Callback) -> bool:
    """Insert a callback unless its agency's id is taken; say whether it was inserted. One statement."""
    stored = _STORE.rows([getattr(row, field.attname) for field in _COLUMNS])
    if stored:
        ((row.pk,),) = stored
    return bool(stored)


def _read(raw: bytes) -> tuple[CallbackBody | None, Unreadable | FormRefused | None]:
    try:
        return callback_body.read(strict_json.parse(raw)), None
    except (Unreadable, FormRefused) as fault:
        return None, fault


def row_of(sender: Sender, raw: bytes, body: CallbackBody, *, now: datetime) -> Callback:
    """Return an unsaved callback for what came another way than by a call, sealed under the inbox key of its day."""
    return _row(sender, raw, sealing.kept_hashes("callback_body", raw)[0].hex(), body, ip_token="", now=now)


def _repeat(known: Stored, digests: list[str], raw: bytes, sender: Sender, *, now: datetime) -> Receipt:
    if known.body_sha256 not in digests:
        team = agencies.compartment(sender.agency)
        within = {record.COMPARTMENT: team.pk} if team else {}
        security.note(
            "callback_id_reused",
            actor=f"agency:{sender.agency.code}",
            at=now,
            act="",
            message_id=sender.message_id,
            **within,
        )
        raise IdReused
    if not known.type and (fault := _read(raw)[1]) is not None:
        raise fault
    return _receipt(known, is_repeat=True)


def _receipt(row: Stored | Callback, *, is_repeat: bool) -> Receipt:
    content = json.dumps({"id": str(row.uid), "status": "accepted"}, separators=(",", ":"))
    return Receipt(content.encode("ascii"), is_repeat)


def _row(
    sender: Sender, raw: bytes, digest: str, body: CallbackBody | None, *, ip_token: str, now: datetime
) -> Callback:
    key = _key_of_day(sender, now=now)
    row = Callback(
        agency=sender.agency,
        message_id=sender.message_id,
        received_at=now,
        key=key,
        body_sha256=digest,
        key_name=sender.key_name,
        remote_ip_token=ip_token,
        state="received" if body else "failed",
        reason="" if body else "unreadable",
    )
    row.sealed_body = sealing.seal_bytes(raw, key=key, label=application.LABEL, uid=row.uid, field="body")
    if body is not None:
        row.type, row.agency_reference = body.type, body.agency_reference
        row.agency_sequence, row.occurred_at = body.agency_sequence, body.occurred_at
    return row


def _day(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d")


def _key_of_day(sender: Sender, *, now: datetime) -> DataKey:
    """Return the key under which the callbacks of a day wait; what is never matched dies with it."""
    label = _day(now)
    found = _before(sender).key or DataKey.objects.filter(scope=_INBOX, label=label).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return sealing.new_key(_INBOX, at=now, label=label, retention_class="callback_inbox")
    except IntegrityError:
        return DataKey.objects.get(scope=_INBOX, label=label)


def _keep_failed(row: Callback, *, now: datetime) -> bool:
    """Store a callback that cannot be read, with its task, in one transaction; say whether it was stored."""
    with transaction.atomic():
        if is_new := _store(row):
            detail: dict[str, Any] = {"callback": str(row.uid), "agency": row.agency.code}
            stream, who = row.agency.uid, application.ACTOR.label
            with ledger.action(stream, "callback.unreadable", actor=who, at=now, detail=detail):
                team = agencies.compartment(row.agency)
                tasks.raise_task("callback_unreadable", case=None, team=team, at=now, **detail)
    return is_new


_doorbells: list[Callable[[], None]] = []


def install_doorbell(ring_it: Callable[[], None]) -> None:
    """Name what is called after a callback was stored. It only saves waiting for the next sweep."""
    _doorbells[:] = [ring_it]


def ring() -> None:
    """Ring on commit. What goes wrong with the bell never reaches the caller."""
    for bell in _doorbells:
        transaction.on_commit(bell, robust=True)
