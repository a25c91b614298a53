"""Legal and internal periods as data: how each is counted, from which source, and what it means in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cases.kernel import calendars
from cases.kernel.models import Case, CaseParty, Clock

__all__ = ["RULES", "ClockRule", "end", "meet", "pause", "refresh_due", "resume", "start"]


@dataclass(frozen=True, kw_only=True)
class ClockRule:
    """One way of counting. `counts_first_day` is 'beginning with': the starting day is day one.

    `is_work` clocks make a case due; the others (expiries) only wait.
    """

    code: str
    label: str
    length: int
    unit: str
    source: str
    effective_from: date
    counts_first_day: bool = False
    is_work: bool = True
    is_pausable: bool = False


RULES: dict[str, ClockRule] = {}


def declare(*rules: ClockRule) -> None:
    """Add a family's rules to the table. Called while families load."""
    RULES.update({rule.code: rule for rule in rules})


def _last_day(rule: ClockRule, first: date, jurisdiction: str) -> date:
    shift = 1 if rule.counts_first_day else 0
    counted = {
        "working_days": lambda: calendars.add_working_days(
            first - timedelta(days=shift), rule.length, jurisdiction=jurisdiction
        ),
        "days": lambda: first + timedelta(days=rule.length - shift),
        "months": lambda: calendars.add_months(first, rule.length, counts_first_day=rule.counts_first_day),
        "years": lambda: calendars.add_months(first, 12 * rule.length, counts_first_day=rule.counts_first_day),
    }
    return counted[rule.unit]()


def due(rule: ClockRule, *, started_at: datetime, jurisdiction: str = "eaw") -> tuple[datetime, date]:
    """Return the moment and the London date at which a period that starts at `started_at` is over."""
    if rule.unit == "hours":
        moment = started_at + timedelta(hours=rule.length)
        return moment, calendars.london_date(moment)
    last = _last_day(rule, calendars.london_date(started_at), jurisdiction)
    return calendars.end_of_day(last), last


def explain(rule: ClockRule, *, first: date, last: date, jurisdiction: str) -> str:
    """Return the sentence that says how the end was counted."""
    unit = rule.unit.replace("_", " ")
    unit = unit[:-1] if rule.length == 1 else unit
    counting = "beginning with" if rule.counts_first_day else "after"
    place = f", {calendars.JURISDICTIONS[jurisdiction][1]}" if rule.unit == "working_days" else ""
    return (
        f"{rule.label}: {rule.length} {unit} {counting} {first:%-d %B %Y}{place}, so {last:%-d %B %Y}. {rule.source}."
    )


def start(
    case: Case,
    code: str,
    *,
    started_at: datetime,
    party: CaseParty | None = None,
    jurisdiction: str = "eaw",
) -> Clock:
    """Start a clock on a locked case, inside the current ledger action. `started_at` may be a claimed past time."""
    rule = RULES[code]
    due_at, due_date = due(rule, started_at=started_at, jurisdiction=jurisdiction)
    return Clock.objects.create(
        case=case,
        rule=code,
        party=party,
        started_at=started_at,
        due_at=due_at,
        due_date=due_date,
        jurisdiction=jurisdiction,
        explanation=explain(rule, first=calendars.london_date(started_at), last=due_date, jurisdiction=jurisdiction),
    )


def end(case: Case, code: str, *, at: datetime, state: str) -> None:
    """End every live clock of a rule on a locked case as met or cancelled. A breach stays on record as one."""
    for clock in Clock.objects.filter(case=case, rule=code, ended_at=None):
        clock.state = clock.state if clock.state == "breached" else state
        clock.ended_at = at
        clock.save(update_fields=["state", "ended_at"])


def meet(case: Case, code: str, *, at: datetime) -> None:
    end(case, code, at=at, state="met")


def pause(case: Case, code: str, *, at: datetime) -> None:
    """Stop counting. Raises ValueError for a rule the law does not let us pause."""
    if not RULES[code].is_pausable:
        raise ValueError(f"{code} cannot be paused")
    for clock in Clock.objects.filter(case=case, rule=code, state="running"):
        clock.state, clock.paused_at = "paused", at
        clock.save(update_fields=["state", "paused_at"])


def resume(case: Case, code: str, *, at: datetime) -> None:
    """Count on: the end moves by as long as the clock stood still, in whole days where the period is one of days."""
    for clock in Clock.objects.filter(case=case, rule=code, state="paused"):
        stopped = clock.paused_at or at
        clock.due_at, clock.due_date = _moved(clock, since=stopped, until=at)
        clock.explanation = (
            f"{clock.explanation} It stood still from {calendars.london_date(stopped):%-d %B %Y} to "
            f"{calendars.london_date(at):%-d %B %Y}, so it ends {clock.due_date:%-d %B %Y}."
        )[:400]
        clock.state, clock.paused_at = "running", None
        clock.save(update_fields=["due_at", "due_date", "explanation", "state", "paused_at"])


def _moved(clock: Clock, *, since: datetime, until: datetime) -> tuple[datetime, date]:
    unit = RULES[clock.rule].unit
    if unit == "hours":
        moment = clock.due_at + (until - since)
        return moment, calendars.london_date(moment)
    first, back = calendars.london_date(since), calendars.london_date(until)
    days = [first + timedelta(days=each) for each in range(1, (back - first).days + 1)]
    if unit == "working_days":
        stood = sum(calendars.is_working_day(day, jurisdiction=clock.jurisdiction) for day in days)
        last = calendars.add_working_days(clock.due_date, stood, jurisdiction=clock.jurisdiction)
    else:
        last = clock.due_date + timedelta(days=len(days))
    return calendars.end_of_day(last), last


def refresh_due(case: Case) -> None:
    """Set `case.due_at` to the earliest live clock that asks for work: a breached one goes on asking until what it
    asks for is done. The caller saves the case."""
    work = [code for code, rule in RULES.items() if rule.is_work]
    live = Clock.objects.filter(case=case, ended_at=None, state__in=["running", "breached"], rule__in=work)
    first = live.order_by("due_at").first()
    case.due_at = first.due_at if first else None
