"""How much waits for the person who asks, as the rail and the queue's tabs say it.

Counted at most twice a minute. What others do shows in the queue within half a minute, as it does on the rail of a page
that stays open; after anything one did oneself the queue counts anew."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from cases.kernel.reading import worklist
from cases.web import asking
from cases.web.kept import Kept

__all__ = ["acted", "fresh", "known", "recent"]

COUNTS = Kept("counts", 30)


def fresh(request: HttpRequest, at: datetime) -> dict[str, int]:
    """Count anew, for this page and for half a minute. One query."""
    found = worklist.counts(asking.actor_of(request), at=at)
    COUNTS.keep(request, {"found": found})
    return found


def known(request: HttpRequest) -> dict[str, int]:
    """Return what was last counted, by this page itself or before; nothing where that is too long ago."""
    found: dict[str, int] = (COUNTS.known(request) or {}).get("found", {})
    return found


def recent(request: HttpRequest, at: datetime) -> dict[str, int]:
    """Return what was counted in the last half minute and since this person last did anything, or count anew. One
    query at most."""
    kept = COUNTS.known(request)
    return fresh(request, at) if kept is None or kept.get("is_old") else known(request)


def acted(request: HttpRequest) -> None:
    """Have the queue count anew for this person, who did something."""
    COUNTS.keep(request, {"found": known(request), "is_old": True})
