"""How old a telephone number may be that is given to somebody who collects: a number is passed on to another person,
who would then be rung about a debt that is not theirs (domain rules 5A.9)."""

from __future__ import annotations

from datetime import date

from cases.debt.limitation import limit
from cases.kernel import calendars

__all__ = ["is_too_old"]


def is_too_old(known: date | None, *, today: date) -> bool:
    """Say whether a number was last known to be somebody's so long ago that it is not given out. One of which no day is
    known is given out, without a day."""
    return known is not None and calendars.add_months(known, limit("phone_at_most")) < today
