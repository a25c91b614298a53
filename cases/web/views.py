"""Views of the queue that somebody keeps: a name and what the address asks, in a cookie of this browser for this
person, as theme and shortcuts are. Nothing of a case stands in one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.views.decorators.http import require_POST

from cases.web import addresses
from cases.web.refusals import screen

__all__ = ["Saved", "asked", "keep", "of"]

MOST, LONGEST_NAME, LONGEST_QUERY = 8, 30, 240
# What a view is made of: what the queue is asked, never a place in it, nor a reference that somebody typed.
PARTS = ("view", "kind", "state", "team", "assignee", "due", "amount", "snoozed", "sort")
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Saved:
    """One view: how it is called and what it asks."""

    name: str
    query: str

    @property
    def url(self) -> str:
        return f"{addresses.page('web:queue')}?{self.query}"


def _cookie(request: HttpRequest) -> str:
    return f"views-{request.user.pk}"


def asked(query: QueryDict) -> str:
    """Return what an address asks of the queue, always in one order; nothing for the bare queue."""
    return urlencode({name: query[name] for name in PARTS if query.get(name)})[:LONGEST_QUERY]


def of(request: HttpRequest) -> tuple[Saved, ...]:
    """Return the views of this person in this browser; what is no view is left out. Reads the cookie alone."""
    try:
        found = json.loads(urlsafe_base64_decode(request.COOKIES.get(_cookie(request), "")))
        pairs = [(name, query) for name, query in found if isinstance(name, str) and isinstance(query, str)]
        "".join(map("".join, pairs)).encode()  # half of a pair of letters, as another hand may write, draws no page
    except (ValueError, TypeError, RecursionError):
        return ()
    views = (Saved(name=name[:LONGEST_NAME], query=asked(QueryDict(query))) for name, query in pairs[:MOST])
    return tuple(view for view in views if view.name and view.query)


@screen
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what the queue is asked under a name, in the place of what had it; or, with `drop`, keep it no more."""
    query, name = asked(QueryDict(request.POST.get("query", ""))), " ".join(request.POST.get("name", "").split())
    is_dropped = "drop" in request.POST
    rest = [view for view in of(request) if view.name != name[:LONGEST_NAME]]
    response = HttpResponseRedirect(f"{addresses.page('web:queue')}?{query}" if query else addresses.page("web:queue"))
    if not name or not query:
        messages.error(request, "A view has a name, and a filter, a tab or an order.")
        return response
    if not is_dropped and len(rest) >= MOST:
        messages.error(request, f"At most {MOST} views are kept. Remove one first.")
        return response
    views = rest if is_dropped else [*rest, Saved(name=name[:LONGEST_NAME], query=query)]
    text = json.dumps([[view.name, view.query] for view in views], ensure_ascii=False)  # as many as fit into a cookie
    value = urlsafe_base64_encode(text.encode())
    response.set_cookie(
        _cookie(request), value, max_age=YEAR, samesite="Strict", httponly=True, secure=request.is_secure()
    )
    messages.success(
        request, "The view is removed." if is_dropped else f"Kept in this browser as “{name[:LONGEST_NAME]}”."
    )
    return response
