"""Numbers for whoever watches the office with a monitor: how old what waits is, what is stuck, whether the ledger is
sealed and whole.

What the status page tells to any of the staff, and nothing else: no case, no person, no agency of a restricted kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min, Q

from cases.kernel import casetypes
from cases.kernel.evidence import custody, store
from cases.kernel.exchange import held
from cases.kernel.models import BreakGlass, Channel, OutboxMessage, Task
from cases.kernel.reading import status
from cases.ledger import checkpoints, checks, tombstones

__all__ = ["Gauge", "gauges"]

# The age of what never was.
NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One number as it is now. Times are seconds; yes is 1 and no is 0."""

    name: str
    help: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def gauges(*, now: datetime) -> Iterator[Gauge]:
    """Yield every number, those of one name together. Twenty-one queries, whatever there is."""
    yield from _queues(now)
    yield from _channels(now)
    late = Task.objects.filter(closed_at=None, due_at__lt=now, team__is_restricted=False).count()
    yield Gauge(name="tasks_overdue", help="Open tasks past their time.", value=late)
    glass = BreakGlass.objects.filter(reviewed_at=None)
    yield Gauge(name="breakglass_open", help="Emergency looks going on.", value=glass.filter(ends_at__gt=now).count())
    unread = glass.filter(review_due_at__lt=now).count()
    yield Gauge(name="breakglass_review_overdue", help="Emergency looks nobody reviewed in time.", value=unread)
    yield from _ledger(now)
    how = custody.how_is(store.current())
    yield Gauge(name="documents_away", help="Whether the store of documents cannot be reached.", value=how == "away")
    yield Gauge(name="documents_foreign", help="Whether its documents are of another database.", value=how == "another")
    ahead = checks.clock_difference()
    yield Gauge(name="clock_ahead_seconds", help="How far this clock is ahead of the database's.", value=ahead)


def _queues(now: datetime) -> Iterator[Gauge]:
    found = status.queues(now=now)
    for queue in found:
        yield Gauge(
            name="queue_late",
            help="Whether the oldest thing of a queue waits too long.",
            value=queue.is_late,
            labels={"queue": queue.code},
        )
    for queue in found:
        if queue.count is not None:
            yield Gauge(
                name="queue_oldest_seconds",
                help="How long the oldest thing of a queue has waited.",
                value=_age(queue.oldest_at, now) if queue.oldest_at else 0,
                labels={"queue": queue.code},
            )


def _channels(now: datetime) -> Iterator[Gauge]:
    """What is sent to whom: paused, failing, oldest, stuck. Three queries."""
    quiet = {kind for each in casetypes.all_types() if each.is_restricted for kind in each.agency_kinds}
    free = OutboxMessage.objects.filter(Q(case=None) | Q(case__is_restricted=False)).order_by().values("channel")
    due = free.filter(state="pending", due_at__lte=now).exclude(held.is_kept())
    oldest = dict(due.annotate(oldest=Min("due_at")).values_list("channel", "oldest"))
    stuck = dict(free.filter(state__in=["dead", "unknown"]).annotate(count=Count("pk")).values_list("channel", "count"))
    channels = Channel.objects.filter(direction="out", agency__is_active=True).exclude(state="disabled")
    rows = list(
        channels.exclude(agency__kind__in=quiet).select_related("agency", "health").order_by("agency__code", "pk")
    )
    told: tuple[tuple[str, str, Callable[[Channel], float]], ...] = (
        (
            "outbox_oldest_due_seconds",
            "How long the oldest message has been due.",
            lambda row: _since(oldest.get(row.pk), now),
        ),
        ("outbox_stuck", "Messages that wait for a person.", lambda row: stuck.get(row.pk, 0)),
        ("channel_paused", "Whether nothing is sent on the channel.", lambda row: row.state == "paused"),
        ("channel_failures", "Tries in a row that failed.", lambda row: row.health.consecutive_failures),
    )
    for name, words, value in told:
        for row in rows:
            labels = {"agency": row.agency.code, "channel": str(row.uid)}
            yield Gauge(name=name, help=words, value=value(row), labels=labels)


def _ledger(now: datetime) -> Iterator[Gauge]:
    last, state = checkpoints.newest(), status.ledger_state()
    yield Gauge(
        name="chain_sealed_seconds",
        help="How old the newest checkpoint is.",
        value=_age(last.at, now) if last else NEVER,
    )
    yield Gauge(
        name="chain_unsealed", help="Whether something has waited too long for one.", value=checkpoints.is_late()
    )
    yield Gauge(
        name="chain_checked_seconds",
        help="How long ago the whole ledger was checked.",
        value=_age(state.checked_at, now) if state.checked_at else NEVER,
    )
    yield Gauge(name="chain_whole", help="Whether all was as written.", value=bool(state.is_whole))
    yield Gauge(
        name="tombstones_late",
        help="Whether destroyed keys are not in the list beside the database.",
        value=tombstones.is_late(now=now),
    )


def _since(moment: datetime | None, now: datetime) -> float:
    return _age(moment, now) if moment else 0


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
