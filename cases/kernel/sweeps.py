"""What happens because time passes. A periodic task calls it; each case is locked and settled on its own."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from cases.kernel import casetypes, clocks, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Clock

__all__ = ["end_due_clocks"]

BATCH = 200
log = logging.getLogger(__name__)


def end_due_clocks(*, now: datetime) -> int:
    """Settle clocks that are over: a working period becomes a breach and a task, an expiry calls its family.

    Returns how many, at most a batch. Each in its own transaction with its case locked; a clock another worker settled
    is skipped, and one that a hold or a rule keeps from ending waits without stopping the rest.
    """
    due = Clock.objects.filter(state="running", due_at__lt=now).order_by("due_at").values_list("pk", "case_id")
    settled = 0
    for clock_id, case_id in list(due):
        try:
            settled += _end(clock_id, case_id, now=now)
        except CaseError as refusal:
            log.warning("clock_not_ended", extra={"case_id": case_id, "error_class": type(refusal).__name__})
        if settled >= BATCH:
            break
    return settled


@transaction.atomic
def _end(clock_id: int, case_id: int, *, now: datetime) -> int:
    case = locks.case_for_update(case_id)
    clock = Clock.objects.filter(pk=clock_id, state="running").first()
    if clock is None:
        return 0
    follow = casetypes.get(case.kind).clock_ends.get(clock.rule)
    if follow is not None:
        follow(case, clock, at=now)
        return 1
    with record.act(case, "clock.breached", actor=system("clocks", source=case.source), at=now) as action:
        action.detail["rule"] = clock.rule
        clock.state = "breached"
        clock.save(update_fields=["state"])
        tasks.raise_task("clock_over", case=case, at=now, rule=clock.rule)
        clocks.refresh_due(case)
        case.save()
    return 1
