"""What it means for a breach that its notice arrived, was refused, or is answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cases.disclosure.breach import effects, periods
from cases.kernel import clocks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.models import Case, OutboxMessage

__all__ = ["EXAMPLES", "acknowledged", "delivered", "refused"]

EXAMPLES: dict[str, dict[str, Any]] = {"breach.acknowledged": {}}


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The Commissioner has the notice: the 72 hours are met, at the time at which it arrived."""
    told_at = message.delivered_at or at
    with record.act(case, "breach.delivered", actor=_delivery(case), at=at, occurred_at=told_at):
        clocks.meet(case, periods.TELL, at=told_at)
        for task in case.tasks.filter(kind=effects.BY_HAND, closed_at=None):
            tasks.close(task, actor=_delivery(case), at=at, outcome="delivered")
        clocks.refresh_due(case)
        case.save()


def refused(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """The Commissioner's system took no notice: a person tells them, while the 72 hours run on."""
    detail = {"message": str(message.public_id)}
    with record.act(case, "breach.not_taken", actor=_delivery(case), at=at, detail=detail):
        effects.ask_by_hand(case, at=at, codes=tasks.codes_of(errors), **detail)


def acknowledged(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The Commissioner gave it a reference."""
    with record.act(
        case, "breach.acknowledged", actor=actor, at=at, occurred_at=content.occurred_at, cause=content.callback_uid
    ):
        row = case.breach
        row.regulator_reference = content.agency_reference[:80]
        row.save(update_fields=["regulator_reference"])
        case.version += 1
        case.changed_at = at
        case.save()


def _delivery(case: Case) -> Actor:
    return system("delivery", source=case.source)
