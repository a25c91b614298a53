"""What happens because time passes. A periodic task calls it; each case is locked and settled on its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from django.db import OperationalError, connection, transaction

from cases.kernel import casetypes, clocks, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock, Task
from cases.kernel.timing import rulebook
from cases.ledger import api as ledger

__all__ = ["end_due_clocks", "warn_of_ends"]

BATCH = 200
# Clocks that neither end nor can be ended must not keep a batch from the others for ever.
LOOKED_AT = 2000
log = logging.getLogger(__name__)

_ENDING_SOON = """
SELECT c.id, c.case_id FROM cases_clock c
  JOIN cases_clockruleversion r ON r.code = c.rule AND r.version = c.version
 WHERE c.state = 'running' AND c.warned_at IS NULL AND r.warn_hours > 0
   AND c.due_at >= %s AND c.due_at < %s::timestamptz + make_interval(hours => r.warn_hours)
 ORDER BY c.due_at LIMIT %s
"""


def end_due_clocks(*, now: datetime) -> int:
    """Settle clocks that are over: a working period becomes a breach and a task, an expiry calls its family.

    Returns how many, at most a batch. Each in its own transaction with its case locked; a clock another worker settled
    is skipped, and one that a hold or a rule keeps from ending waits without stopping the rest. So does one that a
    fault of ours keeps from it, which is a task for people too.
    """
    due = Clock.objects.filter(state="running", due_at__lt=now).order_by("due_at").values_list("pk", "case_id")
    return _each(due[:LOOKED_AT], _end, now=now)


def warn_of_ends(*, now: datetime) -> int:
    """Ask, as often as once, for what is due soon: a task as many hours ahead as the clock's rule says.

    Returns how many, at most a batch; each in its own transaction with its case locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENDING_SOON, [now, now, LOOKED_AT])
        due = cursor.fetchall()
    return _each(due, _warn, now=now)


def _each(due: Iterable[tuple[int, int]], settle: Callable[..., int], *, now: datetime) -> int:
    settled = 0
    for clock_id, case_id in due:
        try:
            settled += settle(clock_id, case_id, now=now)
        except CaseError as refusal:
            log.warning("clock_not_settled", extra={"case_id": case_id, "error_class": type(refusal).__name__})
        except OperationalError:  # the database is away: no row is to blame, and the next sweep begins anew
            raise
        except Exception:
            log.exception("clock_fault", extra={"case_id": case_id})
            _hand_over(clock_id, case_id, now=now)
        if settled >= BATCH:
            break
    return settled


@transaction.atomic
def _end(clock_id: int, case_id: int, *, now: datetime) -> int:
    case = locks.case_for_update(case_id)
    clock = Clock.objects.filter(pk=clock_id, state="running").first()
    if clock is None or clock.due_at >= now:
        return 0
    follow = casetypes.get(case.kind).clock_ends.get(clock.rule)
    if follow is not None:
        follow(case, clock, at=now)
        return 1
    rule, _ = rulebook.version(clock.rule, clock.version, jurisdiction=clock.jurisdiction)
    with _noted(case, "clock.breached", clock, now=now):
        clock.state = "breached"
        clock.save(update_fields=["state"])
        if rule.on_breach == "task":
            tasks.raise_task("clock_over", case=case, at=now, rule=clock.rule)
        clocks.refresh_due(case)
        case.save()
    return 1


@transaction.atomic
def _warn(clock_id: int, case_id: int, *, now: datetime) -> int:
    case = locks.case_for_update(case_id)
    clock = Clock.objects.filter(pk=clock_id, state="running", warned_at=None).first()
    if clock is None:
        return 0
    with _noted(case, "clock.warned", clock, now=now):
        clock.warned_at = now
        clock.save(update_fields=["warned_at"])
        tasks.raise_task("clock_soon", case=case, at=now, due_at=clock.due_at, rule=clock.rule)
        if follow := casetypes.get(case.kind).clock_warns.get(clock.rule):
            follow(case, clock, at=now)
    return 1


@transaction.atomic
def _hand_over(clock_id: int, case_id: int, *, now: datetime) -> None:
    """Raise one task for a clock that a fault of ours keeps from ending; it is tried again with every sweep."""
    case, clock = locks.case_for_update(case_id), Clock.objects.get(pk=clock_id)
    if Task.objects.filter(case=case, kind="clock_not_ended", closed_at=None, detail__clock=clock_id).exists():
        return
    with _noted(case, "clock.not_ended", clock, now=now):
        tasks.raise_task("clock_not_ended", case=case, at=now, rule=clock.rule, clock=clock_id)


def _noted(case: Case, verb: str, clock: Clock, *, now: datetime) -> AbstractContextManager[ledger.Action]:
    actor = system("clocks", source=case.source)
    return record.act(case, verb, actor=actor, at=now, detail={"rule": clock.rule})
