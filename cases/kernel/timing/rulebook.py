"""The clock rules and their versions: those that are shipped, those this office decided on, and which one is in force.

Shipped are the rows of clock_rules.csv and what families declare. `load()` copies them into the table, where they stay
when a later release ships others; `add_version()` enters a decided change. Until `load()` has run the shipped ones
count by themselves.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from cases.kernel import calendars
from cases.kernel.actors import Actor, system
from cases.kernel.calendars import Calendar
from cases.kernel.models import ClockRuleVersion
from cases.kernel.timing.counting import ClockRule
from cases.ledger import api as ledger
from cases.ledger.prepared import Statement

__all__ = ["RULES", "STREAM", "add_version", "declare", "in_force", "in_force_each", "load", "shipped", "version"]

# The stream of what the office lays down for all cases: rules, calendars, documents.
STREAM = UUID("6d1d9f5e-6a3e-4f0e-9a43-0c5b8e2f7a11")
TABLE = Path(__file__).with_name("clock_rules.csv")
YES = "yes"
Wanted = tuple[str, str]  # the code of a rule, and where it is counted
# One statement gives the versions of rules and the changes of calendars: every start of a clock needs both.
_READ = Statement.of("""
SELECT 'rule', r.code, to_jsonb(r) FROM cases_clockruleversion r WHERE r.code = ANY(%s)
UNION ALL
SELECT 'day', h.jurisdiction, to_jsonb(h) FROM cases_holidaychange h WHERE h.jurisdiction = ANY(%s)
""")

RULES: dict[str, ClockRule] = {}
_shipped: dict[tuple[str, int], ClockRule] = {}


def declare(*rules: ClockRule) -> None:
    """Ship rules, each code's versions in order. Called while families load; `RULES` keeps the newest of each."""
    for rule in rules:
        _shipped[rule.code, rule.version] = RULES[rule.code] = rule


def _parsed(row: dict[str, str]) -> ClockRule:
    values: dict[str, Any] = dict(row)
    for name in ("version", "length", "starts_after_days", "deemed_working_days", "warn_hours"):
        values[name] = int(row[name] or 0)
    for name in ("counts_first_day", "is_pausable", "may_name_end", "is_work"):
        values[name] = row[name] == YES
    values["jurisdictions"] = tuple(row["jurisdictions"].split())
    values["effective_from"] = date.fromisoformat(row["effective_from"])
    return ClockRule(**values)


with TABLE.open(newline="", encoding="utf-8") as file:
    declare(*map(_parsed, csv.DictReader(file)))


def shipped() -> list[ClockRule]:
    """Return every shipped version, by code."""
    return [_shipped[key] for key in sorted(_shipped)]


def _columns(rule: ClockRule) -> dict[str, Any]:
    return {**dataclasses.asdict(rule), "jurisdictions": list(rule.jurisdictions)}


def load(*, at: datetime) -> int:
    """Enter the shipped versions that the table lacks, as one ledger event; return how many. What is there stays."""
    known = set(ClockRuleVersion.objects.values_list("code", "version"))
    missing = [rule for rule in shipped() if (rule.code, rule.version) not in known]
    if missing:
        detail = {"rules": [f"{rule.code} {rule.version}" for rule in missing]}
        with ledger.action(STREAM, "clock_rules.loaded", actor=system("prepare").label, at=at, detail=detail):
            ledger.bulk_create(ClockRuleVersion, [ClockRuleVersion(**_columns(rule)) for rule in missing])
    return len(missing)


def add_version(rule: ClockRule, *, actor: Actor, at: datetime) -> ClockRuleVersion:
    """Enter a decided version after the newest one of its code, as one ledger event. It takes effect on its date."""
    row = ClockRuleVersion(**_columns(rule), is_shipped=False)
    detail = {"rule": rule.code, "version": rule.version, "effective_from": rule.effective_from.isoformat()}
    with ledger.action(STREAM, "clock_rule.changed", actor=actor.label, at=at, detail=detail, source=actor.source):
        row.save(force_insert=True)
    return row


def rule_of(row: dict[str, Any]) -> ClockRule:
    """Return a stored row, as PostgreSQL gives it in JSON, as a rule."""
    names = {each.name for each in dataclasses.fields(ClockRule)}
    values = {name: value for name, value in row.items() if name in names}
    values["jurisdictions"] = tuple(row["jurisdictions"])
    values["effective_from"] = date.fromisoformat(row["effective_from"])
    return ClockRule(**values)


def _read(wanted: Collection[Wanted]) -> dict[Wanted, tuple[list[ClockRule], Calendar]]:
    codes, jurisdictions = (sorted(set(each)) for each in zip(*wanted, strict=True))
    rules: dict[str, list[ClockRule]] = {code: [] for code in codes}
    days: dict[str, list[tuple[date, str]]] = {each: [] for each in jurisdictions}
    for kind, of, text in _READ.rows([codes, jurisdictions]):
        row = json.loads(text)
        if kind == "rule":
            rules[of].append(rule_of(row))
        else:
            days[of].append((date.fromisoformat(row["day"]), row["effect"]))
    calendar = {each: calendars.changed(each, days[each]) for each in jurisdictions}
    return {(code, each): (rules[code] or _unloaded(code), calendar[each]) for code, each in wanted}


def _unloaded(code: str) -> list[ClockRule]:
    return [rule for (known, _), rule in _shipped.items() if known == code] or [RULES[code]]


def _in_force(rules: Iterable[ClockRule], on: date) -> ClockRule:
    ordered = sorted(rules, key=lambda rule: rule.effective_from)
    begun = [rule for rule in ordered if rule.effective_from <= on]
    return begun[-1] if begun else ordered[0]


def in_force(code: str, *, on: date, jurisdiction: str) -> tuple[ClockRule, Calendar]:
    """Return the version of a rule in force on a day, the first one for days before it, and the calendar. One query."""
    return in_force_each([(code, jurisdiction)])[0](on)


def in_force_each(wanted: Sequence[Wanted]) -> list[Callable[[date], tuple[ClockRule, Calendar]]]:
    """Return for each rule, with where it is counted, what says of a day what `in_force` does. One query for all."""
    found = _read(wanted)
    return [partial(_of_day, *found[each]) for each in wanted]


def _of_day(rules: Iterable[ClockRule], calendar: Calendar, on: date) -> tuple[ClockRule, Calendar]:
    return _in_force(rules, on), calendar


def version(code: str, number: int, *, jurisdiction: str) -> tuple[ClockRule, Calendar]:
    """Return the version that a clock keeps, and the calendar as it is now. One query."""
    ((rules, calendar),) = _read([(code, jurisdiction)]).values()
    kept = [rule for rule in rules if rule.version == number]
    return kept[0] if kept else _in_force(rules, date.min), calendar
