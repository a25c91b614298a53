"""Who looked, at which cases and which things of the office, how and why, newest first, as far as the reader may know
of it: for oversight. Reads no sealed value.

What a compartment looks at outside itself stands in no answer, whoever asks: its own people alone see that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.kernel.reading import lookers, officetrail, trail
from cases.kernel.reading.trail import SYSTEM, Asked
from cases.ledger.models import AccessEvent

__all__ = ["HOW", "Look", "Looks", "Place", "looks", "seen", "told", "within"]

STAFF = "staff:"
# How people look, by the verb under which it is on record.
HOW = {
    "view": "Looked at",
    "list": "Looked through",
    "search": "Searched",
    "reveal": "Shown in clear",
    "download": "Downloaded",
    "print": "Had it printed",
    "export": "Taken as a file",
    "show": "Shown once",
    "check": "Had it checked",
    "match": "Had it compared",
    "release": "Had it sent",
    "select": "Chose among it",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a page begins, without a number that would tell how many looks there are: after the look of this moment
    that has so many later ones of the same moment before it."""

    at: datetime
    later: int = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look: at which cases, and at which things of the office, in words."""

    event: AccessEvent
    who: str
    cases: tuple[Case, ...]
    things: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Looks:
    """One page, and the place at which the next one begins, if there is one."""

    events: list[AccessEvent]
    older_than: Place | None = None


def _is_looked_at() -> Func:
    """Say of a row whether it is among those of a look, from within a query of looks."""
    joined = {"template": "(%(expressions)s))", "arg_joiner": " = ANY("}
    return Func(F("uid"), OuterRef("streams"), **joined, output_field=BooleanField())


def seen(actor: Actor, *, is_open_alone: bool = False) -> QuerySet[AccessEvent]:
    """Return the looks of which the actor may know, unordered; `is_open_alone` leaves out those at restricted cases
    alone. Of a search that found nothing the actor may know too."""
    areas = officetrail.known(actor)
    streams = [stream for each in areas for stream in each.streams]
    cases = trail.readable(actor, is_open_alone=is_open_alone).filter(_is_looked_at())
    known = Q(Exists(cases)) | officetrail.things_of(actor, areas, _is_looked_at())
    known |= Q(streams__overlap=streams) | Q(streams=[], verb="search")
    return AccessEvent.objects.filter(known).exclude(purpose__startswith=policy.QUIET)


def within(actor: Actor, asked: Asked, *, at: datetime, is_open_alone: bool = False) -> QuerySet[AccessEvent]:
    """Return the looks that are asked for, of people where nobody is named.

    Of one person they come by their time, of all in the order in which they were written: each has its index. Nobody
    finds by name what is kept without one.
    """
    rows, from_at = seen(actor, is_open_alone=is_open_alone), asked.from_at
    if asked.actor == SYSTEM:
        rows = rows.filter(actor__gte=SYSTEM, actor__lt="system;")
    else:
        rows = rows.filter(actor=asked.actor) if asked.actor else rows.filter(actor__startswith=STAFF)
    if asked.actor.startswith(STAFF):
        from_at = max(filter(None, (from_at, lookers.named_from(at))))
    given = {
        "streams__contains": [asked.case.uid] if asked.case else None,
        "verb": asked.action,
        "at__gte": from_at,
        "at__lt": asked.before_at,
    }
    rows = rows.filter(**{name: value for name, value in given.items() if value})
    return rows.order_by("-at", "-id") if asked.actor else rows.order_by("-id")


def looks(
    actor: Actor, asked: Asked, *, at: datetime, older_than: Place | None = None, size: int = trail.PAGE_SIZE
) -> Looks:
    """Return one page. A place that is not there counts as none: the newest page. One query, one more for an older
    page."""
    found = within(actor, asked, at=at)
    last = _at(found, older_than) if older_than else None
    rows = found
    if last is not None:
        before = Q(at__lt=last.at) | Q(at=last.at, id__lt=last.pk)
        rows = found.filter(before, at__lte=last.at) if asked.actor else found.filter(id__lt=last.pk)
    shown = list(rows[: size + 1])
    return Looks(events=shown[:size], older_than=_place(found, shown[size - 1]) if len(shown) > size else None)


def _at(rows: QuerySet[AccessEvent], place: Place) -> AccessEvent | None:
    return rows.filter(at=place.at).order_by("-id")[place.later : place.later + 1].first()


def _place(rows: QuerySet[AccessEvent], last: AccessEvent) -> Place:
    return Place(at=last.at, later=rows.filter(at=last.at, id__gt=last.pk).count())


def told(actor: Actor, events: Iterable[AccessEvent], *, at: datetime, is_open_alone: bool = False) -> list[Look]:
    """Return looks with who looked and at what, as far as the actor may know of it. Two queries, and one for each area
    of the office that has things."""
    found = list(events)
    streams = {stream for each in found for stream in each.streams}
    cases = {case.uid: case for case in trail.readable(actor, is_open_alone=is_open_alone).filter(uid__in=streams)}
    things = {stream: area.label for area in officetrail.known(actor) for stream in area.streams}
    things |= {uid: area.name(row, {}) for uid, (area, row) in officetrail.named(actor, streams).items()}
    who = lookers.names(found, at=at)
    return [
        Look(
            event=each,
            who=who[each.pk],
            cases=tuple(cases[uid] for uid in each.streams if uid in cases),
            things=tuple(things[uid] for uid in each.streams if uid in things),
        )
        for each in found
    ]
