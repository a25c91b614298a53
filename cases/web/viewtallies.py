"""How many cases the saved views hold, as the rail and the queue say it beside them.

Counted by what asks for the rail's figures, every five minutes, and kept per person and per sight: a page never waits
for it."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import caches
from django.http import HttpRequest, QueryDict

from cases.kernel.actors import Actor
from cases.kernel.reading import worklist
from cases.web import asking, filters, views

__all__ = ["count", "known"]

SECONDS = 300


def known(request: HttpRequest) -> dict[str, int]:
    """Return how many cases each saved view that this person sees held when it was last counted, by what it asks;
    nothing where that is too long ago. Never counts."""
    found = vars(request)
    if "backoffice_views" not in found:
        kept = caches["fast"].get(_key(asking.actor_of(request))) if views.of(request) else None
        found["backoffice_views"] = kept or {}
    counted: dict[str, int] = found["backoffice_views"]
    return counted


def count(request: HttpRequest, at: datetime) -> None:
    """Count the saved views where that was not done within five minutes; not one of an agency, for which all that it
    was ever told may be read. One query, or none."""
    actor = asking.actor_of(request)
    asked = {each.query: filters.read(QueryDict(each.query), actor=actor, at=at)[0] for each in views.of(request)}
    wanted = {query: each for query, each in asked.items() if not each.agency}
    if wanted.keys() <= known(request).keys():
        return
    found = vars(request)["backoffice_views"] = worklist.kept_counts(actor, wanted, at=at)
    caches["fast"].set(_key(actor), found, SECONDS)


def _key(actor: Actor) -> str:
    return f"views:{actor.user_id}:{actor.sight}"
