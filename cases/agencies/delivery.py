"""Deliver what is due: claim, carry in threads, write the outcome, let each case take note. Knows no family.

The table is the queue: this may be called at any time, by anybody, as often as one likes.
"""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from cases.agencies import packing, queue, settlement
from cases.agencies.queue import Claimed, Ended
from cases.agencies.retries import judge
from cases.agencies.transports import TRANSPORTS, https
from cases.agencies.transports.base import Answer, DeliveryError, Parcel, Transport
from cases.kernel import failpoints, outbox
from cases.kernel.evidence import handing
from cases.kernel.exchange import files
from cases.kernel.models import BatchFile, OutboxMessage
from cases.kernel.prepared import Prepared as Query
from cases.ledger import sealing
from cases.ledger.errors import LedgerError
from cases.ledger.keys import KeyMissing

THREADS = 20
LONGEST_EXCERPT = 2048
LONGEST_RUN_SECONDS = 45
LEAST_SECONDS = 0.25
# An outcome waits so long for others, to be written with them, where a repeat after a crash would be known as one.
GATHER_SECONDS = 0.005
MEGABYTE = 1024 * 1024
SECONDS_PER_MEGABYTE = 2  # to encrypt a large file and to put it into a store over a slow line
Clock = Callable[[], datetime]


@dataclass
class Run:
    """What one run did. `is_unfinished` says that it stopped for time, not for want of work."""

    tried: int = 0
    delivered: int = 0
    refused: int = 0
    again: int = 0
    dead: int = 0
    settled: int = 0
    is_unfinished: bool = False


@dataclass(frozen=True)
class Prepared:
    """A claimed message with everything its try needs, so that threads never touch the database."""

    claimed: Claimed
    message: OutboxMessage
    parcel: Parcel | None
    key_names: str


@dataclass(frozen=True)
class Tried:
    """A prepared message and what came of it."""

    prepared: Prepared
    result: Answer | DeliveryError
    duration_ms: int


def deliver_due(*, clock: Clock, transports: dict[str, Transport] | None = None, most: int = queue.BATCH) -> Run:
    """Deliver until nothing is due or the time is up; then settle what the cases have not noted yet.

    Each batch is claimed in one short transaction and carried outside any. `clock` is read once for every
    signature, since receivers compare it with theirs.
    """
    run = Run()
    stop_at = time.monotonic() + LONGEST_RUN_SECONDS
    settlement.resume_due(now=clock())
    queue.reclaim()
    run.settled += settlement.settle(now=clock())
    with https.open_lines(), ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        while not run.is_unfinished:
            lease = uuid.uuid4()
            claimed = queue.claim(lease, most=most)
            if not claimed:
                break
            failpoints.reach("after_claim")
            _carry_batch(lease, claimed, run, pool, clock=clock, transports=transports or TRANSPORTS)
            run.settled += settlement.settle(now=clock())
            run.is_unfinished = time.monotonic() > stop_at
    settlement.pause_failing(now=clock())
    return run


def deliver_now(
    messages: Sequence[uuid.UUID], *, clock: Clock, seconds: float, transports: dict[str, Transport] | None = None
) -> None:
    """Try these messages at once, for somebody who waits, at most `seconds`; let their cases take note.

    The same queue as ever: the same lease, the same row for the try, the same bytes. What another worker holds is
    waited for; what is not delivered now is tried again when it is due. Call it outside any transaction.
    """
    stop_at = time.monotonic() + seconds
    waiting = OutboxMessage.objects.filter(public_id__in=messages)
    while (left := stop_at - time.monotonic()) > LEAST_SECONDS:
        lease = uuid.uuid4()
        claimed = queue.claim(lease, only=messages)
        if claimed:
            failpoints.reach("after_claim")
            most = min(left / 2, left - LEAST_SECONDS)
            with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
                _carry_batch(
                    lease, claimed, Run(), pool, clock=clock, transports=transports or TRANSPORTS, most_seconds=most
                )
        settlement.settle_these(messages, now=clock())
        if not claimed:
            if not waiting.filter(state="sending").exists():
                break
            time.sleep(0.05)


def _carry_batch(
    lease: uuid.UUID,
    claimed: list[Claimed],
    run: Run,
    pool: ThreadPoolExecutor,
    *,
    clock: Clock,
    transports: dict[str, Transport],
    most_seconds: float = 0.0,
) -> None:
    """Carry a claimed batch and write the outcomes that have come, each time some come, so that a crash repeats few.
    With `most_seconds`, connecting and answering each take no longer."""
    began = time.monotonic()
    prepared, failed = _prepare(lease, claimed, clock=clock)
    if time.monotonic() - began > queue.RENEW_SECONDS:
        held = queue.renew(lease, [one.message_id for one in claimed])
        failed += [_lost(one) for one in prepared if one.claimed.message_id not in held]
        prepared = [one for one in prepared if one.claimed.message_id in held]
    _write(lease, [_ended(one, now=clock()) for one in failed], run)
    parcels = [(one, _hasten(one.parcel, most_seconds)) for one in prepared if one.parcel]
    waiting = {pool.submit(_try, one, parcel, transports) for one, parcel in parcels}
    renew_at = time.monotonic() + queue.RENEW_SECONDS
    gathers = not most_seconds and all(one.message.channel.receiver_dedupes for one in prepared)
    while waiting:
        left = max(renew_at - time.monotonic(), 0)
        done, waiting = wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
        if done and waiting and gathers:
            more, waiting = wait(waiting, timeout=GATHER_SECONDS)
            done |= more
        if waiting and time.monotonic() >= renew_at:
            queue.renew(lease, [one.message_id for one in claimed])
            renew_at = time.monotonic() + queue.RENEW_SECONDS
        if done:
            failpoints.reach("after_answer")
        _write(lease, [_ended(one.result(), now=clock()) for one in done], run)


def _hasten(parcel: Parcel, most_seconds: float) -> Parcel:
    if not most_seconds:
        return parcel
    return replace(
        parcel,
        timeout_seconds=min(parcel.timeout_seconds, most_seconds),
        connect_seconds=min(parcel.connect_seconds, most_seconds),
    )


def _prepare(lease: uuid.UUID, claimed: list[Claimed], *, clock: Clock) -> tuple[list[Prepared], list[Tried]]:
    """Open bodies and secrets and sign. What cannot be made ready is a failed try, so that it stops nothing else. The
    lease is kept while large files are made ready."""
    rows = {row.pk: row for row in _LEASED.objects(lease=lease)}
    claimed = [one for one in claimed if one.message_id in rows]  # another worker has what was reclaimed at once
    ring = packing.Ring(clock())
    bodies = outbox.open_bodies([*rows.values()], reader=_reader, at=ring.now)
    prepared, failed = [], []
    large = _large(rows.values())
    renew_at = time.monotonic() + queue.RENEW_SECONDS
    for one in claimed:
        more_seconds = large.get(one.message_id, 0) * SECONDS_PER_MEGABYTE // MEGABYTE
        if more_seconds or time.monotonic() > renew_at:
            queue.renew(lease, [each.message_id for each in claimed], more_seconds=more_seconds)
            renew_at = time.monotonic() + queue.RENEW_SECONDS
        message = rows[one.message_id]
        try:
            parcel, key_names = packing.pack(message, _body(message, bodies[message.pk], now=ring.now), ring)
            prepared.append(Prepared(one, message, parcel, key_names))
        except DeliveryError as fault:
            failed.append(Tried(Prepared(one, message, None, ""), fault, 0))
        except Exception as error:  # noqa: BLE001 -- a fault of ours stops this message alone
            failed.append(Tried(Prepared(one, message, None, ""), _fault(error), 0))
    return prepared, failed


_LEASED = Query(
    lambda lease: (
        OutboxMessage.objects.filter(lease=lease, state="sending")
        .select_related("channel__agency", "case", "key__parent")
        .order_by("pk")
    ),
    lease=uuid.UUID(int=1),
)


def _large(messages: Collection[OutboxMessage]) -> dict[int, int]:
    """Return by message the bytes of files that are encrypted, and put into a store, piece by piece. One query, none
    where nothing goes by file."""
    carried = [one.pk for one in messages if one.channel.transport in files.CARRIED]
    if not carried:
        return {}
    found = BatchFile.objects.filter(message__in=carried, carried=None).exclude(rows=None)
    return dict(found.values_list("message_id", "rows__size"))


def _lost(prepared: Prepared) -> Tried:
    """Another worker freed it while it was made ready: the try ends, and nothing is sent."""
    return Tried(replace(prepared, parcel=None), DeliveryError("lease_lost"), 0)


def _body(message: OutboxMessage, opened: bytes | LedgerError | None, *, now: datetime) -> bytes:
    """Return the bytes to send. Raises DeliveryError: for good when they were erased or altered."""
    try:
        if isinstance(opened, LedgerError):
            raise opened
        body = None if opened is None else outbox.carried(message, opened, reader=_reader(message), at=now)
    except KeyMissing as error:
        raise DeliveryError("keys_missing") from error
    except handing.DocumentAway as error:
        raise DeliveryError("store_away") from error
    except (LedgerError, handing.DocumentDamaged) as error:
        raise DeliveryError("body_altered", is_permanent=True) from error
    if body is None:
        raise DeliveryError("body_erased", is_permanent=True)
    return body


def _reader(message: OutboxMessage) -> sealing.Reader:
    stream = message.case.uid if message.case else message.channel.agency.uid
    return sealing.Reader(actor="system:delivery", verb="send", purpose="delivery", streams=(stream,))


def _try(prepared: Prepared, parcel: Parcel, transports: dict[str, Transport]) -> Tried:
    began = time.monotonic()
    result: Answer | DeliveryError
    try:
        result = transports[prepared.message.channel.transport](parcel)
    except DeliveryError as error:
        result = error
    except Exception as error:  # noqa: BLE001 -- a fault of ours must end as a try on record, not as a lost lease
        result = _fault(error)
    return Tried(prepared, result, int((time.monotonic() - began) * 1000))


def _fault(error: Exception) -> DeliveryError:
    return DeliveryError(f"fault_{type(error).__name__}"[:80])


def _ended(tried: Tried, *, now: datetime) -> Ended:
    prepared, result = tried.prepared, tried.result
    verdict = judge(
        result,
        profile=prepared.message.channel.retry_profile,
        tries=prepared.claimed.number,
        now=now,
        spread=random.uniform,
    )
    answer = result if isinstance(result, Answer) else None
    return Ended(
        claimed=prepared.claimed,
        channel_id=prepared.message.channel_id,
        verdict=verdict,
        http_status=answer.status if answer and prepared.message.channel.transport == "https" else 0,
        duration_ms=tried.duration_ms,
        remote_ip=result.remote_ip,
        key_names=prepared.key_names,
        response_sha256=hashlib.sha256(answer.body).hexdigest() if answer else "",
        sealed_excerpt=_excerpt(prepared.message, answer.body) if answer and answer.body else None,
    )


def _excerpt(message: OutboxMessage, reply: bytes) -> bytes | None:
    """Seal the beginning of a reply; where the key was destroyed meanwhile there is nothing to keep it under."""
    if message.key.wrapped is None:
        return None
    return sealing.seal_bytes(
        reply[:LONGEST_EXCERPT], key=message.key, label=outbox.LABEL, uid=message.public_id, field="reply"
    )


def _write(lease: uuid.UUID, ended: list[Ended], run: Run) -> None:
    queue.finish(lease, ended)
    for one in ended:
        run.tried += 1
        run.delivered += one.verdict.state == "delivered"
        run.refused += one.verdict.state == "refused"
        run.again += one.verdict.state == "pending"
        run.dead += one.verdict.state == "dead"
