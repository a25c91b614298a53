"""Who looked, as people read it: by name for two years, after that as somebody of the staff.

The log itself is added to and never changed: it holds a number, and the name stands with the person. Nothing that is
shown or printed joins the two once the two years are over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cases.kernel import calendars
from cases.kernel.reading import timeline
from cases.ledger.models import AccessEvent

__all__ = ["NAMELESS", "is_named", "named_from", "names"]

NAMED_MONTHS = 24
NAMELESS = "Somebody of the staff"


def is_named(look: AccessEvent, *, at: datetime) -> bool:
    """Say whether whoever looked is still named: systems and agencies are for good, staff until two years after the
    London day."""
    last = calendars.add_months(calendars.london_date(look.at), NAMED_MONTHS)
    return not look.actor.startswith("staff:") or calendars.london_date(at) <= last


def named_from(at: datetime) -> datetime:
    """Return the moment from which on all who looked are named still."""
    day = calendars.add_months(calendars.london_date(at), -NAMED_MONTHS)
    return calendars.end_of_day(day)


def names(looks: Iterable[AccessEvent], *, at: datetime, more: Iterable[str] = ()) -> dict[int | str, str]:
    """Return who stands behind each look, by its id, and behind `more` actor labels. One query."""
    found = list(looks)
    known = timeline.names({*more, *(look.actor for look in found if is_named(look, at=at))})
    shown: dict[int | str, str] = dict(known.items())
    shown.update({look.pk: known[look.actor] if is_named(look, at=at) else NAMELESS for look in found})
    return shown
