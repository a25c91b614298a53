"""Gives cases the clock of the state they are in where they entered it before there was such a clock."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases.kernel import casetypes, clocks, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock

__all__ = ["start_missing"]


def start_missing(*, at: datetime) -> int:
    """Start what kinds declare of their states (`runs_in`) on each case in one that never had it. It counts from when
    the other clock was stopped, so that whoever has waited long is heard of at once; from now where none stands still.
    The task that stands with it is raised with it.

    Each case is one transaction that locks it and writes one event. Returns how many. Called at each start.
    """
    started = 0
    for kind in casetypes.all_types():
        for state, (rule, stopped, task) in kind.runs_in.items():
            found = Case.objects.filter(kind=kind.code, state=state).exclude(clocks__rule=rule)
            for pk in found.order_by("pk").values_list("pk", flat=True):
                started += _start(pk, state, rule, stopped, task, at=at)
    return started


@transaction.atomic
def _start(pk: int, state: str, rule: str, stopped: str, task: str, *, at: datetime) -> int:
    case = locks.case_for_update(pk)
    known = Clock.objects.filter(case=case)
    if case.state != state or known.filter(rule=rule).exists():
        return 0
    since = known.filter(rule=stopped, state="paused").values_list("paused_at", flat=True).first() or at
    actor = system("prepare", source=case.source)
    with record.act(case, "clock.started", actor=actor, at=at, detail={"rule": rule}):
        running = clocks.start(case, rule, started_at=since)
        if task:
            tasks.raise_task(task, case=case, at=at, due_at=running.due_at)
        case.version += 1
        clocks.refresh_due(case)
        case.save()
    return 1
