"""Putting a case aside until a day, with a reason. It comes back by itself, and earlier when it becomes overdue or
something new is to be done about it (`tasks.raise_task`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from cases.kernel import edits
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["asleep", "snooze", "wake"]

LONGEST = timedelta(days=92)


class SnoozeRefused(CaseError):
    """The case cannot be put aside like this."""


def asleep(at: datetime) -> Q:
    """Return the condition of a case that is put aside at a moment and not overdue."""
    return Q(snoozed_until__gt=at) & (Q(due_at=None) | Q(due_at__gte=at))


def snooze(
    case_id: int,
    until: datetime,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Put a case aside. Locks it and writes one event. Raises NotAllowed, SnoozeRefused."""
    if not reason.strip():
        raise SnoozeRefused("Give a reason.")
    if not at < until <= at + LONGEST:
        raise SnoozeRefused("Choose a day from tomorrow on, at most three months away.")
    with edits.change(
        case_id, actor=actor, at=at, act="snooze", verb="case.snoozed", shapes=False, reason=reason, request=request
    ) as edit:
        if edit.case.is_closed:
            raise SnoozeRefused("This case is closed.")
        edit.case.snoozed_until = until
    return edit.case


def wake(case_id: int, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Case:
    """Bring a case back before its day. Raises NotAllowed."""
    with edits.change(
        case_id, actor=actor, at=at, act="snooze", verb="case.woken", shapes=False, request=request
    ) as edit:
        edit.case.snoozed_until = None
    return edit.case
