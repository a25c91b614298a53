"""Look into the folders where agencies leave files for us, and keep what is new as it came."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from cases.agencies import infolder, packing
from cases.agencies.filesin import ACTOR, Fetched, named, raise_task, take_stored
from cases.agencies.transports.base import DeliveryError, Found
from cases.kernel import failpoints, tasks
from cases.kernel.exchange import files
from cases.kernel.models import BatchFile, Channel, ChannelHealth, Task
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["Fetched", "fetch_due"]

log = logging.getLogger(__name__)
QUIET_FOR = timedelta(hours=1)
tasks.declare(
    {"files_not_fetched": "An agency's files cannot be fetched"},
    ended_by={"files_not_fetched": "This ends when the agency's folder can be read again."},
    more={"files_not_fetched": lambda detail: str(detail.get("agency", ""))},
)
Clock = Callable[[], datetime]


def fetch_due(*, clock: Clock) -> Fetched:
    """Look into every folder once and keep what is new; then take all that is kept. Nothing remote in a transaction."""
    run = Fetched()
    rows = Channel.objects.filter(direction="out", transport="sftp", state="active", agency__is_active=True)
    for channel in rows.exclude(answers_folder="").select_related("agency", "health").order_by("pk"):
        if channel.health.pause_reason:
            continue
        try:
            run.stored += _fetch(channel, now=clock())
        except Exception:  # of one agency: the others are fetched, and what is kept is taken
            log.exception("fetch_fault", extra={"agency": channel.agency.code})
            _note_fault(channel, DeliveryError("fault"), now=clock())
    return take_stored(now=clock(), run=run)


def _fetch(channel: Channel, *, now: datetime) -> int:
    """Keep the new files of one folder. A fault is noted on the channel, and told to people when it lasts."""
    from cases.agencies.transports import sftp  # noqa: PLC0415 -- slow to load, and one process fetches

    try:
        ring = packing.Ring(now)
        parcel = packing.carrier(channel, _folder(channel), ring)
        new = infolder.not_seen(channel, sftp.look(parcel))
        named = [one for one in new if infolder.is_named(one)]
        wanted = infolder.next_to_read(channel, named)
        found = sftp.collect(parcel, wanted) if wanted else {}
    except DeliveryError as fault:
        _note_fault(channel, fault, now=now)
        return 0
    failpoints.reach("after_fetch")
    read = [(one, data) for one in wanted if (data := found.get(one.name)) is not None]
    stored = sum(_store(channel, one, data, now=now) for one, data in read)
    unread = [one for one in wanted if one.name in found and found[one.name] is None]
    infolder.note_unread(channel, unread)
    if unread or not all(map(infolder.is_of_size, named)):
        _note_fault(channel, DeliveryError("file_unreadable", is_rejection=True), now=now)
    elif len(named) < len(new):
        _note_fault(channel, DeliveryError("file_name_not_agreed", is_rejection=True), now=now)
    else:
        _note_success(channel, now=now)
    return stored


def _folder(channel: Channel) -> str:
    """Return the address of the folder of answers: that of the channel, but for the path."""
    parts = urlsplit(channel.address)
    return urlunsplit(parts._replace(path=f"/{channel.answers_folder.strip('/')}"))


def _store(channel: Channel, found: Found, data: bytes, *, now: datetime) -> int:
    """Keep one file as it came, sealed, before anything is done about it. One that was kept before changes nothing,
    but for one that was refused: put there again, it is looked at again."""
    carried = hashlib.sha256(data).hexdigest()
    same = BatchFile.objects.filter(channel=channel, direction="in", name=found.name, carried_sha256=carried)
    agency = channel.agency
    detail = {**named(channel, found.name), "carried_sha256": carried, "size": len(data)}
    if same.filter(state="refused").exists():
        return _store_again(same, found, data, detail, now=now)
    if same.update(remote_size=found.size, remote_changed_at=found.changed_at):
        return 0
    try:
        with (
            transaction.atomic(),
            ledger.action(agency.uid, "file.fetched", actor=ACTOR.label, at=now, detail=detail),
        ):
            key = sealing.new_key("inbox_file", at=now, retention_class="message_body")
            row = BatchFile(
                channel=channel,
                direction="in",
                name=found.name,
                key=key,
                carried_sha256=carried,
                created_at=now,
                remote_size=found.size,
                remote_changed_at=found.changed_at,
            )
            row.sealed_bytes = sealing.seal_bytes(data, key=key, label=files.LABEL, uid=row.uid, field="bytes")
            row.save(force_insert=True)
    except IntegrityError:  # another worker kept it meanwhile
        return 0
    return 1


def _store_again(same: QuerySet[BatchFile], found: Found, data: bytes, detail: dict[str, Any], *, now: datetime) -> int:
    """Seal a refused file anew from the very same bytes and let it be taken; under a key of its own if its own died."""
    with transaction.atomic():
        row = same.select_for_update(of=("self",)).select_related("key", "channel__agency").get()
        if row.state != "refused":
            return 0
        with ledger.action(row.channel.agency.uid, "file.fetched", actor=ACTOR.label, at=now, detail=detail):
            if row.key.destroyed_at is not None:
                row.key = sealing.new_key("inbox_file", at=now, retention_class="message_body")
            row.sealed_bytes = sealing.seal_bytes(data, key=row.key, label=files.LABEL, uid=row.uid, field="bytes")
            row.state, row.reason, row.ended_at, row.tries = "stored", "", None, 0
            row.remote_size, row.remote_changed_at = found.size, found.changed_at
            row.save()
    return 1


def _note_fault(channel: Channel, fault: DeliveryError, *, now: datetime) -> None:
    """A wrong host key stops the channel; any other fault is told to people once it has lasted, or is one of keys."""
    log.warning("files_not_fetched", extra={"agency": channel.agency.code, "error": fault.code})
    health = channel.health
    if fault.pause:
        ChannelHealth.objects.filter(pk=channel.pk, pause_reason="").update(pause_reason=fault.pause)
    is_lasting = health.fetched_at is None or health.fetched_at < now - QUIET_FOR
    if (is_lasting or fault.is_rejection) and not _open_task("files_not_fetched", channel).exists():
        raise_task("files_not_fetched", channel, now=now, reason=fault.code)


def _note_success(channel: Channel, *, now: datetime) -> None:
    ChannelHealth.objects.filter(pk=channel.pk).update(fetched_at=now)
    due = list(_open_task("files_not_fetched", channel))
    if due:
        with ledger.action(channel.agency.uid, "files.fetched_again", actor=ACTOR.label, at=now):
            for task in due:
                tasks.close(task, actor=ACTOR, at=now, outcome="fetched")


def _open_task(kind: str, channel: Channel) -> Any:
    return Task.objects.filter(kind=kind, closed_at=None, detail__agency=channel.agency.code)
