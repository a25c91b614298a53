"""How the pages write names, money and times. No query, no rule about cases."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.template.loader import render_to_string

from cases.kernel.casetypes import CaseType
from cases.kernel.office import publiclinks
from cases.web import wording, writing
from cases.web.onecase import story

register = template.Library()
for written in (
    writing.capped,
    writing.clock,
    writing.day,
    writing.moment,
    writing.pounds,
    wording.how,
    wording.seen,
    wording.why,
):
    register.filter(written)

HUES = 6
DAY = timedelta(days=1)


@register.simple_tag
def public_link(code: str, agency: str = "") -> str:
    """Return the present address of a public page, where an agency has one of its own that."""
    return publiclinks.link(code, agency)


@register.filter(expects_localtime=True)
def stamp(value: datetime) -> str:
    """Write a moment for a machine, in London's time with its distance from UTC."""
    return value.isoformat()


@register.filter
def initials(name: object) -> str:
    """Return the first letters of the first two words."""
    return "".join(part[0] for part in str(name).split()[:2]).upper()


@register.filter
def hue(name: object) -> int:
    """Return which of the avatar colours a name gets, always the same one."""
    return sum(map(ord, str(name))) % HUES


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
def words(code: object) -> str:
    """Write a code that has no label of its own as words."""
    return str(code).replace("_", " ").replace(".", " ").capitalize()


# What a browser calls itself, the first that fits: others name themselves after these.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Version/", "Safari"))
SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "CrOS", "Linux")
NICER = {"Macintosh": "Mac", "CrOS": "Chromebook"}


@register.filter
def browser(text: object) -> str:
    """Return the browser and the system that a browser's own line names, so that two sessions can be told apart."""
    said = str(text)
    found = next(((name, said.partition(mark)[2].partition(".")[0]) for mark, name in BROWSERS if mark in said), None)
    system = next((NICER.get(each, each) for each in SYSTEMS if each in said), "")
    named = " ".join(found) if found else "Another program"
    return f"{named} on {system}" if system else named


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
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:,.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:,.1f} MB"


@register.simple_tag
def due(due_at: datetime | None, now: datetime) -> str:
    """Draw a due time, once for what it says."""
    return _drawn("ui/due.html", (("due", writing.due_words(due_at, now) if due_at else None), ("at", due_at)))


@register.simple_tag
def person(name: object) -> str:
    """Draw a person of the staff: avatar and name, each once."""
    return _drawn("ui/person.html", (("name", str(name)),))


@register.simple_tag
def kept(name: str, **shown: Hashable) -> str:
    """Draw a template that depends on nothing but what it is given here: it knows neither request nor time. What was
    drawn is kept as text under those values, so the same line, rail or list of choices is drawn once."""
    return _drawn(name, tuple(shown.items()))


@lru_cache(maxsize=2048)
def _drawn(name: str, shown: tuple[tuple[str, Hashable], ...]) -> str:
    return render_to_string(name, dict(shown))
