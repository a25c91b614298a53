"""How the pages write money, counts and times."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from cases.kernel import money
from cases.kernel.calendars import LONDON
from cases.kernel.reading.worklist import CAP

__all__ = ["Due", "capped", "clock", "day", "due_words", "moment", "pounds"]

SOON = timedelta(hours=48)
VERY_SOON = timedelta(hours=1)
DAY = timedelta(days=1)


def pounds(pence: int | None) -> str:
    """Write pence as pounds, a minus sign before it; a dash for no amount, also where a preview has none."""
    return money.pounds(pence) if isinstance(pence, int) else "—"


def capped(count: int | None) -> str:
    """Write a capped count: past the cap only that it is more."""
    if count is None:
        return ""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"


def day(value: datetime | date | None) -> str:
    """Write a London date, as in 24 Nov 2026; a dash for no date, also where what would hold it is missing."""
    if not value:
        return "—"
    civil = value.astimezone(LONDON).date() if isinstance(value, datetime) else value
    return f"{civil.day} {civil:%b %Y}"


@lru_cache(maxsize=4096)
def moment(value: datetime | None) -> str:
    """Write a London date and time, as in 24 Nov 2026 16:00; each once, as a queue asks for the same ones again."""
    return f"{day(value)} {clock(value)}" if value else "—"


def clock(value: datetime) -> str:
    """Write the London time of day."""
    return f"{value.astimezone(LONDON):%H:%M}"


class Due(NamedTuple):
    """A due time as the pages show it: its words, how pressing it is, and an icon."""

    text: str
    tone: str = ""
    icon: str = ""


def _overdue(late: timedelta) -> Due:
    if late >= DAY:
        text = f"{late.days} day{'s' if late.days > 1 else ''} overdue"
    elif late >= VERY_SOON:
        text = f"{late.seconds // 3600} h overdue"
    else:
        text = f"{max(1, late.seconds // 60)} min overdue"
    return Due(text, "bad", "alarm-clock")


def _soon(due_at: datetime, now: datetime) -> Due:
    local, today = due_at.astimezone(LONDON), now.astimezone(LONDON).date()
    at_time = "" if (local.hour, local.minute) in {(23, 59), (0, 0)} else f" {local:%H:%M}"
    if local.date() == today:
        return Due(f"today{at_time}", "warn", "clock")
    if local.date() == today + DAY:
        return Due(f"tomorrow{at_time}")
    return Due(f"{local:%a} {local.day} {local:%b}")


def due_words(due_at: datetime, now: datetime) -> Due:
    """Return how a due time reads at `now`: minutes within the hour, today, tomorrow, then the date."""
    left = due_at - now
    if left < timedelta(0):
        return _overdue(-left)
    if left < VERY_SOON:
        return Due(f"in {max(1, left.seconds // 60)} min", "bad", "alarm-clock")
    if left < SOON:
        return _soon(due_at, now)
    local = due_at.astimezone(LONDON)
    this_year = local.year == now.astimezone(LONDON).year
    return Due(f"{local:%a} {local.day} {local:%b}" if this_year else day(local))
