"""The clocks of a case: started, paused, met, counted anew. How a period is counted is `counting`; the rules are rows.

A running clock keeps the version of its rule with which it began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from cases.kernel import calendars, tasks
from cases.kernel.actors import system
from cases.kernel.calendars import Calendar
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, CaseParty, Clock, Task
from cases.kernel.prepared import Prepared
from cases.kernel.timing import places, rulebook
from cases.kernel.timing.counting import (
    OPEN_ENDED,
    ClockRule,
    Stop,
    due,
    explain,
    in_words,
    length,
    named,
    needs_calendar,
    served,
    showing_who_they_are,
)
from cases.kernel.timing.rulebook import RULES, declare
from cases.ledger import api as ledger

__all__ = [
    "RULES",
    "ClockRefused",
    "ClockRule",
    "declare",
    "due",
    "due_with",
    "end",
    "end_one",
    "explain",
    "in_words",
    "length",
    "length_of",
    "meet",
    "name_end",
    "pause",
    "plan",
    "recount",
    "refresh_due",
    "resume",
    "rule_for",
    "served",
    "served_on",
    "showing_who_they_are",
    "start",
    "start_each",
]

LONGEST_EXPLANATION = 400
CHECK_AFTER = "check_after"
# Which kind of task is due with which clock, beside a warning, which names its rule, and one that names its clock.
_DUE_WITH: dict[str, str] = {CHECK_AFTER: CHECK_AFTER}


def due_with(rule: str, task: str) -> None:
    """Say that a kind of task is due when a clock is: it moves with it. Called while families load."""
    _DUE_WITH[task] = rule


# Rules of what only waits while there is a case: none of them keeps it from being erased.
ENDING_WITH_CASE: set[str] = set()


class ClockRefused(CaseError):
    """The law does not let this period run, stand still or end like this."""


def start(
    case: Case,
    code: str,
    *,
    started_at: datetime,
    party: CaseParty | None = None,
    jurisdiction: str = "",
    until: date | None = None,
) -> Clock:
    """Start a clock on a locked case, inside the current ledger action. As `plan`, and written down."""
    clock = plan(code, started_at=started_at, party=party, jurisdiction=jurisdiction, until=until)
    clock.case, clock.party = case, party
    clock.save(force_insert=True)
    return clock


def plan(
    code: str,
    *,
    started_at: datetime,
    party: CaseParty | None = None,
    jurisdiction: str = "",
    until: date | None = None,
) -> Clock:
    """Return an unsaved clock that counts from `started_at`, which may be a claimed past time. One query, two for a
    period of the law that is about a person.

    It counts the days of the part of the United Kingdom that is named, else of the one that `places.of` finds.
    It counts by the version in force on that London day; `until` is the end that an order names instead. Raises
    ClockRefused where the rule does not run in the jurisdiction, has no end, or lets no other end be named.
    """
    jurisdiction = jurisdiction or places.of(RULES[code], party)
    found = rulebook.in_force(code, on=calendars.london_date(started_at), jurisdiction=jurisdiction)
    return _planned(*found, started_at=started_at, until=until)


def start_each(case: Case, wanted: Sequence[tuple[CaseParty, str, datetime]]) -> list[Clock]:
    """Start a clock about each of these people of a locked case, by its code and from when it counts, inside the
    current ledger action: as `start` does for one. Three queries at most for a few. Raises ClockRefused."""
    if not wanted:
        return []
    parts = places.of_each(case, [(RULES[code], party) for party, code, _ in wanted])
    rules = rulebook.in_force_each([(code, part) for (_, code, _), part in zip(wanted, parts, strict=True)])
    made = []
    for (party, _, started_at), of_day in zip(wanted, rules, strict=True):
        clock = _planned(*of_day(calendars.london_date(started_at)), started_at=started_at, until=None)
        clock.case, clock.party = case, party
        made.append(clock)
    return ledger.bulk_create(Clock, made)


def _planned(rule: ClockRule, calendar: Calendar, *, started_at: datetime, until: date | None) -> Clock:
    if refusal := _why_not(rule, calendar, first=calendars.london_date(started_at), until=until):
        raise ClockRefused(refusal)
    clock = Clock(
        rule=rule.code,
        version=rule.version,
        started_at=started_at,
        jurisdiction=calendar.jurisdiction,
        named_date=until,
    )
    _count(clock, rule, calendar)
    return clock


def _why_not(rule: ClockRule, calendar: Calendar, *, first: date, until: date | None) -> str:
    if rule.unit == OPEN_ENDED:
        return f"{rule.label} has no fixed end: enter a hold instead."
    if calendar.jurisdiction not in rule.jurisdictions:
        return f"{rule.label} does not run in {calendar.label}."
    if until is not None and not rule.may_name_end:
        return f"{rule.label} ends when the law says; no other end may be named."
    if until is not None and until < first:
        return f"{rule.label} cannot end before it begins."
    return ""


def _count(clock: Clock, rule: ClockRule, calendar: Calendar) -> None:
    """Set when a clock ends and the sentences that say why."""
    stops = _stops(clock)
    clock.due_at, clock.due_date = due(
        rule, started_at=clock.started_at, calendar=calendar, stops=stops, until=clock.named_date
    )
    clock.explanation = explain(
        rule,
        first=calendars.london_date(clock.started_at),
        last=clock.due_date,
        calendar=calendar,
        stops=stops,
        is_named=clock.named_date is not None,
        moments=(clock.started_at, clock.due_at),
    )[:LONGEST_EXPLANATION]


def _stops(clock: Clock) -> list[Stop]:
    return [(datetime.fromisoformat(since), datetime.fromisoformat(back)) for since, back in clock.stops]


def length_of(clock: Clock) -> str:
    """Return in words how long a clock's period is, by the version of the rule that it keeps: 13 months. Of one whose
    end was named, or that stood still, nothing: its end is another. One query."""
    if clock.named_date is not None or clock.stops:
        return ""
    return length(rulebook.version(clock.rule, clock.version, jurisdiction=clock.jurisdiction)[0])


def served_on(clock: Clock) -> date:
    """Return the day on which what was posted as a clock started counts as served, by the version of the rule that it
    keeps. One query."""
    rule, calendar = rulebook.version(clock.rule, clock.version, jurisdiction=clock.jurisdiction)
    return calendar.add_working_days(calendars.london_date(clock.started_at), rule.deemed_working_days)


def rule_for(case: Case | None, code: str, *, on: date) -> ClockRule:
    """Return the version of a rule by which a case counts: that of its last clock that was not cancelled, else what is
    in force on a day. Two queries, one without a case."""
    mine = Clock.objects.filter(case=case, rule=code).exclude(state="cancelled").order_by("-pk")
    clock = mine.first() if case is not None else None
    if clock is not None:
        return rulebook.version(code, clock.version, jurisdiction=clock.jurisdiction)[0]
    return rulebook.in_force(code, on=on, jurisdiction=calendars.seat())[0]


def end(case: Case, code: str, *, at: datetime, state: str) -> None:
    """End every live clock of a rule on a locked case as met or cancelled. A breach stays on record as one.

    A task that had asked for it beforehand is closed with it.
    """
    for clock in _LIVE.objects(case=case.pk, rule=code):
        end_one(case, clock, at=at, state=state)


_LIVE = Prepared(
    lambda case, rule: Clock.objects.filter(case=case, rule=rule, ended_at=None), case=-(10**15) - 1, rule="one rule"
)


def end_one(case: Case, clock: Clock, *, at: datetime, state: str) -> None:
    """End one live clock of a locked case as met or cancelled, as `end` does."""
    clock.state = clock.state if clock.state == "breached" else state
    clock.ended_at = at
    clock.save(update_fields=["state", "ended_at"])
    if clock.warned_at is not None:
        _close_tasks(case, clock.rule, "clock_soon", at=at, outcome=state)


def _close_tasks(case: Case, code: str, kind: str, *, at: datetime, outcome: str) -> None:
    for task in Task.objects.filter(case=case, kind=kind, detail__rule=code, closed_at=None):
        tasks.close(task, actor=system("clocks"), at=at, outcome=outcome)


def meet(case: Case, code: str, *, at: datetime) -> None:
    end(case, code, at=at, state="met")


def pause(case: Case, code: str, *, at: datetime) -> None:
    """Stop counting. Raises ClockRefused for a rule the law does not let us pause."""
    for clock in Clock.objects.filter(case=case, rule=code, state="running"):
        rule, _ = rulebook.version(code, clock.version, jurisdiction=clock.jurisdiction)
        if not rule.is_pausable:
            raise ClockRefused(f"{rule.label} cannot be paused.")
        clock.state, clock.paused_at = "paused", at
        clock.save(update_fields=["state", "paused_at"])


def resume(case: Case, code: str, *, at: datetime) -> None:
    """Count on: the end moves by as long as the clock stood still, in whole days where the period is one of days."""
    for clock in Clock.objects.filter(case=case, rule=code, state="paused"):
        since, was_due = clock.paused_at or at, clock.due_at
        clock.stops = [*clock.stops, [since.isoformat(), at.isoformat()]]
        _count(clock, *rulebook.version(code, clock.version, jurisdiction=clock.jurisdiction))
        clock.state, clock.paused_at = "running", None
        clock.save(update_fields=["due_at", "due_date", "explanation", "state", "paused_at", "stops"])
        _move_with(case, clock, since=was_due)


def count_from(case: Case, code: str, *, started_at: datetime, at: datetime) -> None:
    """Let the live clocks of a rule on a locked case count from another moment, inside the current ledger action: what
    was typed wrong is put right. What is due with them moves too. The caller saves the case."""
    for clock in Clock.objects.filter(case=case, rule=code, ended_at=None).exclude(started_at=started_at):
        clock.started_at = started_at
        clock.save(update_fields=["started_at"])
        recount(case, clock, at=at)


def open_in(jurisdiction: str) -> QuerySet[Clock]:
    """Return the clocks of a jurisdiction that have not ended and that a bank holiday can move."""
    moved = [code for code, rule in RULES.items() if needs_calendar(rule)]
    return Clock.objects.filter(jurisdiction=jurisdiction, ended_at=None, rule__in=moved)


def recount(case: Case, clock: Clock, *, at: datetime) -> Mapping[str, str]:
    """Count a clock of a locked case anew by the calendar as it is now, inside the current ledger action.

    Returns its old and new end, or nothing when the end stays. What is due with it moves too; a breach that is none any
    more runs again and its task is closed. The caller saves the case.
    """
    before, since = clock.due_date, clock.due_at
    rule, calendar = rulebook.version(clock.rule, clock.version, jurisdiction=clock.jurisdiction)
    _count(clock, rule, calendar)
    if (clock.due_at, clock.due_date) == (since, before):
        return {}
    if clock.state == "breached" and clock.due_at > at:
        clock.state = "running"
        _close_tasks(case, clock.rule, "clock_over", at=at, outcome="counted_anew")
    clock.save(update_fields=["due_at", "due_date", "explanation", "state"])
    _move_with(case, clock, since=since)
    refresh_due(case)
    return {"rule": clock.rule, "from_date": before.isoformat(), "to_date": clock.due_date.isoformat()}


def _move_with(case: Case, clock: Clock, *, since: datetime) -> None:
    """Make what was due with a clock due with it again: open tasks, and checks that are asked for afterwards."""
    kinds = [task for task, rule in _DUE_WITH.items() if rule == clock.rule]
    about = Q(kind__in=kinds) | Q(kind="clock_soon", detail__rule=clock.rule) | Q(detail__clock=clock.pk)
    rows: list[Task | Approval] = list(Task.objects.filter(about, case=case, due_at=since, closed_at=None))
    if clock.rule == CHECK_AFTER:
        rows += Approval.objects.filter(case=case, mode="after", due_at=since, closed_at=None)
    for row in rows:
        row.due_at = clock.due_at
        row.save(update_fields=["due_at"])


def name_end(case: Case, clock: Clock, *, until: date, at: datetime) -> None:
    """Give a running clock of a locked case the last day that was named from outside, inside the current ledger action.

    How long it stood still before is in that day already. It may be asked for ahead anew; a task that asked for the old
    end is closed. The caller saves the case.
    """
    rule, calendar = rulebook.version(clock.rule, clock.version, jurisdiction=clock.jurisdiction)
    clock.named_date = named(rule, until, stops=_stops(clock), calendar=calendar)
    _count(clock, rule, calendar)
    clock.warned_at = None
    clock.save(update_fields=["named_date", "due_at", "due_date", "explanation", "warned_at"])
    _close_tasks(case, clock.rule, "clock_soon", at=at, outcome="extended")
    refresh_due(case)


def refresh_due(case: Case) -> None:
    """Set `case.due_at` to the earliest live clock that asks for work: a breached one goes on asking until what it
    asks for is done. The caller saves the case."""
    case.due_at = next((due_at for (due_at,) in _first_due(of_work()).rows(case=case.pk)), None)


def of_work() -> tuple[str, ...]:
    """Return the rules whose clocks ask for work."""
    return tuple(sorted(code for code, rule in RULES.items() if rule.is_work))


def live_of(case: Any, rules: tuple[str, ...]) -> QuerySet[Clock]:
    """Return the live clocks of a case by some rules, what is due first first: a breached one is live too."""
    live = Clock.objects.filter(case=case, ended_at=None, state__in=["running", "breached"], rule__in=rules)
    return live.exclude(due_at__isnull=True).order_by("due_at")


@lru_cache(maxsize=8)
def _first_due(work: tuple[str, ...]) -> Prepared:
    """Return the query of the earliest due time among the rules that ask for work."""

    def build(*, case: int) -> QuerySet[Clock, Any]:
        return live_of(case, work).values_list("due_at")[:1]

    return Prepared(build, case=-(10**15) - 1)
