"""How long each kind of record is kept once its trigger has come. Erasing itself comes with disposal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cases.kernel import calendars

__all__ = ["CLASSES", "RetentionClass", "dispose_after"]


@dataclass(frozen=True, kw_only=True)
class RetentionClass:
    """One line of the retention schedule: trigger, period, source."""

    code: str
    trigger: str
    months: int
    source: str


CLASSES: dict[str, RetentionClass] = {
    rule.code: rule
    for rule in (
        RetentionClass(code="report", trigger="made", months=12, source="Retention schedule: reports 1 year"),
        RetentionClass(code="letter", trigger="with its case", months=72, source="Retention schedule: with the case"),
        RetentionClass(code="release", trigger="with its case", months=72, source="Retention schedule: with the case"),
        RetentionClass(code="void", trigger="voided", months=12, source="Retention schedule: void 12 months"),
    )
}


def declare(*rules: RetentionClass) -> None:
    """Add a family's retention classes. Called while families load."""
    CLASSES.update({rule.code: rule for rule in rules})


def dispose_after(code: str, *, trigger_date: date) -> date:
    """Return the last day on which a record of this class is kept."""
    return calendars.add_months(trigger_date, CLASSES[code].months)
