"""How long each kind of record is kept once its trigger has come. disposals.py erases cases, once two people agreed.

What the house itself piles up is retention_classes.csv; families declare their own beside their rules. `load()` copies
what is shipped into the table of versions; a decided change is a further version (retentionchanges.py). What has come
to its trigger keeps the date it got then. Until `load()` has run the shipped versions count by themselves.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from cases.kernel import calendars
from cases.kernel.actors import Actor, system
from cases.kernel.models import RetentionVersion
from cases.kernel.timing.rulebook import STREAM
from cases.ledger import api as ledger
from cases.ledger.prepared import Statement

__all__ = [
    "CLASSES",
    "RetentionClass",
    "add_version",
    "days_over",
    "declare",
    "dispose_after",
    "in_force",
    "last_day",
    "last_over",
    "load",
    "name_of",
    "of_day",
    "schedule",
    "versions",
]

TABLE = Path(__file__).with_name("retention_classes.csv")


@dataclass(frozen=True, kw_only=True)
class RetentionClass:
    """One version of one line of the retention schedule: trigger, period in months or days, source, first day."""

    code: str
    trigger: str
    months: int
    source: str
    days: int = 0
    label: str = ""
    version: int = 1
    effective_from: date = date(2026, 1, 1)

    @property
    def name(self) -> str:
        return self.label or self.code.replace("_", " ").capitalize()

    @property
    def period(self) -> str:
        """The period in words: 6 years, 13 months, 90 days; nothing that is kept no longer than its trigger."""
        if self.days:
            return f"{self.days} day{'' if self.days == 1 else 's'}"
        if not self.months:
            return "until then"
        years, rest = divmod(self.months, 12)
        count, unit = (years, "year") if not rest else (self.months, "month")
        return f"{count} {unit}{'' if count == 1 else 's'}"


CLASSES: dict[str, RetentionClass] = {}


def declare(*rules: RetentionClass) -> None:
    """Add retention classes. Called while families load."""
    CLASSES.update({rule.code: rule for rule in rules})


with TABLE.open(newline="", encoding="utf-8") as file:
    declare(
        *(
            RetentionClass(**{**row, "months": int(row["months"] or 0), "days": int(row["days"] or 0)})  # type: ignore[arg-type]  # -- numbers are parsed here
            for row in csv.DictReader(file)
        )
    )


def name_of(code: str) -> str:
    """Return what people read for a class, as shipped. No query."""
    return CLASSES[code].name if code in CLASSES else code.replace("_", " ").capitalize()


def load(*, at: datetime) -> int:
    """Enter the shipped versions that the table lacks, as one ledger event; return how many. What is there stays."""
    known = set(RetentionVersion.objects.values_list("code", flat=True))
    missing = [rule for code, rule in sorted(CLASSES.items()) if code not in known]
    if missing:
        detail = {"classes": [rule.code for rule in missing]}
        with ledger.action(STREAM, "retention.loaded", actor=system("prepare").label, at=at, detail=detail):
            ledger.bulk_create(RetentionVersion, [RetentionVersion(**dataclasses.asdict(rule)) for rule in missing])
    return len(missing)


_NAMES = [each.name for each in dataclasses.fields(RetentionClass)]
_VERSIONS = Statement.of(
    f"SELECT {', '.join(_NAMES)} FROM cases_retentionversion"  # noqa: S608 -- names of columns
    " WHERE code = ANY(%s) IS NOT FALSE ORDER BY code, version"
)


def add_version(rule: RetentionClass, *, actor: Actor, at: datetime) -> RetentionVersion:
    """Enter a decided version after the newest one of its class, as one ledger event. It takes effect on its date."""
    row = RetentionVersion(**dataclasses.asdict(rule), is_shipped=False)
    detail = {"class": rule.code, "version": rule.version, "effective_from": rule.effective_from.isoformat()}
    with ledger.action(STREAM, "retention.changed", actor=actor.label, at=at, detail=detail, source=actor.source):
        row.save(force_insert=True)
    return row


def versions(*codes: str) -> dict[str, list[RetentionClass]]:
    """Return every version by class, oldest first, as kept or else as shipped; of all classes when none is named. One
    query."""
    found = {code: [rule] for code, rule in CLASSES.items() if not codes or code in codes}
    kept: dict[str, list[RetentionClass]] = {}
    for row in _VERSIONS.rows([list(codes) or None]):
        rule = RetentionClass(**dict(zip(_NAMES, row, strict=True)))
        kept.setdefault(rule.code, []).append(rule)
    return {**found, **kept}


def of_day(rules: Sequence[RetentionClass], on: date) -> RetentionClass:
    """Return which of a class's versions is in force on a day, the first one for days before it. No query."""
    begun = [rule for rule in rules if rule.effective_from <= on]
    return begun[-1] if begun else rules[0]


def in_force(code: str, *, on: date) -> RetentionClass:
    """Return the version of a class in force on a day, the first one for days before it. One query."""
    return of_day(versions(code)[code], on)


def schedule(*, on: date) -> dict[str, RetentionClass]:
    """Return the whole schedule as it stands on a day. One query."""
    return {code: of_day(rules, on) for code, rules in versions().items()}


def dispose_after(code: str, *, trigger_date: date) -> date:
    """Return the last day on which a record of this class is kept that comes to its trigger on a day. One query."""
    return last_day(versions(code)[code], trigger_date=trigger_date)


def last_day(rules: Sequence[RetentionClass], *, trigger_date: date) -> date:
    """Return what `dispose_after` does, by the versions of a class. No query."""
    return _kept_until(of_day(rules, trigger_date), trigger_date)


def days_over(code: str, *, first: date, today: date) -> list[tuple[date, date]]:
    """Return the first and the last day of each stretch of triggers, from `first` on, of which records of this class
    are kept no more. More than one, where a shorter period came into force: what came before keeps its own. One query.
    """
    rules = versions(code)[code]
    begins = sorted({first, *(rule.effective_from for rule in rules if first < rule.effective_from <= today)})
    found: list[tuple[date, date]] = []
    for begin, after in zip(begins, [*begins[1:], today + timedelta(days=1)], strict=True):
        rule = of_day(rules, begin)
        last = _last_before(today, rule, begin=begin, end=after - timedelta(days=1))
        if last is not None and found and found[-1][1] + timedelta(days=1) == begin:
            found[-1] = (found[-1][0], last)
        elif last is not None:
            found.append((begin, last))
    return found


def _last_before(today: date, rule: RetentionClass, *, begin: date, end: date) -> date | None:
    """Return the last day between two, both counted, of which by one version the last day of keeping is before today;
    by one version a later trigger is never over earlier."""
    low, high = 0, (end - begin).days + 1
    while low < high:
        middle = (low + high) // 2
        if _kept_until(rule, begin + timedelta(days=middle)) < today:
            low = middle + 1
        else:
            high = middle
    return begin + timedelta(days=low - 1) if low else None


def _kept_until(rule: RetentionClass, trigger: date) -> date:
    return calendars.add_months(trigger, rule.months) + timedelta(days=rule.days)


def last_over(code: str, *, first: date, today: date) -> date | None:
    """Return the last day of the trigger up to which, from `first` on, records of this class are kept no more; None
    where those of `first` still are. One query."""
    stretches = days_over(code, first=first, today=today)
    return stretches[0][1] if stretches and stretches[0][0] == first else None
