"""What agencies left with us: opened, proven and taken, or refused.

A file is taken whole or not at all. Each of its rows becomes a callback, and goes the way of every other callback.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from cases.agencies import application, callback_body, inbound, openpgp
from cases.agencies.callback_body import FormRefused
from cases.agencies.openpgp import PgpRefused
from cases.agencies.senders import Sender
from cases.agencies.settlement import PASSING
from cases.kernel import actors, failpoints, tasks
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, batchformat, files
from cases.kernel.exchange.batchformat import Framed
from cases.kernel.exchange.files import FileKind, FileRefused, Line
from cases.kernel.models import BatchFile, Callback, Channel, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["ACTOR", "ALTERED", "Fetched", "named", "raise_task", "take_stored"]

log = logging.getLogger(__name__)
ACTOR = actors.system("inbound")
# So often a run may end at a file without a word before the file is refused and those after it are taken.
MOST_TRIES = 3
# Our own copy does not open: not the partner's fault.
ALTERED = "kept_altered"


def named(channel: Channel, name: str) -> dict[str, str]:
    """Return the name of a file as events and tasks hold it: nothing where it is of an agency's own making."""
    return {"name": name} if files.is_own_name(name, channel.agency.code) else {}


def _shown(detail: Mapping[str, Any]) -> str:
    """Return the name of a file as people may read it: one of an agency's own making could say whom it is about."""
    name = str(detail.get("name", ""))
    return name if files.is_own_name(name, str(detail.get("agency", ""))) else "a file under another name than agreed"


tasks.declare(
    {
        "file_refused": "A file of an agency was refused",
        "file_gap": "A file of an agency is missing",
    },
    more={
        "file_refused": lambda detail: f"{_shown(detail)} ({str(detail.get('reason', '')).replace('_', ' ')})",
        "file_gap": lambda detail: f"the one before {_shown(detail)}",
    },
)


@dataclass
class Fetched:
    """What one run did."""

    stored: int = 0
    taken: int = 0
    refused: int = 0


def raise_task(kind: str, channel: Channel, *, now: datetime, **detail: Any) -> None:
    """Have the desk of a channel's agency look: one event on the agency's stream."""
    agency = channel.agency
    detail = {"agency": agency.code, **detail}
    team = agencies.desk_of(agency)
    with ledger.action(agency.uid, kind.replace("_", ".", 1), actor=ACTOR.label, at=now, detail=detail):
        tasks.raise_task(kind, case=None, team=team, at=now, **detail)


def take_stored(*, now: datetime, run: Fetched | None = None) -> Fetched:
    """Open, prove and take every kept file, each in a transaction of its own, in the order of their numbers. A passing
    fault of ours leaves a file stored for the next run; a file at which a run ended MOST_TRIES times is refused."""
    run = run or Fetched()
    rows = BatchFile.objects.filter(state="stored", direction="in").values_list("channel_id", "name", "pk")
    for _, _, file_id in sorted(rows, key=lambda row: (row[0], row[1].rpartition("_")[2], row[2])):
        try:
            state = _take(file_id, now=now)
        except PASSING:
            log.exception("file_not_taken_yet", extra={"file": file_id})
            with suppress(*PASSING):
                BatchFile.objects.filter(pk=file_id, tries__gt=0).update(tries=F("tries") - 1)
            continue
        run.taken += state == "taken"
        run.refused += state == "refused"
    return run


def _still_stored(file_id: int) -> BatchFile | None:
    rows = BatchFile.objects.select_for_update(of=("self",), skip_locked=True).select_related("channel__agency")
    return rows.filter(pk=file_id, state="stored").first()


def _take(file_id: int, *, now: datetime) -> str:
    with transaction.atomic():  # stays when the process dies of what follows
        row = _still_stored(file_id)
        if row is not None:
            row.tries += 1
            row.save(update_fields=["tries"])
    with transaction.atomic():
        row = _still_stored(file_id)
        if row is None:
            return ""
        refusal = FileRefused("tried_too_often") if row.tries > MOST_TRIES else _why_not(row, now=now)
        state = _refuse(row, refusal, now=now) if refusal else "taken"
        failpoints.reach("inside_take")
        inbound.ring()
        return state


def _why_not(row: BatchFile, *, now: datetime) -> FileRefused | None:
    """Take a locked file whole and return nothing, or return why it is refused, with nothing of it taken. Raises what
    is PASSING: the file is not at fault."""
    try:
        with transaction.atomic():
            _take_whole(row, now=now)
    except FileRefused as refusal:
        return refusal
    except CaseError as refusal:
        return FileRefused(type(refusal).__name__)
    except PASSING:
        raise
    except sealing.SealBroken:
        log.exception("file_altered", extra={"file": str(row.uid)})
        return FileRefused(ALTERED)
    except Exception:
        log.exception("file_fault", extra={"file": str(row.uid)})
        return FileRefused("fault")
    return None


def _take_whole(row: BatchFile, *, now: datetime) -> None:
    """Prove signature, trailer, sender and place; keep a callback for each row. Raises FileRefused; then nothing is."""
    plain, row.fingerprint = _opened(row, now=now)
    row.sha256 = hashlib.sha256(plain).hexdigest()
    framed = batchformat.read(plain)
    row.written_at = framed.header.created_at
    kind = _placed(row, framed)
    sent = _answered(row, framed, kind)
    row.kind, row.sequence_no, row.answers = framed.header.kind, framed.header.sequence_no, sent
    row.row_count, row.total_pence = framed.row_count, framed.total_pence
    row.state, row.reason, row.ended_at = "taken", "", now
    detail = {"file": str(row.uid), "kind": row.kind, "rows": row.row_count, "total_pence": row.total_pence}
    with ledger.action(row.channel.agency.uid, "file.taken", actor=ACTOR.label, at=now, detail=detail):
        _flag_gap(row, now=now)
        row.save()
        _keep_lines(row, framed, kind, now=now)
        if sent is not None:
            _acknowledge(sent, now=now)
        files.tell(row, "taken", at=now)
        for task in Task.objects.filter(kind="file_refused", closed_at=None, detail__name=row.name):
            tasks.close(task, actor=ACTOR, at=now, outcome="taken")


def _opened(row: BatchFile, *, now: datetime) -> tuple[bytes, str]:
    channel = row.channel
    reader = sealing.Reader(actor=ACTOR.label, verb="take", purpose="callback", streams=(channel.agency.uid,))
    carried = sealing.open_bytes(
        bytes(row.sealed_bytes or b""),
        key_id=row.key_id,
        label=files.LABEL,
        uid=row.uid,
        field="bytes",
        reader=reader,
        at=now,
    )
    if carried is None:
        raise FileRefused("body_erased")
    secrets = agencies.open_secrets(channel, purpose="open", at=now, kind="openpgp")
    counting = agencies.live_partner_keys(channel.agency, kind="openpgp", at=now)
    refusals = [openpgp.why_not(each.public, at=now) for each in counting]
    signers = [each.public for each, refusal in zip(counting, refusals, strict=True) if not refusal]
    if not secrets or not signers:
        raise FileRefused(next(filter(None, refusals), "no_live_key"))
    try:
        return openpgp.open_signed(carried, secrets=secrets.values(), signers=signers)
    except PgpRefused as refusal:
        raise FileRefused(refusal.code) from refusal


def _placed(row: BatchFile, framed: Framed) -> FileKind:
    """Return the kind of a file that is from this agency, for us, under its own name and for the first time."""
    header, agency = framed.header, row.channel.agency
    if header.sender != agency.code:
        raise FileRefused("sender_differs")
    if header.recipient != settings.FILE_SENDER:
        raise FileRefused("not_for_us")
    if batchformat.name_of(header) != row.name:
        raise FileRefused("name_differs")
    taken = BatchFile.objects.filter(channel=row.channel, direction="in", state="taken")
    if taken.filter(name=row.name).exists():
        raise FileRefused("name_used_again")
    if taken.filter(sequence_no=header.sequence_no).exists():
        raise FileRefused("number_used_again")
    kind = files.kind_of(header.kind)
    if kind is None or kind.line is None:
        raise FileRefused("kind_unknown")
    return kind


def _answered(row: BatchFile, framed: Framed, kind: FileKind) -> BatchFile | None:
    """Return the sent file that this one answers, locked with its message."""
    name = framed.header.answers
    if not name:
        if kind.is_balanced:
            raise FileRefused("answers_nothing")
        return None
    found = BatchFile.objects.select_related("message").filter(channel=row.channel, direction="out", name=name).first()
    if found is None or found.message is None:
        raise FileRefused("answers_unknown_file")
    if kind.is_balanced and (found.row_count, found.total_pence) != (framed.row_count, framed.total_pence):
        raise FileRefused("differs_from_sent")
    return found


def _flag_gap(row: BatchFile, *, now: datetime) -> None:
    """Say to people that a number is missing before this one. The file itself is taken."""
    taken = BatchFile.objects.filter(channel=row.channel, direction="in", state="taken")
    last = taken.order_by("-sequence_no").values_list("sequence_no", flat=True).first() or 0
    if row.sequence_no is not None and row.sequence_no > last + 1:
        raise_task("file_gap", row.channel, now=now, file=str(row.uid), **named(row.channel, row.name))


def _keep_lines(row: BatchFile, framed: Framed, kind: FileKind, *, now: datetime) -> None:
    """Keep each row as a callback, under an id made of the file and the row's number."""
    assert kind.line is not None  # noqa: S101 -- asked before
    kept: list[Callback] = []
    rows = list(batchformat.rows(framed.body))
    cases = kind.find(row, rows) if kind.find is not None else [None] * len(rows)
    for number, (cells, case_id) in enumerate(zip(rows, cases, strict=True), start=1):
        document = _document(kind.line(cells), framed)
        try:
            body = callback_body.read(document)
        except FormRefused as refusal:
            raise FileRefused("row_malformed") from refusal
        sender = Sender(
            agency=row.channel.agency,
            channel=row.channel,
            message_id=f"{row.uid}:{number}",
            key_name=row.fingerprint[-16:],
        )
        callback = inbound.row_of(sender, _bytes(document), body, now=now)
        callback.case_id = case_id
        kept.append(callback)
    Callback.objects.bulk_create(kept, batch_size=500)
    if kind.kept is not None:
        kind.kept(row, rows, [callback.uid for callback in kept], now)


def _document(line: Line, framed: Framed) -> dict[str, Any]:
    moment = (line.occurred_at or framed.header.created_at).astimezone(UTC)
    document = {"schema_version": 1, "type": line.type, "occurred_at": moment.isoformat(), "data": dict(line.data)}
    if line.reference:
        document["reference"] = line.reference
    if line.agency_reference:
        document["agency_reference"] = line.agency_reference
    return document


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _acknowledge(sent: BatchFile, *, now: datetime) -> None:
    """Whoever answers has received, also what we had given up."""
    assert sent.message is not None  # noqa: S101 -- asked before
    message = OutboxMessage.objects.select_for_update().get(pk=sent.message.pk)
    if message.state in application.OPEN_STATES:
        is_settled = message.state == "delivered" and message.settled_at is not None
        message.state = "acknowledged" if is_settled else "delivered"
        message.settled_at = message.settled_at if is_settled else None
        message.lease = message.lease_until = None
        message.delivered_at = message.delivered_at or now
    message.acknowledged_at = message.acknowledged_at or now
    message.save(update_fields=["state", "lease", "lease_until", "delivered_at", "acknowledged_at", "settled_at"])
    BatchFile.objects.filter(pk=sent.pk).update(state="answered", ended_at=now)
    sent.state = "answered"
    files.tell(sent, "answered", at=now)


def _refuse(row: BatchFile, refusal: FileRefused, *, now: datetime) -> str:
    """Take nothing of a file, keep it, and leave it to a person with the reason. One that was altered while it lay
    here is fetched again from where it came."""
    code = refusal.code
    forgotten = {"remote_size": None, "remote_changed_at": None} if code == ALTERED else {}
    BatchFile.objects.filter(pk=row.pk).update(state="refused", reason=code[:60], ended_at=now, **forgotten)
    raise_task("file_refused", row.channel, now=now, file=str(row.uid), reason=code, **named(row.channel, row.name))
    if refusal.note is not None:
        refusal.note(now)
    return "refused"
