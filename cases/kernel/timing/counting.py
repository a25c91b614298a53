"""How a period is counted: a pure function of its rule, its start, a calendar and the times it stood still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cases.kernel import calendars
from cases.kernel.calendars import Calendar

__all__ = [
    "ClockRule",
    "Stop",
    "due",
    "explain",
    "in_words",
    "length",
    "named",
    "needs_calendar",
    "served",
    "showing_who_they_are",
]

EVERYWHERE = ("eaw", "sct", "nir")
OPEN_ENDED = "open_ended"
INSTANT = {"hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
Stop = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class ClockRule:
    """One version of one way of counting.

    `counts_first_day` is 'beginning with': the starting day is day one. `starts_after_days` moves the start itself;
    `deemed_working_days` is how long after posting something counts as served. `roll` none or next_working_day says
    what becomes of an end on a day off. `may_name_end`: an order or agreement may name another end. `is_work` clocks
    make a case due; the others (expiries) only wait. `on_breach` is task or record, unless the family says more.
    `warn_hours` before the end a task asks for it; 0 for none. `clock` is the number in the design: K01 to K27.
    """

    code: str
    label: str
    length: int
    unit: str
    source: str
    effective_from: date
    counts_first_day: bool = False
    starts_after_days: int = 0
    deemed_working_days: int = 0
    roll: str = "none"
    is_pausable: bool = False
    may_name_end: bool = False
    is_work: bool = True
    on_breach: str = "task"
    warn_hours: int = 0
    jurisdictions: tuple[str, ...] = EVERYWHERE
    clock: str = ""
    version: int = 1


def showing_who_they_are(code: str, *, effective_from: date) -> ClockRule:
    """Return the rule by which whoever has to show who they are is chased: our own month stands still meanwhile (UK
    GDPR Art 12(6))."""
    return ClockRule(
        code=code,
        label="They show who they are",
        length=14,
        unit="days",
        source="Internal rule: our month stands still meanwhile, so something has to remind",
        effective_from=effective_from,
        is_work=False,
    )


def needs_calendar(rule: ClockRule) -> bool:
    """Say whether bank holidays can move the end."""
    return rule.unit == "working_days" or rule.deemed_working_days > 0 or rule.roll != "none"


def _begins(rule: ClockRule, first: date, calendar: Calendar) -> date:
    """Return the day that is counted from: the first, moved where the law moves it."""
    return calendar.add_working_days(first + timedelta(days=rule.starts_after_days), rule.deemed_working_days)


def _last_day(rule: ClockRule, first: date, calendar: Calendar) -> date:
    begins, shift = _begins(rule, first, calendar), int(rule.counts_first_day)
    counted = {
        "working_days": lambda: calendar.add_working_days(begins - timedelta(days=shift), rule.length),
        "days": lambda: begins + timedelta(days=rule.length - shift),
        "weeks": lambda: begins + timedelta(days=7 * rule.length - shift),
        "months": lambda: calendars.add_months(begins, rule.length, counts_first_day=rule.counts_first_day),
        "years": lambda: calendars.add_months(begins, 12 * rule.length, counts_first_day=rule.counts_first_day),
    }
    return counted[rule.unit]()


def due(
    rule: ClockRule,
    *,
    started_at: datetime,
    calendar: Calendar,
    stops: Sequence[Stop] = (),
    until: date | None = None,
) -> tuple[datetime, date]:
    """Return the moment and the London date at which a period that starts at `started_at` is over.

    `stops` are the times it stood still; `until` is the end that an order names instead. Times are aware.
    """
    if rule.unit in INSTANT:  # hours pass in UTC: a moment typed as London's would gain or lose one when clocks change
        stood = sum((back.astimezone(UTC) - since.astimezone(UTC) for since, back in stops), timedelta())
        moment = started_at.astimezone(UTC) + rule.length * INSTANT[rule.unit] + stood
        return moment, calendars.london_date(moment)
    last = until or _last_day(rule, calendars.london_date(started_at), calendar)
    for since, back in stops:
        last = _moved(rule, last, calendars.london_date(since), calendars.london_date(back), calendar)
    if rule.roll == "next_working_day" and until is None:
        last = calendar.on_or_after(last)
    return calendars.end_of_day(last), last


def _moved(rule: ClockRule, last: date, since: date, back: date, calendar: Calendar) -> date:
    """Return the end of a period that stood still between two days: as much later as it stood, in its own unit."""
    days = [since + timedelta(days=each) for each in range(1, (back - since).days + 1)]
    if rule.unit == "working_days":
        return calendar.add_working_days(last, sum(calendar.is_working_day(day) for day in days))
    return last + timedelta(days=len(days))


def named(rule: ClockRule, until: date, *, stops: Sequence[Stop], calendar: Calendar) -> date:
    """Return the day to keep for an end that is named now: `due` moves it by every stop, also by those that were."""
    for since, back in reversed(stops):
        days = calendars.london_date(since), calendars.london_date(back)
        kept = until - (days[1] - days[0])
        while _moved(rule, kept, *days, calendar) < until:
            kept += timedelta(days=1)
        until = kept
    return until


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _moment(at: datetime) -> str:
    local = at.astimezone(calendars.LONDON)
    return f"{_day(local.date())} at {local:%H:%M}"


def length(rule: ClockRule) -> str:
    """Return how long the rule is, without how it counts: 13 months."""
    return _so_many(rule.length, rule.unit.replace("_", " "))


def served(rule: ClockRule) -> str:
    """Return how long after posting something counts as served: 2 working days; empty where nothing is posted."""
    return _so_many(rule.deemed_working_days, "working days") if rule.deemed_working_days else ""


def _so_many(count: int, unit: str) -> str:
    return f"{count} {unit[:-1] if count == 1 else unit}"


def explain(
    rule: ClockRule,
    *,
    first: date,
    last: date,
    calendar: Calendar,
    stops: Sequence[Stop] = (),
    is_named: bool = False,
    moments: tuple[datetime, datetime] | None = None,
) -> str:
    """Return the sentences that say how the end was counted, from which source. A period of hours or minutes is told
    from its start to its end as `moments`, in London time."""
    if moments is not None and rule.unit in INSTANT:
        begun, ended = (_moment(each) for each in moments)
        told = f"{rule.label}: {length(rule)} after {begun}, so {ended}. {rule.source}."
    else:
        told = f"{rule.label}: {_counted(rule, first, last, calendar, is_named=is_named)} {rule.source}."
    for since, back in stops:
        told += f" It stood still from {_day(calendars.london_date(since))} to {_day(calendars.london_date(back))}"
        told += f", so it ends {_day(last)}." if (since, back) == stops[-1] else "."
    return told


def _counted(rule: ClockRule, first: date, last: date, calendar: Calendar, *, is_named: bool) -> str:
    if is_named:
        return f"ends on the day that was named, {_day(last)}."
    begins = _begins(rule, first, calendar)
    start = _day(begins)
    if rule.deemed_working_days:
        start += f" (served {rule.deemed_working_days} working days after {_day(first)})"
    elif rule.starts_after_days:
        start += f" (the day after {_day(first)})"
    counting = "beginning with" if rule.counts_first_day else "after"
    place = f", {calendar.label}" if needs_calendar(rule) else ""
    if rule.unit in INSTANT:
        return f"{length(rule)} {counting} {start}, so {_day(last)}."
    plain = _last_day(rule, first, calendar)
    rolled = calendar.on_or_after(plain) if rule.roll != "none" else plain
    if rule.unit == "working_days" and rule.length == 0:
        return f"the same working day as {start}{place}, so {_day(rolled)}."
    off = f" {_day(plain)} is not a working day." if rolled != plain else ""
    return f"{length(rule)} {counting} {start}{place}, so {_day(rolled)}.{off}"


def in_words(rule: ClockRule) -> str:
    """Return how the rule counts, without dates: 60 days beginning with the day after the start."""
    if rule.unit == OPEN_ENDED:
        return "No fixed end: a hold until it is released"
    if rule.unit == "working_days" and rule.length == 0:
        return "The same working day, or the next"
    start = "the day of the start" if rule.unit not in INSTANT else "the start"
    if rule.starts_after_days:
        start = "the day after the start"
    if rule.deemed_working_days:
        start = f"service, deemed {rule.deemed_working_days} working days after posting"
    words = f"{length(rule)} {'beginning with' if rule.counts_first_day else 'after'} {start}"
    if rule.roll != "none":
        words += ", then on to a working day"
    if rule.may_name_end:
        words += ", unless another end is named"
    return words
