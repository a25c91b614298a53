"""How many cases the saved views hold, as the rail and the queue say it beside them.

Counted every five minutes by what asks for the rail's figures, and by *My work*, so that whoever has no script sees
them too: no other page waits for it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, QueryDict

from cases.kernel.reading import worklist
from cases.web import asking
from cases.web.desk import filters, views
from cases.web.kept import Kept

__all__ = ["count", "known"]

VIEWS = Kept("views", 300)


def known(request: HttpRequest) -> dict[str, int]:
    """Return how many cases each saved view that this person sees held when it was last counted, by what it asks;
    nothing where that is too long ago. Never counts."""
    return (VIEWS.known(request) or {}) if views.of(request) else {}


def count(request: HttpRequest, at: datetime) -> None:
    """Count the saved views where that was not done within five minutes; not one of an agency, for which all that it
    was ever told may be read. One query, or none."""
    actor = asking.actor_of(request)
    asked = {each.query: filters.read(QueryDict(each.query), actor=actor, at=at)[0] for each in views.of(request)}
    wanted = {query: each for query, each in asked.items() if not each.agency}
    if not wanted.keys() <= known(request).keys():
        VIEWS.keep(request, worklist.kept_counts(actor, wanted, at=at))
