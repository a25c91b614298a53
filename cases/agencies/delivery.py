"""Deliver what is due: claim, carry in threads, write the outcome, let each case take note. Knows no family.

The table is the queue: this may be called at any time, by anybody, as often as one likes.
"""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from cases.agencies import failpoints, queue, settlement, signatures
from cases.agencies.queue import Claimed, Ended
from cases.agencies.retries import judge
from cases.agencies.transports import TRANSPORTS
from cases.agencies.transports.base import Answer, DeliveryError, Parcel, Transport
from cases.kernel import agencies, outbox
from cases.kernel.models import Channel, OutboxMessage
from cases.ledger import sealing

THREADS = 20
LONGEST_EXCERPT = 2048
LONGEST_RUN_SECONDS = 45
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
    channel: Channel
    parcel: Parcel
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
    queue.reclaim()
    run.settled += settlement.settle(now=clock())
    while not run.is_unfinished:
        lease = uuid.uuid4()
        claimed = queue.claim(lease, most=most)
        if not claimed:
            break
        failpoints.reach("after_claim")
        _carry_batch(lease, claimed, run, clock=clock, transports=transports or TRANSPORTS)
        run.settled += settlement.settle(now=clock())
        run.is_unfinished = time.monotonic() > stop_at
    settlement.pause_failing(now=clock())
    return run


def _carry_batch(
    lease: uuid.UUID, claimed: list[Claimed], run: Run, *, clock: Clock, transports: dict[str, Transport]
) -> None:
    """Carry a claimed batch and write the outcomes that have come, each time one comes, so that a crash repeats few."""
    prepared, failed = _prepare(claimed, clock=clock)
    _write(lease, [_ended(one, now=clock()) for one in failed], run)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        waiting = {pool.submit(_try, one, transports[one.channel.transport]) for one in prepared}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            failpoints.reach("after_answer")
            _write(lease, [_ended(one.result(), now=clock()) for one in done], run)


def _prepare(claimed: list[Claimed], *, clock: Clock) -> tuple[list[Prepared], list[Tried]]:
    """Open bodies and secrets. What cannot be opened (an erased body, no key) is a failed try, not an exception."""
    rows = OutboxMessage.objects.select_related("channel__agency", "case", "key").in_bulk(
        [one.message_id for one in claimed]
    )
    secrets: dict[int, dict[str, str]] = {}
    prepared, failed = [], []
    for one in claimed:
        message = rows[one.message_id]
        channel = message.channel
        if channel.pk not in secrets:
            secrets[channel.pk] = agencies.open_secrets(channel, purpose="send", at=clock())
        live = secrets[channel.pk]
        body = outbox.open_body(message, reader=_reader(message), at=clock())
        fault = "body_erased" if body is None else "" if live else "no_live_key"
        parcel = _parcel(message, channel, body or b"", live, now=clock())
        ready = Prepared(one, message, channel, parcel, ",".join(live))
        if fault:
            failed.append(Tried(ready, DeliveryError(fault, is_permanent=body is None, is_rejection=True), 0))
        else:
            prepared.append(ready)
    return prepared, failed


def _reader(message: OutboxMessage) -> sealing.Reader:
    return sealing.Reader(actor="system:delivery", verb="send", purpose="delivery", streams=(message.case.uid,))


def _parcel(message: OutboxMessage, channel: Channel, body: bytes, live: dict[str, str], *, now: datetime) -> Parcel:
    """Address and sign. The id is the same at every try; the time is not."""
    timestamp = int(now.timestamp())
    message_id = str(message.public_id)
    return Parcel(
        url=channel.address,
        body=body,
        headers={
            "content-type": "application/json",
            "user-agent": "backoffice",
            "idempotency-key": message_id,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures.sign(message_id, timestamp, body, live_secrets=list(live.values())),
        },
        allowed_cidrs=tuple(channel.allowed_cidrs),
        ca_file=channel.ca_file,
        timeout_seconds=channel.timeout_seconds,
    )


def _try(prepared: Prepared, send: Transport) -> Tried:
    began = time.monotonic()
    result: Answer | DeliveryError
    try:
        result = send(prepared.parcel)
    except DeliveryError as error:
        result = error
    except Exception as error:  # noqa: BLE001 -- a fault of ours must end as a try on record, not as a lost lease
        result = DeliveryError(f"fault_{type(error).__name__}"[:80])
    return Tried(prepared, result, int((time.monotonic() - began) * 1000))


def _ended(tried: Tried, *, now: datetime) -> Ended:
    prepared, result = tried.prepared, tried.result
    verdict = judge(
        result,
        profile=prepared.channel.retry_profile,
        tries=prepared.claimed.number,
        now=now,
        spread=random.uniform,
    )
    answer = result if isinstance(result, Answer) else None
    return Ended(
        claimed=prepared.claimed,
        channel_id=prepared.channel.pk,
        verdict=verdict,
        http_status=answer.status if answer else 0,
        duration_ms=tried.duration_ms,
        remote_ip=result.remote_ip,
        key_names=prepared.key_names,
        response_sha256=hashlib.sha256(answer.body).hexdigest() if answer else "",
        sealed_excerpt=_excerpt(prepared.message, answer.body) if answer and answer.body else None,
    )


def _excerpt(message: OutboxMessage, reply: bytes) -> bytes:
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
