"""How an account was kept in a month, in one character and its flags. Pure: a table, without clock or database.

0 up to date; 1 to 6 monthly payments behind (6 is six or more); 8 default (there is no 7); U not known; D dormant;
S settled. Source: the agencies' published reading guides and the Principles for the Reporting of Arrears, Arrangements
and Defaults; the agencies' own layouts are members-only, so these are our own codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cases.accounts.reading import STATUSES, TOLD

__all__ = [
    "DEFAULT",
    "FLAGS",
    "MARKS",
    "OFF_FILE",
    "SETTLED",
    "SOLD",
    "STATUSES",
    "TOLD",
    "UNKNOWN",
    "Month",
    "flags_of",
    "is_better",
    "status_of",
]

DEFAULT, UNKNOWN, DORMANT, SETTLED = "8", "U", "D", "S"
# Told by itself, never in a file: nothing of the account is told any more, and it has no row.
OFF_FILE = "off_file"
FLAGS = {
    "arrangement": "Pays by arrangement",
    "debt_plan": "Debt management plan",
    "deceased": "Customer has died",
    "default_satisfied": "Default satisfied",
    "gone_away": "No longer at the address",
    "partial_settlement": "Settled for less",
    "query": "In dispute",
    "sold": "Sold",
}
# Which flag each mark of an account shows. Marks are what billing flags, what holds say, and what became of a default.
MARKS = {
    "payment_arrangement": "arrangement",
    "debt_plan": "debt_plan",
    "deceased": "deceased",
    "default_satisfied": "default_satisfied",
    "gone_away": "gone_away",
    "default_settled": "partial_settlement",
    "adr": "query",
    "complaint": "query",
    "dispute": "query",
    "sold": "sold",
}
# What is sold stays as it was when it was sold: what becomes of it is the buyer's to tell.
SOLD = "sold"
_NOTHING_BEHIND = frozenset({"0", DORMANT, SETTLED})
# While one of these stands, the number of payments behind is not told as worse than it was.
FREEZING = frozenset({"arrangement", "query"})


@dataclass(frozen=True, kw_only=True)
class Month:
    """An account in one month. `before` is the status last told of it, or nothing; `payments_behind` is None where
    billing does not say. Money is whole pence; a balance below nought is a credit."""

    payments_behind: int | None
    balance_pence: int = 0
    is_closed: bool = False
    is_dormant: bool = False
    has_default: bool = False
    before: str = ""
    marks: frozenset[str] = frozenset()


def _behind(month: Month) -> str:
    """Return how many payments it is behind. In dispute or under an arrangement it gets no worse; an account that was
    never told of before and is in dispute is not known."""
    count = str(min(month.payments_behind or 0, 6))
    if count == "0" or FREEZING.isdisjoint(flags_of(month)):
        return count
    if month.before.isdigit() and month.before != DEFAULT:
        return min(count, month.before)
    return UNKNOWN if "query" in flags_of(month) else count


# The first that applies says the status.
_RULES: tuple[tuple[Callable[[Month], bool], Callable[[Month], str]], ...] = (
    (lambda month: month.has_default, lambda _month: DEFAULT),
    (lambda month: SOLD in month.marks and month.before not in ("", DEFAULT), lambda month: month.before),
    (lambda month: month.is_closed and month.balance_pence <= 0, lambda _month: SETTLED),
    (lambda month: month.is_dormant, lambda _month: DORMANT),
    (lambda month: month.payments_behind is None, lambda _month: UNKNOWN),
    (lambda month: True, _behind),
)


def status_of(month: Month) -> str:
    """Return the status of an account in a month."""
    return next(say(month) for applies, say in _RULES if applies(month))


def flags_of(month: Month) -> tuple[str, ...]:
    """Return the flags beside the status, in the order of the alphabet; they sit on any status."""
    return tuple(sorted({MARKS[mark] for mark in month.marks if mark in MARKS}))


def is_better(now: str, before: str) -> bool:
    """Say whether a status differs from another and says nothing worse: fewer payments behind, or none."""
    is_fewer = now.isdigit() and before.isdigit() and now < before
    return now != before and (now in _NOTHING_BEHIND or is_fewer)
