"""Figures kept for a while in the second cache, for each person and sight: a changed role, team or grant finds nothing
of what was counted under the old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.http import HttpRequest

from cases.web import asking

__all__ = ["Kept"]


@dataclass(frozen=True)
class Kept:
    """One kind of figures, as JSON has them, and for how many seconds they are kept."""

    name: str
    seconds: int

    def key(self, request: HttpRequest) -> str:
        actor = asking.actor_of(request)
        return f"{self.name}:{actor.user_id}:{actor.sight}"

    def known(self, request: HttpRequest) -> Any:
        """Return what is kept, or None where that is too long ago. Asks the cache once for a page."""
        known = vars(request).setdefault("backoffice_kept", {})
        if self.name not in known:
            known[self.name] = caches["fast"].get(self.key(request))
        return known[self.name]

    def keep(self, request: HttpRequest, found: Any) -> None:
        """Keep what was counted, for this page and for a while."""
        vars(request).setdefault("backoffice_kept", {})[self.name] = found
        caches["fast"].set(self.key(request), found, self.seconds)
