"""How the office itself is: what waits for background work and since when, and the last check of the ledger.

Counts what is not restricted alone: whoever looks here may be anybody of the staff.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from cases.kernel import casetypes
from cases.kernel.background import jobs, ledgercheck
from cases.kernel.exchange import held, letters
from cases.kernel.models import AuditReport, Callback, Clock, Evidence, Job, OutboxMessage
from cases.kernel.reading.worklist import CAP
from cases.ledger.models import SecurityEvent

__all__ = ["CHECKED", "LedgerState", "Queue", "ledger_state", "queues"]

MINUTE = timedelta(minutes=1)
CHECKED = "ledger_checked"  # by the command, of the whole
SAID = "What agencies said"  # of which case is known once it is applied


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits for one kind of background work; `oldest_at` is when the first of it was due. Neither that nor a
    count is told of what may belong to a restricted case: only whether it is late."""

    code: str
    label: str
    count: int | None
    oldest_at: datetime | None
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class LedgerState:
    """The last finished check of the ledger. `is_whole` is None where none has finished yet."""

    checked_at: datetime | None
    is_whole: bool | None


def queues(*, now: datetime) -> list[Queue]:
    """Return each queue with its oldest entry, none counted past the cap. Seven queries."""
    quiet = {kind for each in casetypes.all_types() if each.is_restricted for kind in each.agency_kinds}
    free = {"case__is_restricted": False}
    messages = OutboxMessage.objects.filter(Q(case=None) | Q(**free), state="pending", due_at__lte=now)
    messages = messages.exclude(held.is_kept())
    scans = Evidence.objects.filter(blob__scan_due_at__isnull=False, **free)
    long_work = Job.objects.filter(state__in=["queued", "running"]).exclude(kind__in=jobs.hidden())
    said = Callback.objects.filter(state="received").exclude(agency__kind__in=quiet)
    over = Clock.objects.filter(state="running", due_at__lt=now, **free)
    reports = AuditReport.objects.filter(state="queued", **free)
    rows = (
        ("messages", "Messages to agencies", messages.order_by("due_at"), "due_at", 5),
        ("callbacks", SAID, said.order_by("received_at"), "received_at", 5),
        ("documents", "Documents to be scanned", scans.order_by("blob__scan_due_at"), "blob__key__created_at", 5),
        ("letters", "Letters", letters.due(now=now).filter(**free).order_by("id"), "requested_at", 10),
        ("reports", "Reports", reports.order_by("requested_at"), "requested_at", 10),
        ("jobs", "Long work", long_work.order_by("asked_at"), "asked_at", 60),
        ("periods", "Periods that are over", over.order_by("due_at"), "due_at", 5),
    )
    return [_queue(code, label, found, name, now - minutes * MINUTE) for code, label, found, name, minutes in rows]


def _queue(code: str, label: str, rows: QuerySet[Any], name: str, late_before: datetime) -> Queue:
    """Return what is told of a queue. Its rows come with those first that are worked first."""
    found = rows[: CAP + 1].aggregate(count=Count("pk"), oldest=Min(name))
    oldest = found["oldest"]
    is_late = oldest is not None and oldest < late_before
    if label == SAID:
        return Queue(code=code, label=label, count=None, oldest_at=None, is_late=is_late)
    return Queue(code=code, label=label, count=found["count"], oldest_at=oldest, is_late=is_late)


def ledger_state() -> LedgerState:
    """Return how the last finished check of the whole ledger ended, one asked for in the office or one of the command.
    Two queries."""
    rows = Job.objects.filter(kind=ledgercheck.KIND.code, state="done").order_by("-pk")
    asked = rows.values("ended_at", "params__wrong", "failed").first()
    noted = SecurityEvent.objects.filter(kind=CHECKED).order_by("-pk").first()
    checked = []
    if asked is not None:
        is_whole = not asked["params__wrong"] and not asked["failed"]
        checked.append(LedgerState(checked_at=asked["ended_at"], is_whole=is_whole))
    if noted is not None:
        checked.append(LedgerState(checked_at=noted.at, is_whole=not noted.detail["wrong"]))
    never = LedgerState(checked_at=None, is_whole=None)
    return max(checked, key=operator.attrgetter("checked_at"), default=never)
