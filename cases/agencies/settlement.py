"""What follows a delivery: the case takes note, a dead message becomes a task, a sick channel is paused on record.

Each step is its own transaction and leaves a mark, so that whatever a killed worker left is done by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef

from cases.kernel import actors, casetypes, locks, record, tasks
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, files, letters
from cases.kernel.models import Agency, BatchFile, Case, Channel, ChannelHealth, OutboxMessage, Task
from cases.kernel.prepared import Prepared, Statement
from cases.kernel.transitions import AlreadyThere
from cases.ledger import api as ledger
from cases.ledger.keys import KeyMissing

log = logging.getLogger(__name__)

OUTCOMES = ("delivered", "refused", "dead", "unknown")
LONGEST_FAILING = timedelta(hours=24)
LONGEST_WAIT = timedelta(days=1)
ACTOR = actors.system("delivery")
MOST = 200  # are settled at a time
NOT_APPLIED = "message_outcome_not_applied"
# Faults of ours that pass: a deadlock, a lost connection to the database, a key that is not there yet.
PASSING = (OperationalError, InterfaceError, KeyMissing)
tasks.declare(
    {
        "message_refused": "An agency refused a message",
        "message_unknown": "Nobody knows whether a message arrived",
        NOT_APPLIED: "What an agency answered could not be applied",
        "channel_paused": "A channel to an agency was paused",
    },
    ended_by={"message_unknown": tasks.ENDED_BY["message_dead"]},
)


def settle(*, now: datetime, most: int = MOST) -> int:
    """Let cases take note of outcomes they have not noted, each once, so that none which cannot be noted keeps those
    after it waiting. Returns how many were settled; once there are `most`, the rest is for the next time."""
    settled = after = 0
    while settled < most and (due := _WAITING.rows(after=after)[:most]):
        settled += sum(_settle(*ids, now=now) for ids in due)
        after = due[-1][0]
    return settled


def settle_these(messages: Sequence[UUID], *, now: datetime) -> int:
    """Let cases take note of the outcomes of these messages alone. Returns how many were settled."""
    waiting = OutboxMessage.objects.filter(public_id__in=messages, settled_at=None, state__in=OUTCOMES).order_by("pk")
    return sum(_settle(*ids, now=now) for ids in waiting.values_list("pk", "case_id"))


def _settle(message_id: int, case_id: int | None, *, now: datetime) -> bool:
    """Settle one message, in a transaction of its own. What is PASSING is tried again and nobody hears of it before
    a day is over; of any other fault of ours people hear once, and it is tried again all the same."""
    try:
        if case_id is None:
            return _settle_file(message_id, now=now)
        with transaction.atomic():
            case = locks.case_for_update(case_id)
            message = _still_unsettled(message_id)
            if message is not None:
                take_note(case, message, now=now)
            return message is not None
    except AlreadyThere:
        return _mark(message_id, now=now)
    except PASSING:
        log.exception("settlement_waits", extra={"message_id": message_id})
        return _wait(message_id, case_id, now=now)
    except CaseError as refusal:
        if case_id is not None:
            return _give_to_people(message_id, case_id, type(refusal).__name__, now=now)
        return _tell_of_fault(message_id, case_id, type(refusal).__name__, now=now)
    except Exception:
        log.exception("settlement_failed", extra={"message_id": message_id})
        return _tell_of_fault(message_id, case_id, "fault", now=now)


def _wait(message_id: int, case_id: int | None, *, now: datetime) -> bool:
    """Leave an outcome to the next run; of one that was there a day ago people hear. Returns False."""
    long_ago = now - LONGEST_WAIT
    with suppress(*PASSING):
        old = OutboxMessage.objects.filter(pk=message_id, created_at__lt=long_ago)
        if old.exclude(tries__started_at__gte=long_ago).exists():
            _tell_of_fault(message_id, case_id, "waits_for_a_day", now=now)
    return False


@transaction.atomic
def _tell_of_fault(message_id: int, case_id: int | None, cause: str, *, now: datetime) -> bool:
    """Have people look why an outcome cannot be noted, once for each message, which stays unsettled. Returns False."""
    case = locks.case_for_update(case_id) if case_id is not None else None
    message = _still_unsettled(message_id)
    if message is not None and not _faults_of(message):
        _raise_task(case, message, NOT_APPLIED, now=now, cause=cause)
    return False


def _faults_of(message: OutboxMessage) -> list[Task]:
    """Return the open tasks about a fault that kept the outcome of this message from being noted."""
    rows: Iterable[Task] = (
        Task.objects.filter(case=None, kind=NOT_APPLIED, closed_at=None)
        if message.case_id is None
        else _FAULTS.objects(case=message.case_id)
    )
    return [task for task in rows if task.detail.get("message") == str(message.public_id)]


_FAULTS = Prepared(
    lambda case: Task.objects.filter(case=case, kind=NOT_APPLIED, closed_at=None).order_by(), case=-(10**15) - 1
)
_UNSETTLED = Prepared(
    lambda message: (
        OutboxMessage.objects.select_for_update(of=("self",))
        .select_related("channel__agency")
        .filter(pk=message, settled_at=None, state__in=OUTCOMES)
        .annotate(has_faults=Exists(Task.objects.filter(case=OuterRef("case"), kind=NOT_APPLIED, closed_at=None)))
        .order_by()
    ),
    message=-(10**15) - 1,
)
_WAITING = Prepared(
    lambda after: (
        OutboxMessage.objects.filter(pk__gt=after, settled_at=None, state__in=OUTCOMES)
        .order_by("pk")
        .values_list("pk", "case_id")[:MOST]
    ),
    after=-(10**15) - 1,
)
_MARK = Statement.of("UPDATE cases_outboxmessage SET settled_at = %s WHERE id = %s RETURNING id")


def _still_unsettled(message_id: int) -> OutboxMessage | None:
    """Return a message, locked until the transaction ends, if no case took note of its outcome yet."""
    return next(iter(_UNSETTLED.objects(message=message_id)), None)


@transaction.atomic
def _settle_file(message_id: int, *, now: datetime) -> bool:
    """Note what became of a file that belongs to no one case, as an act of the agency's stream."""
    message = _still_unsettled(message_id)
    if message is None:
        return False
    agency = message.channel.agency
    detail: dict[str, Any] = {"message": str(message.public_id), "message_kind": message.kind}
    with ledger.action(agency.uid, f"file.{message.state}", actor=ACTOR.label, at=now, detail=detail):
        _tell_of_file(message, now=now)
        if message.state in ("dead", "unknown", "refused"):
            kind = f"message_{message.state}"
            tasks.raise_task(kind, case=None, team=agencies.desk_of(agency), at=now, agency=agency.code, **detail)
        _end_faults(message, now=now)
    return _mark(message.pk, now=now)


def _end_faults(message: OutboxMessage, *, now: datetime) -> None:
    """End what people were asked because of a fault that is over, inside the current ledger action."""
    for task in _faults_of(message):
        tasks.close(task, actor=ACTOR, at=now, outcome="applied_later")


def _tell_of_file(message: OutboxMessage, *, now: datetime) -> None:
    file = BatchFile.objects.select_related("channel__agency", "message").filter(message=message).first()
    if file is not None:
        files.tell(file, message.state, at=now)


def take_note(case: Case, message: OutboxMessage, *, now: datetime) -> None:
    """Tell a locked case what became of a locked message, and mark it settled, in the caller's transaction.

    Raises what the family raises; then nothing is marked.
    """
    casetype = casetypes.get(case.kind)
    if message.state == "refused":
        refused = {**letters.REFUSED, **casetype.refused}.get(message.kind, _ask_people)
        refused(case, message, message.errors, at=now)
    elif message.state in ("dead", "unknown"):
        _raise_task(case, message, f"message_{message.state}", now=now)
    elif message.state in ("delivered", "acknowledged") and (delivered := casetype.delivered.get(message.kind)):
        delivered(case, message, at=now)
    if message.channel.transport in files.CARRIED:
        _tell_of_file(message, now=now)
    if getattr(message, "has_faults", True) and _faults_of(message):
        with record.act(case, "message.outcome_applied", actor=ACTOR, at=now):
            _end_faults(message, now=now)
    _mark(message.pk, now=now)


def _ask_people(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Nothing follows of itself from this refusal: the case's own team hears of it, with the codes given."""
    _raise_task(case, message, "message_refused", now=at, codes=tasks.codes_of(errors))


def _mark(message_id: int, *, now: datetime) -> bool:
    return bool(_MARK.rows([now, message_id]))


def _give_to_people(message_id: int, case_id: int, cause: str, *, now: datetime) -> bool:
    """The case could not take note: say so to its team, once."""
    with transaction.atomic():
        case = locks.case_for_update(case_id)
        message = _still_unsettled(message_id)
        if message is not None:
            _raise_task(case, message, NOT_APPLIED, now=now, cause=cause)
            _mark(message_id, now=now)
    return message is not None


def _raise_task(case: Case | None, message: OutboxMessage, kind: str, *, now: datetime, **codes: object) -> None:
    detail: dict[str, Any] = {"message": str(message.public_id), "message_kind": message.kind, **codes}
    agency, verb = message.channel.agency, kind.replace("_", ".", 1)
    if case is not None:
        with record.act(case, verb, actor=ACTOR, at=now, detail=detail):
            tasks.raise_task(kind, case=case, at=now, agency=agency.code, **detail)
    else:
        with ledger.action(agency.uid, verb, actor=ACTOR.label, at=now, detail=detail):
            tasks.raise_task(kind, case=None, team=agencies.desk_of(agency), at=now, agency=agency.code, **detail)


_OVER = Prepared(
    lambda now: Channel.objects.filter(state="paused", health__paused_until__lte=now).select_related("agency"),
    now=datetime(1900, 1, 1, tzinfo=UTC),
)
_SICK = Prepared(
    lambda: ChannelHealth.objects.filter(channel__state="active").exclude(pause_reason="", failing_since=None)
)


def resume_due(*, now: datetime) -> int:
    """Resume, on record, the channels whose pause was for a while that is over. Returns how many."""
    rows = _OVER.objects(now=now)
    for channel in rows:
        agencies.resume(channel, actor=ACTOR, at=now, cause="pause_is_over")
    return len(rows)


def pause_failing(*, now: datetime) -> int:
    """Pause, as acts of their agencies' streams, the channels whose tries showed that nothing will get through."""
    overdue = now - LONGEST_FAILING
    due = [row.pk for row in _SICK.objects() if row.pause_reason or (row.failing_since and row.failing_since < overdue)]
    return sum(_pause(channel_id, now=now) for channel_id in due)


@transaction.atomic
def _pause(channel_id: int, *, now: datetime) -> bool:
    health = (
        ChannelHealth.objects.select_for_update(of=("self",))
        .select_related("channel__agency")
        .filter(pk=channel_id, channel__state="active")
        .first()
    )
    if health is None:
        return False
    Agency.objects.select_for_update(no_key=True).get(pk=health.channel.agency_id)
    channel, cause = health.channel, health.pause_reason or "failing_for_a_day"
    about, team = {"agency": channel.agency.code}, agencies.compartment(channel.agency)
    with ledger.action(channel.agency.uid, "agency.channel_paused", actor=ACTOR.label, at=now):
        agencies.change_channel(channel, "agency.channel_paused", actor=ACTOR, at=now, cause=cause, state="paused")
        tasks.raise_once("channel_paused", at=now, team=team, about=about, cause=cause)
    health.pause_reason, health.consecutive_rejections, health.failing_since = "", 0, None
    health.save(update_fields=["pause_reason", "consecutive_rejections", "failing_since"])
    return True
