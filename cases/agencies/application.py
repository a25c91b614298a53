"""Apply what agencies told us: match each callback to its case, let the family act, keep what came of it.

One transaction each. A worker killed in the middle leaves the callback as received, and the next applies it once.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from cases.agencies import callback_body, matching, retries, settlement, shapes, strict_json
from cases.agencies.callback_body import CallbackBody
from cases.kernel import actors, casetypes, failpoints, locks, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, chase, corrections, deadletters, exchanges, misfits
from cases.kernel.models import Callback, Case, OutboxMessage, Task
from cases.kernel.prepared import Prepared, PreparedOpening, Statement
from cases.kernel.transitions import AlreadyThere
from cases.ledger import api as ledger
from cases.ledger import sealing, security

log = logging.getLogger(__name__)

LABEL = "cases.Callback"
ACTOR = actors.system("inbound")
MOST = 200  # are applied before it is looked again what waits
MOST_TRIES = 5
RECEIPT = "message.received"  # says that our message has arrived, no more: the answer is still owed
OPEN_STATES = ("pending", "sending", "delivered", "unknown", "dead", "skipped")
# People thought that it had not arrived, and settled it so.
THOUGHT_LOST = ("unknown", "dead", "skipped")
STUCK_TASKS = ("message_dead", "message_unknown", deadletters.GIVEN_UP, corrections.BY_HAND)


class NotSaid(CaseError):
    """A callback lacks what its type needs."""


class _Told(dict[str, Any]):
    """What a callback says. To ask for what it does not say refuses it, for a person to see; it is no fault of ours."""

    def __missing__(self, name: str) -> Any:
        raise NotSaid(f"The callback does not say {name}.")


@dataclass
class Applied:
    """How many callbacks a run applied, ignored, could not match, failed."""

    applied: int = 0
    ignored: int = 0
    unmatched: int = 0
    failed: int = 0


_WAITING = Prepared(
    lambda: (
        Callback.objects.filter(state="received")
        .order_by("tries", "received_at", "pk")
        .values_list("pk", "agency_id", "agency_sequence", "received_at")[:MOST]
    )
)
_RECEIVED = PreparedOpening(
    lambda callback, at: (
        Callback.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("agency", "key__parent")
        .filter(pk=callback, state="received")
        .annotate(stream=F("agency__uid"))
    ),
    reader=sealing.Reader(actor=ACTOR.label, verb="apply", purpose="callback"),
    fields=["body"],
    callback=-(10**15) - 1,
    at=datetime(1900, 1, 1, tzinfo=UTC),
)
_ANSWERED = Prepared(
    lambda message: (
        OutboxMessage.objects.select_for_update(of=("self",))
        .select_related("channel__agency")
        .filter(pk=message)
        .annotate(was_late=Exists(chase.late(OuterRef("case"))))
    ),
    message=-(10**15) - 1,
)
_ACKNOWLEDGE = Statement.of("""
UPDATE cases_outboxmessage
   SET acknowledged_at = coalesce(acknowledged_at, %s), agency_reference = coalesce(nullif(%s, ''), agency_reference),
       state = CASE WHEN state = 'delivered' THEN 'acknowledged' ELSE state END
 WHERE id = %s RETURNING id
""")
_CLOSE = """
UPDATE cases_callback SET key_id = %s, sealed_body = %s, state = %s, reason = %s, applied_at = %s, case_id = %s
 WHERE id = %s RETURNING id
"""
_IGNORED = Statement.of(_CLOSE)
# What was refused for this case, or matched nothing under this reference, gets another chance.
_APPLIED = Statement.of(f"""
WITH closed AS ({_CLOSE}), refused AS (
  UPDATE cases_callback SET state = 'received'
   WHERE case_id = %s AND state = 'failed' AND starts_with(reason, %s) RETURNING id),
unmatched AS (
  UPDATE cases_callback SET state = 'received'
   WHERE agency_id = %s AND state = 'unmatched' AND agency_reference = nullif(%s, '') RETURNING id)
SELECT id FROM closed UNION ALL SELECT id FROM refused UNION ALL SELECT id FROM unmatched
""")  # noqa: S608 -- of fixed text alone


def apply_pending(*, now: datetime, most: int = MOST) -> Applied:
    """Apply every received callback. What came too early is tried again when a later one of its case is applied."""
    run = Applied()
    while waiting := _waiting(most):
        outcomes = [_apply(callback_id, now=now) for callback_id in waiting]
        for outcome in filter(None, outcomes):
            setattr(run, outcome, getattr(run, outcome) + 1)
        if not any(outcomes):
            break
    return run


def _waiting(most: int) -> list[int]:
    """Return the oldest received callbacks, each agency's in the order of its own sequence. Those that could not be
    applied yet come after those not tried as often, so that however many of them keep nobody else waiting."""
    rows = _WAITING.rows()[:most]
    last = float("inf")
    rows.sort(key=lambda row: (row[1], last if row[2] is None else row[2], row[3], row[0]))
    return [row[0] for row in rows]


def _apply(callback_id: int, *, now: datetime) -> str:
    """Apply one callback; return its new state, or nothing when another worker has it or a fault of ours stopped it."""
    try:
        with transaction.atomic():
            for row in _RECEIVED.objects(callback=callback_id, at=now):
                state = _decide(row, now=now)
                failpoints.reach("inside_apply")
                return state
            return ""
    except settlement.PASSING:
        log.exception("callback_waits", extra={"callback_id": callback_id})
        return _count_wait(callback_id, now=now)
    except Exception:
        log.exception("callback_fault", extra={"callback_id": callback_id})
        return _count_fault(callback_id, now=now)


def _decide(row: Callback, *, now: datetime) -> str:
    body, raw = _open(row)
    if body is None:
        return _fail(row, None, "erased", now=now)
    found = matching.find(row, body)
    if found.case_id is None:
        return _leave_unmatched(row, found.cause, now=now)
    try:
        case = locks.case_for_update(found.case_id)
        message = _answered(found.message_id)
    except locks.CaseErased:  # nothing is changed in it any more: a person looks what it says
        return _leave_unmatched(row, "case_erased", now=now)
    row.case = case
    try:
        with transaction.atomic():
            _take_effect(row, case, message, body, now=now)
    except AlreadyThere:
        _close(row, case, raw, "ignored", "already_there", now=now)
        return row.state
    except CaseError as refusal:
        who = f"agency:{row.agency.code}"
        security.note("callback_refused", actor=who, at=now, act=row.type, callback=row.uid, **record.within(case))
        why = getattr(refusal, "problem", type(refusal).__name__)
        return _fail(row, case, f"{misfits.REFUSED}{why}"[:120], now=now)
    if body.type != RECEIPT:
        _acknowledge(case, message, body, answered_at=row.received_at, now=now)
    _close(row, case, raw, "applied", "", body.agency_reference, now=now)
    return row.state


def _answered(message_id: int | None) -> OutboxMessage | None:
    """Return the message that is answered, locked. One query, none where none was named."""
    return None if message_id is None else next(iter(_ANSWERED.objects(message=message_id)))


def _open(row: Callback) -> tuple[CallbackBody | None, bytes]:
    """Return what a callback says, and its bytes: that they are opened was put on record as it was read."""
    raw = sealing.open_noted_bytes(bytes(row.sealed_body or b""), key=row.key, label=LABEL, uid=row.uid, field="body")
    if raw is None:
        return None, b""
    return callback_body.read(strict_json.parse(raw)), raw


def _take_effect(
    row: Callback, case: Case, message: OutboxMessage | None, body: CallbackBody, *, now: datetime
) -> None:
    """Note an implied delivery, then let the family act. Raises CaseError; the caller's savepoint undoes all."""
    act = received if body.type == RECEIPT else casetypes.get(case.kind).callbacks.get(body.type)
    if act is None:
        raise CaseError("This kind of case knows no such callback.")
    if message is not None and _imply_delivery(case, message, now=now):
        case = locks.case_for_update(case.pk)
    data = _Told({**body.data, **_faults(body)})
    if faults := shapes.faults(data, casetypes.get(case.kind).callback_shapes.get(body.type, {})):
        pointer, _, sentence = faults[0]
        raise NotSaid(f"The callback's data does not fit its type at {pointer or 'its top'}: {sentence}")
    content = Content(
        type=body.type,
        agency_code=row.agency.code,
        agency_kind=row.agency.kind,
        agency_reference=body.agency_reference,
        agency_sequence=body.agency_sequence,
        occurred_at=body.occurred_at,
        data=data,
        message=message,
        callback_uid=row.uid,
        received_at=row.received_at,
    )
    act(case, content, actor=actors.agency(row.agency), at=now)


def _faults(body: CallbackBody) -> dict[str, Any]:
    """Return the faults that the agency lists, without any words of its own: they may speak of people."""
    return {"errors": retries.errors_of(body.data["errors"])} if "errors" in body.data else {}


def received(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Your confirmation that our message has arrived. The answer itself is still owed."""
    if content.message is None:
        raise CaseError("This confirms no message of the case.")
    detail = {"message": str(content.message.public_id), "message_kind": content.message.kind}
    with record.act(case, "message.received", actor=actor, at=at, cause=content.callback_uid, detail=detail):
        OutboxMessage.objects.filter(pk=content.message.pk, receipt_at=None).update(receipt_at=at)


def _imply_delivery(case: Case, message: OutboxMessage, *, now: datetime) -> bool:
    """Whoever answers has received, even what we had given up: end our own try, and let the case note the delivery if
    it has not. Say whether anything was written. Of a locked message."""
    if message.state not in OPEN_STATES or (message.settled_at and message.state == "delivered"):
        return False
    was_lost = message.state in THOUGHT_LOST
    settled_at = None if was_lost else message.settled_at
    OutboxMessage.objects.filter(pk=message.pk).update(
        state="delivered", lease=None, lease_until=None, delivered_at=message.delivered_at or now, settled_at=settled_at
    )
    message.refresh_from_db()
    if was_lost:
        about = str(message.public_id)
        due = case.tasks.filter(kind__in=STUCK_TASKS, detail__message=about, closed_at=None)
        _end(list(due), case, "message.arrived_after_all", "answered", now=now, message=about)
    if message.settled_at is None:
        settlement.take_note(case, message, now=now)
    return True


def _acknowledge(
    case: Case, message: OutboxMessage | None, body: CallbackBody, *, answered_at: datetime, now: datetime
) -> None:
    """Keep when the agency answered: when that came, however long it then waited for a worker or a person."""
    if message is None:
        return
    _ACKNOWLEDGE.rows([answered_at, body.agency_reference, message.pk])
    if message.was_late:  # type: ignore[attr-defined]  # -- as it was read
        chase.end(case, message, at=now)


def _close(
    row: Callback, case: Case, raw: bytes, state: str, reason: str, reference: str = "", *, now: datetime
) -> None:
    """Keep the body under a key of its own beneath the case's, so that it lives and dies with the case. Once one is
    applied, what was refused for its case, or matched nothing under its reference, gets another chance."""
    was_left = bool(row.reason)
    row.key = sealing.new_key("callback", at=now, parent=case.key, retention_class="callback_body")
    row.sealed_body = sealing.seal_bytes(raw, key=row.key, label=LABEL, uid=row.uid, field="body")
    row.state, row.reason, row.applied_at = state, reason, now
    closed = [row.key_id, row.sealed_body, state, reason, now, case.pk, row.pk]
    if state == "applied":
        _APPLIED.rows([*closed, case.pk, misfits.REFUSED, row.agency_id, reference])
    else:
        _IGNORED.rows(closed)
    if was_left:
        _close_tasks(row, case, now=now)


def _close_tasks(row: Callback, case: Case, *, now: datetime) -> None:
    """End the tasks that an earlier failure of this callback raised."""
    due = Task.objects.filter(detail__callback=str(row.uid), closed_at=None)
    _end(list(due), case, "callback.applied_late", "applied_later", now=now, callback=str(row.uid))


def _end(due: list[Task], case: Case, verb: str, outcome: str, *, now: datetime, **detail: str) -> None:
    """Close tasks by one act of the case; where there are none, nothing is written."""
    if due:
        with record.act(case, verb, actor=ACTOR, at=now, detail=detail):
            for task in due:
                tasks.close(task, actor=ACTOR, at=now, outcome=outcome)


def _fail(row: Callback, case: Case | None, reason: str, *, now: datetime) -> str:
    """Leave the callback to people: a task of the case's team, or of nobody's when there is no case."""
    row.state, row.reason = "failed", reason
    row.tries += 1
    row.save(update_fields=["state", "reason", "tries", "case"])
    _raise_task("callback_not_applied", row, case, now=now)
    return "failed"


def _leave_unmatched(row: Callback, cause: str, *, now: datetime) -> str:
    row.state, row.reason = "unmatched", cause
    row.tries += 1
    row.save(update_fields=["state", "reason", "tries"])
    _raise_task("callback_ambiguous" if cause == "shared_reference" else "callback_unmatched", row, None, now=now)
    return "unmatched"


def _raise_task(kind: str, row: Callback, case: Case | None, *, now: datetime) -> None:
    """Raise a task once for each callback, as an act of the case's stream or of the agency's."""
    if row.tries > 1 and Task.objects.filter(kind=kind, detail__callback=str(row.uid), closed_at=None).exists():
        return
    stream = case.uid if case else row.agency.uid
    detail: dict[str, Any] = {
        "callback": str(row.uid),
        "agency": row.agency.code,
        "type": row.type,
        "reason": row.reason,
    }
    with ledger.action(stream, kind.replace("_", ".", 1), actor=ACTOR.label, at=now, detail=detail):
        tasks.raise_task(kind, case=case, team=None if case else agencies.compartment(row.agency), at=now, **detail)


def _count_fault(callback_id: int, *, now: datetime) -> str:
    """A fault of ours: try again at the next run, and after some tries leave it to people."""
    with transaction.atomic():
        row = Callback.objects.select_for_update(of=("self",)).select_related("agency").get(pk=callback_id)
        if row.state != "received":
            return ""
        if row.tries + 1 >= MOST_TRIES:
            case = locks.case_for_update(row.case_id) if row.case_id is not None else None
            return _fail(row, case, "fault", now=now)
        row.tries += 1
        row.save(update_fields=["tries"])
    return ""


def _count_wait(callback_id: int, *, now: datetime) -> str:
    """A fault that passes: the callback stays received and is applied as soon as it can be. When it has waited for a
    day people hear of it, once."""
    with suppress(*settlement.PASSING):
        Callback.objects.filter(pk=callback_id, state="received").update(tries=F("tries") + 1)
        with transaction.atomic():
            rows = Callback.objects.select_for_update(of=("self",)).select_related("agency")
            long_ago = now - settlement.LONGEST_WAIT
            row = rows.filter(pk=callback_id, state="received", tries__gte=MOST_TRIES, received_at__lt=long_ago).first()
            if row is not None:
                row.reason = exchanges.NOT_FOR_A_DAY
                row.save(update_fields=["reason"])
                case = locks.case_for_update(row.case_id) if row.case_id is not None else None
                _raise_task("callback_not_applied", row, case, now=now)
    return ""
