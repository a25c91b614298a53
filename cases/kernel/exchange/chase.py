"""Answers that are late: what was delivered, is owed an answer and has none becomes a task and, where taken, a chaser.

Delivered, acknowledged and answered are three facts: the post office's, the recipient's receipt, the recipient's word.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from cases.kernel import actors, calendars, locks, outbox, record, releases, tasks
from cases.kernel.exchange import answers
from cases.kernel.models import Case, OutboxMessage, Task
from cases.kernel.prepared import Prepared

__all__ = ["CHASER", "TASK", "chase_late", "end", "is_owed", "late"]

TASK = "acknowledgement_late"
BATCH = 200
ACTOR = actors.system("chase")
CHASER = releases.MessageKind(
    code="chaser",
    label="Reminder that an answer is owed",
    recipient_kind="",
    purpose="",
    necessity="Names our earlier message and nothing else.",
    categories={"about": "", "about_type": "", "delivered_date": ""},
)
tasks.declare({TASK: "An agency has not answered in time"})


def chase_late(*, now: datetime) -> int:
    """Chase every message whose answer is late and that was not chased yet. Returns how many; each on its own."""
    periods = answers.Periods()
    waiting = OutboxMessage.objects.filter(
        kind__in=answers.owed(), state="delivered", acknowledged_at=None, chased_at=None, delivered_at__lt=now
    )
    found = 0
    for message in waiting.order_by("delivered_at", "pk").iterator():
        due_at = periods.due(message)
        if due_at is not None and due_at < now:
            found += _chase(message.pk, message.case_id, now=now)
        if found >= BATCH:
            break
    return found


@transaction.atomic
def _chase(message_id: int, case_id: int | None, *, now: datetime) -> int:
    if case_id is None:  # a file of many cases: its answer is a file
        return 0
    case = locks.case_for_update(case_id)
    rows = OutboxMessage.objects.select_for_update(of=("self",)).select_related("channel__agency__terms")
    message = rows.filter(pk=message_id, state="delivered", acknowledged_at=None, chased_at=None).first()
    if message is None:
        return 0
    detail: dict[str, Any] = {"message": str(message.public_id), "message_kind": message.kind}
    with record.act(case, "message.chased", actor=ACTOR, at=now, detail=detail) as action:
        tasks.raise_task(TASK, case=case, at=now, agency=message.channel.agency.code, **detail)
        action.detail["chaser"] = _send(case, message, at=now)
    OutboxMessage.objects.filter(pk=message.pk).update(chased_at=now)
    return 1


def _send(case: Case, message: OutboxMessage, *, at: datetime) -> bool:
    """Promise the reminder where the agency takes one. It holds no personal data, so it is no release."""
    agency = message.channel.agency
    terms = getattr(agency, "terms", None)
    if terms is None or not terms.takes_chasers or message.delivered_at is None:
        return False
    body = {
        "about": str(message.public_id),
        "about_type": message.kind,
        "delivered_date": calendars.london_date(message.delivered_at).isoformat(),
    }
    promise = outbox.Message(agency_code=agency.code, kind=CHASER.code, body=body, dedupe=f"chaser:{message.public_id}")
    try:
        outbox.post(case, promise, at=at)
    except outbox.NoChannel:
        return False
    return True


def is_owed() -> Q:
    """Return the condition of a message whose answer is still owed: it has none, and nobody who was asked about that
    has said what came of it instead."""
    told = Task.objects.annotate(about=KeyTextTransform("message", "detail")).filter(
        about=Cast(OuterRef("public_id"), TextField()), case=OuterRef("case"), kind=TASK, closed_at__isnull=False
    )
    return Q(~Exists(told), kind__in=answers.owed(), state="delivered", acknowledged_at=None)


def late(case: Any) -> QuerySet[Task]:
    """Return the open tasks about answers that are late to a case."""
    return Task.objects.filter(case=case, kind=TASK, closed_at=None)


_LATE = Prepared(lambda case: late(case).order_by("pk"), case=-(10**15) - 1)


def end(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The answer has come: end the task about its lateness, as an act of the locked case."""
    late = [task for task in _LATE.objects(case=case.pk) if task.detail.get("message") == str(message.public_id)]
    if late:
        detail = {"message": str(message.public_id)}
        with record.act(case, "message.answered_late", actor=ACTOR, at=at, detail=detail):
            for task in late:
                tasks.close(task, actor=ACTOR, at=at, outcome="answered")
