"""Numbers that a law or an agreement sets, each from a day on: the rate of VAT on an agency's commission, and of how
much of a debt an agency takes less by itself. What is shipped stands in rates.csv; what the office decided since, by
two people (figurechanges.py), is a row. Nothing is changed once its day has come: what comes after is another number.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from cases.debt.limitation import limit
from cases.debt.models import DebtFigure

__all__ = ["AUTHORITY", "VAT", "Figure", "by_agency", "settlement_authority", "vat_rate", "versions"]

VAT, AUTHORITY = "vat_standard", "settlement_authority"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number as it counts from a day on (Europe/London), and by which source."""

    value: int
    effective_from: date
    source: str


@cache
def _shipped(code: str) -> tuple[Figure, ...]:
    with (Path(__file__).parent / "rates.csv").open(encoding="utf-8") as file:
        return tuple(
            Figure(
                value=int(row["rate"]), effective_from=date.fromisoformat(row["effective_from"]), source=row["source"]
            )
            for row in csv.DictReader(file)
            if row["code"] == code
        )


def versions(code: str, *, agency: int | None = None) -> list[Figure]:
    """Return a number as it counted and will count, the oldest first; where one is shipped and decided for the same
    day, what was decided. One query."""
    rows = DebtFigure.objects.filter(code=code, agency=agency)
    decided = [Figure(**row) for row in rows.values("value", "effective_from", "source")]
    by_day = {each.effective_from: each for each in (*_shipped(code), *decided)}
    return [by_day[day] for day in sorted(by_day)]


def _on(known: list[Figure], day: date) -> int | None:
    return next((each.value for each in reversed(known) if each.effective_from <= day), None)


def vat_rate(*, on: date) -> int:
    """Return the rate of VAT of a day, in hundredths of a percent. One query. Raises ValueError where there was none
    yet."""
    if (found := _on(versions(VAT), on)) is None:
        raise ValueError(f"There is no rate of VAT for {on}.")
    return found


def settlement_authority(agency: int, *, on: date) -> int:
    """Return how many percent of a debt an agency may be content with by itself on a day: as its agreement says, else
    as the house has it for all. One query."""
    found = _on(versions(AUTHORITY, agency=agency), on)
    return limit("settlement_authority") if found is None else found


def by_agency() -> dict[int, list[Figure]]:
    """Return what was agreed with each agency of settlements, the oldest first. One query."""
    found: dict[int, list[Figure]] = {}
    rows = DebtFigure.objects.filter(code=AUTHORITY).order_by("effective_from")
    for agency, value, since, source in rows.values_list("agency", "value", "effective_from", "source"):
        found.setdefault(agency, []).append(Figure(value=value, effective_from=since, source=source))
    return found
