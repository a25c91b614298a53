"""How long each kind of record is kept once its trigger has come. Erasing itself comes with disposal.

What the house itself piles up is retention_classes.csv; families declare their own beside their rules.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cases.kernel import calendars

__all__ = ["CLASSES", "RetentionClass", "declare", "dispose_after"]

TABLE = Path(__file__).with_name("retention_classes.csv")


@dataclass(frozen=True, kw_only=True)
class RetentionClass:
    """One line of the retention schedule: trigger, period in months or days, source."""

    code: str
    trigger: str
    months: int
    source: str
    days: int = 0
    label: str = ""

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


def dispose_after(code: str, *, trigger_date: date) -> date:
    """Return the last day on which a record of this class is kept."""
    rule = CLASSES[code]
    return calendars.add_months(trigger_date, rule.months) + timedelta(days=rule.days)
