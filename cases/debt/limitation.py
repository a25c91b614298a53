"""Until when a debt can be enforced: limitation in England, Wales and Northern Ireland, prescription in Scotland (K19).

The period runs from the day the debt was due. A payment or a signed acknowledgement before its end begins it anew;
after its end, nothing does. The day on which it begins is not counted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from cases.kernel import calendars
from cases.kernel.timing import rulebook

__all__ = ["RULES", "Period", "limit", "of_account", "period", "years_on"]

RULES = {"eaw": "k19_limitation", "nir": "k19_limitation", "sct": "k19_prescription"}


@cache
def _limits() -> dict[str, int]:
    with (Path(__file__).parent / "limits.csv").open(encoding="utf-8") as file:
        return {row["code"]: int(row["value"]) for row in csv.DictReader(file)}


def limit(code: str) -> int:
    """Return a number of limits.csv, in the unit that stands beside it. Raises KeyError."""
    return _limits()[code]


@dataclass(frozen=True, kw_only=True)
class Period:
    """When the time began, its last day, and the first day on which it is warned of."""

    jurisdiction: str
    years: int
    began: date
    ends: date
    warned_from: date

    def is_over(self, today: date) -> bool:
        """Say whether the last day has passed in London."""
        return today > self.ends

    def is_near(self, today: date) -> bool:
        """Say whether the end is so near that it is warned of."""
        return self.warned_from <= today <= self.ends

    def in_words(self, today: date) -> str:
        """Return how it stands, in one sentence."""
        last = f"{self.ends:%-d %B %Y}"
        if self.jurisdiction == "sct":
            if self.is_over(today):
                return (
                    f"Prescribed in Scotland: no payment or acknowledgement for {self.years} years; it ended on {last}."
                )
            return f"Prescribes in Scotland after {last} unless it is paid or acknowledged."
        if self.is_over(today):
            return f"Out of time: no payment or acknowledgement for {self.years} years; the last day was {last}."
        return f"A court may be asked until {last}."


def years_on(today: date, jurisdictions: Iterable[str]) -> dict[str, int]:
    """Return how many years the rule in force gives in each of the jurisdictions. One query each."""
    found = {each: rulebook.in_force(RULES[each], on=today, jurisdiction=each)[0] for each in set(jurisdictions)}
    return {each: rule.length for each, rule in found.items()}


def of_account(account: Any, *, years: Mapping[str, int]) -> Period | None:
    """Return the period of what is owed on an account, given how many years each jurisdiction has; none where nobody
    says since when it is owed."""
    if account.oldest_unpaid_date is None:
        return None
    return period(
        account.jurisdiction,
        years=years[account.jurisdiction],
        due=account.oldest_unpaid_date,
        last_payment=account.last_payment_date,
        acknowledged=account.acknowledged_date,
    )


def period(
    jurisdiction: str,
    *,
    years: int,
    due: date,
    last_payment: date | None = None,
    acknowledged: date | None = None,
) -> Period:
    """Return the period of so many years of a debt that fell due on `due`. Days are days in London."""
    began = due
    for day in sorted(each for each in (last_payment, acknowledged) if each is not None):
        if began < day <= calendars.add_months(began, 12 * years):
            began = day
    return Period(
        jurisdiction=jurisdiction,
        years=years,
        began=began,
        ends=calendars.add_months(began, 12 * years),
        warned_from=calendars.add_months(began, 12 * years - limit("warning_before")),
    )
