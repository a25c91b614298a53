"""How the arms `ref` and `floor` deliver what was promised, and apply its answers."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cases.management.bench.rows import RefCase, RefEvent, RefMessage


def ref_deliver(send: Any, count: int) -> None:
    """Lock one, send, save, log: one after the other."""
    for _ in range(count):
        with transaction.atomic():
            message = RefMessage.objects.select_for_update(skip_locked=True).filter(state="pending").first()
            if message is None:
                return
            send(json.dumps(message.body).encode())
            message.state, message.attempts = "delivered", message.attempts + 1
            message.save()
            RefEvent.objects.create(case_id=message.case_id, verb="delivered", actor="system", at=timezone.now())


def ref_answer(count: int) -> None:
    """Lock the message and its case, save both, log: one after the other."""
    for _ in range(count):
        with transaction.atomic():
            message = RefMessage.objects.select_for_update(skip_locked=True).filter(state="pending").first()
            if message is None:
                return
            case = RefCase.objects.select_for_update().get(pk=message.case_id)
            case.state, case.version, case.due_at = "filed", case.version + 1, timezone.now()
            case.save()
            message.state = "answered"
            message.save()
            RefEvent.objects.create(case_id=case.pk, verb="filed", actor="agency", at=timezone.now())


def floor_answer(count: int) -> None:
    """One statement for each answer."""
    with connection.cursor() as cursor:
        for _ in range(count):
            cursor.execute(_ANSWER)


_ANSWER = """
WITH answered AS (
    UPDATE bench_refmessage SET state = 'answered' WHERE id = (SELECT id FROM bench_refmessage
        WHERE state = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING case_id
), moved AS (
    UPDATE bench_refcase c SET state = 'filed', version = version + 1 FROM answered WHERE c.id = answered.case_id
    RETURNING c.id
)
INSERT INTO bench_refevent (case_id, verb, actor, at, data) SELECT id, 'filed', 'agency', now(), '{}' FROM moved
"""


def floor_deliver(send: Any, count: int) -> None:
    """Claim many in one statement, send, mark all in another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bench_refmessage SET state = 'sending' WHERE id IN (SELECT id FROM bench_refmessage"
            " WHERE state = 'pending' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, body",
            [count],
        )
        claimed = cursor.fetchall()
        for _, body in claimed:
            send(body.encode())
        cursor.execute(
            "UPDATE bench_refmessage SET state = 'delivered' WHERE id = ANY(%s)", [[number for number, _ in claimed]]
        )
