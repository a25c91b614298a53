"""How the work of the desks goes: what came in and was closed, what is open by its time, what agencies answered.

Each person's numbers are of what they may see, as their queue is: nothing else is counted, and no person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Aggregate, Count, DurationField, F, Q, QuerySet
from django.db.models.functions import TruncDate

from cases.kernel import calendars, casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.exchange import exchanges
from cases.kernel.models import Approval, Hold, OutboxMessage

__all__ = [
    "Counted",
    "Day",
    "Standing",
    "Traffic",
    "as_plain",
    "counted",
    "flow",
    "lines",
    "of_plain",
    "open_lately",
    "standing",
    "traffic",
]

WORKING_DAYS = 20
LINE_DAYS = 7
SOON = timedelta(days=7)
LATELY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Day:
    """One working day of London, with what came and went since the one before."""

    day: date
    opened: int
    closed: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How many open cases of one kind are on track (none due within a week), due soon, overdue, or have no time."""

    kind: str
    label: str
    on_track: int
    due_soon: int
    overdue: int
    timeless: int

    @property
    def total(self) -> int:
        return self.on_track + self.due_soon + self.overdue + self.timeless


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What was sent to one agency within a day, how much of it was acknowledged, and how long half of these took at
    most."""

    sent: int
    acknowledged: int
    median: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What the page counts of all that one may see, and when it did. `lines` are the small lines of its figures."""

    at: datetime
    days: tuple[Day, ...]
    standing: tuple[Standing, ...]
    traffic: Mapping[int, Traffic]
    lines: Mapping[str, tuple[int, ...]]


class _Median(Aggregate):
    """The middle of some values by their size; nothing counts as no value."""

    function, template = "percentile_cont", "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def counted(actor: Actor, *, at: datetime) -> Counted:
    """Count it. Ten queries, of which two read every open case that the actor may see."""
    days, stand = tuple(flow(actor, at=at)), tuple(standing(actor, at=at))
    found = lines(actor, [each.day for each in days][-LINE_DAYS:], at=at)
    found["open"] = open_lately(days[-LINE_DAYS:], sum(each.total for each in stand))
    return Counted(at=at, days=days, standing=stand, traffic=traffic(actor, at=at), lines=found)


def as_plain(found: Counted) -> dict[str, Any]:
    """Return what was counted as a cache keeps it."""
    return {
        "at": found.at.isoformat(),
        "days": [[each.day.isoformat(), each.opened, each.closed] for each in found.days],
        "standing": [[each.kind, each.on_track, each.due_soon, each.overdue, each.timeless] for each in found.standing],
        "traffic": [
            [agency, each.sent, each.acknowledged, None if each.median is None else each.median.total_seconds()]
            for agency, each in found.traffic.items()
        ],
        "lines": {name: list(values) for name, values in found.lines.items()},
    }


def of_plain(kept: Mapping[str, Any]) -> Counted:
    """Return what was counted, from how a cache keeps it."""
    return Counted(
        at=datetime.fromisoformat(kept["at"]),
        days=tuple(Day(day=date.fromisoformat(day), opened=came, closed=went) for day, came, went in kept["days"]),
        standing=tuple(_standing(*each) for each in kept["standing"]),
        traffic={
            agency: Traffic(sent=sent, acknowledged=taken, median=None if took is None else timedelta(seconds=took))
            for agency, sent, taken, took in kept["traffic"]
        },
        lines={name: tuple(values) for name, values in kept["lines"].items()},
    )


def open_lately(days: Sequence[Day], here: int) -> tuple[int, ...]:
    """Return how many were open at the end of each of these days, of which the last is today: what is open, without
    what came since, and with what went since. What only time brings back counts as open all along."""
    back = [here]
    for day in reversed(days[1:]):
        here = max(0, here - day.opened + day.closed)
        back.append(here)
    return tuple(back[::-1])


def lines(actor: Actor, days: Sequence[date], *, at: datetime) -> dict[str, tuple[int, ...]]:
    """Return, at the end of each of some working days of which the last is today, how many waited for approval and how
    many were held; of those overdue now, how many were so already; and how many are due today and on each of as many
    working days to come. Five queries."""
    moments = [*map(calendars.end_of_day, days[:-1]), at]
    seen = policy.visible_to(actor)
    overdue = seen.filter(is_closed=False, due_at__lt=at)
    asked = Approval.objects.filter(mode="before", case__in=seen).filter(
        Q(closed_at=None) | Q(closed_at__gt=moments[0])
    )
    held = Hold.objects.filter(case__in=seen).filter(Q(released_at=None) | Q(released_at__gt=moments[0]))
    return {
        "overdue": _at_each(moments, overdue, "pk", lambda moment: Q(due_at__lt=moment)),
        "today": _ahead(seen.filter(is_closed=False, due_at__gte=at), len(days), at=at),
        "approval": _at_each(
            moments,
            asked,
            "case",
            lambda moment: Q(_was_open(moment), opened_at__lte=moment) & _is_later("closed_at", moment),
        ),
        "held": _at_each(
            moments,
            held,
            "case",
            lambda moment: (
                Q(_was_open(moment), began_at__lte=moment)
                & _is_later("released_at", moment)
                & _is_later("ends_at", moment)
            ),
        ),
    }


def _is_later(column: str, moment: datetime) -> Q:
    return Q(**{column: None}) | Q(**{f"{column}__gt": moment})


def _was_open(moment: datetime) -> Q:
    return Q(case__is_closed=False) | Q(case__closed_date__gt=calendars.london_date(moment))


def _at_each(
    moments: Sequence[datetime], rows: QuerySet[Any], column: str, was_so: Callable[[datetime], Q]
) -> tuple[int, ...]:
    """Return how many there were at each moment. One query."""
    columns = {
        f"at_{place}": Count(column, filter=was_so(moment), distinct=column != "pk")
        for place, moment in enumerate(moments)
    }
    found = rows.order_by().aggregate(**columns)
    return tuple(found[name] for name in columns)


def _ahead(rows: QuerySet[Any], count: int, *, at: datetime) -> tuple[int, ...]:
    """Return how many are due today and on each working day after it, so many days in all. What is due on another day
    counts for the working day before it. One query."""
    days, calendar = [calendars.london_date(at)], calendars.of(calendars.seat())
    while len(days) <= count:
        days.append(_working_day_after(days[-1], calendar))
    due = rows.filter(due_at__lt=calendars.end_of_day(days[-1] - timedelta(days=1)))
    found = dict(due.order_by().values_list(TruncDate("due_at", tzinfo=LONDON)).annotate(count=Count("pk")))
    return tuple(sum(each for day, each in found.items() if first <= day < after) for first, after in pairwise(days))


def flow(actor: Actor, *, at: datetime) -> list[Day]:
    """Return the last twenty working days, today's last. What came on another day counts for the working day after it.
    Three queries."""
    days, calendar = [calendars.london_date(at)], calendars.of(calendars.seat())
    while len(days) <= WORKING_DAYS:
        days.insert(0, _working_day_before(days[0], calendar))
    first = days.pop(0)
    seen = policy.visible_to(actor)
    after = calendars.end_of_day(first)
    opened = seen.filter(opened_at__gte=after).annotate(day=TruncDate("opened_at", tzinfo=LONDON)).order_by()
    closed = seen.filter(closed_date__gt=first, is_closed=True).order_by()
    came = _by_day(dict(opened.values_list("day").annotate(count=Count("pk"))), days)
    went = _by_day(dict(closed.values_list("closed_date").annotate(count=Count("pk"))), days)
    return [Day(day=day, opened=came[day], closed=went[day]) for day in days]


def _working_day_before(day: date, calendar: calendars.Calendar) -> date:
    day -= timedelta(days=1)
    while not calendar.is_working_day(day):
        day -= timedelta(days=1)
    return day


def _working_day_after(day: date, calendar: calendars.Calendar) -> date:
    day += timedelta(days=1)
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    return day


def _by_day(counted: Mapping[date, int], days: list[date]) -> Counter[date]:
    found: Counter[date] = Counter()
    for day, count in counted.items():
        found[next((each for each in days if each >= day), days[-1])] += count
    return found


def standing(actor: Actor, *, at: datetime) -> list[Standing]:
    """Return what is open of each kind that the actor sees any of, the most first. One query."""
    rows = policy.visible_to(actor).filter(is_closed=False, is_dormant=False).order_by()
    counted = rows.values_list("kind").annotate(
        on_track=Count("pk", filter=Q(due_at__gte=at + SOON)),
        due_soon=Count("pk", filter=Q(due_at__gte=at, due_at__lt=at + SOON)),
        overdue=Count("pk", filter=Q(due_at__lt=at)),
        timeless=Count("pk", filter=Q(due_at=None)),
    )
    found = [_standing(*each) for each in counted]
    return sorted(found, key=lambda each: (-each.total, each.label))


def _standing(kind: str, on_track: int, due_soon: int, overdue: int, timeless: int) -> Standing:
    return Standing(
        kind=kind,
        label=casetypes.get(kind).label,
        on_track=on_track,
        due_soon=due_soon,
        overdue=overdue,
        timeless=timeless,
    )


def traffic(actor: Actor, *, at: datetime) -> dict[int, Traffic]:
    """Return by agency what was sent within the last day of what the actor may see. One query."""
    rows = OutboxMessage.objects.filter(exchanges.scope(actor), delivered_at__gt=at - LATELY).order_by()
    counted = rows.values_list("channel__agency").annotate(
        sent=Count("pk"),
        acknowledged=Count("pk", filter=Q(acknowledged_at__isnull=False)),
        median=_Median(F("acknowledged_at") - F("delivered_at")),
    )
    return {
        agency: Traffic(sent=sent, acknowledged=acknowledged, median=median)
        for agency, sent, acknowledged, median in counted
    }
