"""How the pages write names, money and times. No query, no rule about cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django import template

from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.web import story, wording

register = template.Library()

HUES = 6
SOON = timedelta(hours=48)
VERY_SOON = timedelta(hours=1)
DAY = timedelta(days=1)


@register.filter
def initials(name: object) -> str:
    """Return the first letters of the first two words."""
    return "".join(part[0] for part in str(name).split()[:2]).upper()


@register.filter
def hue(name: object) -> int:
    """Return which of the avatar colours a name gets, always the same one."""
    return sum(map(ord, str(name))) % HUES


@register.filter
def pounds(pence: int | None) -> str:
    """Write pence as pounds; a dash for no amount."""
    return "—" if pence is None else f"£{pence / 100:,.2f}"


@register.filter
def capped(count: int | None) -> str:
    """Write a capped count: past a thousand only that it is more."""
    if count is None:
        return ""
    return "1,000+" if count > 1000 else f"{count:,}"


@register.filter
def day(value: datetime | date | None) -> str:
    """Write a London date, as in 24 Nov 2026; a dash for no date, also where what would hold it is missing."""
    if not value:
        return "—"
    civil = value.astimezone(LONDON).date() if isinstance(value, datetime) else value
    return f"{civil.day} {civil:%b %Y}"


@register.filter
def moment(value: datetime | None) -> str:
    """Write a London date and time, as in 24 Nov 2026 16:00."""
    return f"{day(value)} {clock(value)}" if value else "—"


@register.filter
def clock(value: datetime) -> str:
    """Write the London time of day."""
    return f"{value.astimezone(LONDON):%H:%M}"


@register.filter
def long_day(value: date, today: date) -> str:
    """Write a day as a heading, today and yesterday by those words."""
    words = {today: "Today, ", today - DAY: "Yesterday, "}
    return f"{words.get(value, '')}{value:%A} {value.day} {value:%B %Y}"


@register.filter
def act(verb: str, casetype: CaseType) -> str:
    """Return what a ledger verb is called in this kind of case."""
    return story.act_label(casetype, verb)


@register.filter
def labels(fields: list[str], casetype: CaseType) -> str:
    """Return the labels of fields, separated by commas."""
    return ", ".join(wording.field_label(casetype, name) for name in fields)


@register.filter
def words(code: object) -> str:
    """Write a code that has no label of its own as words."""
    return str(code).replace("_", " ").replace(".", " ").capitalize()


MESSAGE_TONES = {
    "pending": "wait",
    "sending": "info",
    "delivered": "info",
    "acknowledged": "done",
    "refused": "bad",
    "dead": "bad",
    "unknown": "warn",
}


@register.filter
def message_tone(state: str) -> str:
    """Return the look of a message's state."""
    return MESSAGE_TONES.get(state, "hold")


@register.filter
def size(count: int) -> str:
    """Write a number of bytes as people do."""
    return f"{count} bytes" if count < 1024 else f"{count / 1024:,.0f} KB"


@dataclass(frozen=True)
class Due:
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


@register.inclusion_tag("ui/due.html")
def due(due_at: datetime | None, now: datetime) -> dict[str, object]:
    """Draw a due time."""
    return {"due": due_words(due_at, now) if due_at else None, "at": due_at}


@register.inclusion_tag("ui/person.html")
def person(name: object) -> dict[str, object]:
    """Draw a person: avatar and name."""
    return {"name": str(name)}
