"""How long whoever has a message of ours may take to answer it. The periods are rules like any other: versions with a
source and a first day, changed by two people (rulechanges.py). A message goes by the version of the day it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from cases.kernel import calendars, releases
from cases.kernel.models import ClockRuleVersion, OutboxMessage
from cases.kernel.timing import counting, rulebook
from cases.kernel.timing.counting import ClockRule

__all__ = ["Periods", "owed"]


def owed() -> list[str]:
    """Return the kinds of message that are owed an answer."""
    return [code for code, kind in releases.KINDS.items() if kind.answer_days]


class Periods:
    """The periods as they stand, with the calendar they are counted by: read once, for many messages. Two queries."""

    def __init__(self, kinds: Iterable[str] | None = None) -> None:
        codes = {kind: releases.answer_rule(kind) for kind in (owed() if kinds is None else kinds)}
        kept: dict[str, list[ClockRule]] = {}
        rows = ClockRuleVersion.objects.filter(code__in=codes.values()).order_by("code", "version").values()
        for row in rows:
            rule = rulebook.rule_of({**row, "effective_from": row["effective_from"].isoformat()})
            kept.setdefault(rule.code, []).append(rule)
        shipped = {code: [rule for rule in rulebook.shipped() if rule.code == code] for code in codes.values()}
        self._rules = {kind: kept.get(code) or shipped[code] for kind, code in codes.items()}
        self._calendar = calendars.of(calendars.seat())

    def rule(self, kind: str, *, on: date) -> ClockRule | None:
        """Return the version in force on a day, the first one for days before it; None where no answer is owed."""
        versions = self._rules.get(kind)
        if not versions:
            return None
        begun = [rule for rule in versions if rule.effective_from <= on]
        return begun[-1] if begun else versions[0]

    def last_day(self, kind: str, *, delivered: date) -> date | None:
        """Return the last London day of the answer to what arrived on a day; None where none is owed."""
        rule = self.rule(kind, on=delivered)
        if rule is None:
            return None
        moment = counting.due(rule, started_at=calendars.end_of_day(delivered), calendar=self._calendar)[0]
        return calendars.london_date(moment)

    def due(self, message: OutboxMessage) -> datetime | None:
        """Return until when an answer to a delivered message is owed, or None when none is. No query."""
        if message.delivered_at is None:
            return None
        rule = self.rule(message.kind, on=calendars.london_date(message.delivered_at))
        if rule is None:
            return None
        return counting.due(rule, started_at=message.delivered_at, calendar=self._calendar)[0]
