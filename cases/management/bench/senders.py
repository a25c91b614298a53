"""How the arms `ref` and `floor` deliver what was promised."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cases.management.bench.rows import RefEvent, RefMessage


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
