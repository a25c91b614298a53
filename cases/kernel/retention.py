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

__all__ = [
    "CLASSES",
    "RetentionClass",
    "add_version",
    "declare",
    "dispose_after",
    "in_force",
    "load",
    "name_of",
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
    rows = RetentionVersion.objects.filter(**({"code__in": codes} if codes else {})).order_by("code", "version")
    names = [each.name for each in dataclasses.fields(RetentionClass)]
    found = {code: [rule] for code, rule in CLASSES.items() if not codes or code in codes}
    kept: dict[str, list[RetentionClass]] = {}
    for values in rows.values(*names):
        kept.setdefault(values["code"], []).append(RetentionClass(**values))
    return {**found, **kept}


def _of_day(rules: Sequence[RetentionClass], on: date) -> RetentionClass:
    begun = [rule for rule in rules if rule.effective_from <= on]
    return begun[-1] if begun else rules[0]


def in_force(code: str, *, on: date) -> RetentionClass:
    """Return the version of a class in force on a day, the first one for days before it. One query."""
    return _of_day(versions(code)[code], on)


def schedule(*, on: date) -> dict[str, RetentionClass]:
    """Return the whole schedule as it stands on a day. One query."""
    return {code: _of_day(rules, on) for code, rules in versions().items()}


def dispose_after(code: str, *, trigger_date: date) -> date:
    """Return the last day on which a record of this class is kept that comes to its trigger on a day. One query."""
    rule = in_force(code, on=trigger_date)
    return calendars.add_months(trigger_date, rule.months) + timedelta(days=rule.days)


def is_over(code: str, *, trigger_date: date, today: date) -> bool:
    """Say whether a record of this class that came to its trigger on a day is kept no more. One query."""
    return dispose_after(code, trigger_date=trigger_date) < today


def last_over(code: str, *, first: date, today: date) -> date | None:
    """Return the last day of the trigger of which records of this class are kept no more, where any are of those from
    `first` on. One query for each halving of the time between."""
    if not is_over(code, trigger_date=first, today=today):
        return None
    over, kept = first, today
    while (kept - over).days > 1:
        middle = over + (kept - over) // 2
        over, kept = (middle, kept) if is_over(code, trigger_date=middle, today=today) else (over, middle)
    return over
