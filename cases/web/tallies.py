"""How much waits for the person who asks, as the rail and the queue's tabs say it.

Counted at most twice a minute and kept per person and per sight, so that a changed role or team finds nothing of the
old. What others do shows in the queue within half a minute, as it does on the rail of a page that stays open; after
anything one did oneself the queue counts anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.cache import BaseCache, caches
from django.http import HttpRequest

from cases.kernel.actors import Actor
from cases.kernel.reading import worklist
from cases.web import asking

__all__ = ["acted", "fresh", "known", "recent"]

SECONDS = 30


def _cache() -> BaseCache:
    return caches["fast"]


def _counted(actor: Actor) -> str:
    return f"counts:{actor.user_id}:{actor.sight}"


def _acted(actor: Actor) -> str:
    return f"acted:{actor.user_id}"


def fresh(request: HttpRequest, at: datetime) -> dict[str, int]:
    """Count anew, for this page and for half a minute. One query."""
    actor = asking.actor_of(request)
    found = vars(request)["backoffice_counts"] = worklist.counts(actor, at=at)
    _cache().set(_counted(actor), {"at": at.timestamp(), "found": found}, SECONDS)
    return found


def known(request: HttpRequest) -> dict[str, int]:
    """Return what was last counted, by this page itself or before; nothing where that is too long ago."""
    if "backoffice_counts" not in vars(request):
        kept = _cache().get(_counted(asking.actor_of(request)))
        vars(request)["backoffice_counts"] = kept["found"] if kept else {}
    found: dict[str, int] = vars(request)["backoffice_counts"]
    return found


def recent(request: HttpRequest, at: datetime) -> dict[str, int]:
    """Return what was counted in the last half minute and since this person last did anything, or count anew. One
    query at most."""
    actor = asking.actor_of(request)
    kept: dict[str, Any] = _cache().get_many([_counted(actor), _acted(actor)])
    counted = kept.get(_counted(actor))
    if counted is None or counted["at"] <= kept.get(_acted(actor), 0):
        return fresh(request, at)
    found: dict[str, int] = counted["found"]
    vars(request)["backoffice_counts"] = found
    return found


def acted(request: HttpRequest) -> None:
    """Have the queue count anew for this person, who did something."""
    _cache().set(_acted(asking.actor_of(request)), asking.now().timestamp(), SECONDS)
