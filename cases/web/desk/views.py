"""Views of the queue that somebody keeps, for themselves or for a team of theirs, under a name."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_POST

from cases.kernel.errors import CaseError
from cases.kernel.personal import views
from cases.kernel.personal.views import SavedAs
from cases.web import addresses, asking
from cases.web.refusals import screen

__all__ = ["address", "asked", "keep", "of"]

# What a view is made of: what the queue is asked, never a place in it, nor a reference that somebody typed.
PARTS = ("view", "kind", "state", "team", "assignee", "due", "amount", "agency", "flag", "snoozed", "sort")


def asked(query: QueryDict) -> str:
    """Return what an address asks of the queue, always in one order; nothing for the bare queue."""
    return urlencode({name: query[name] for name in PARTS if query.get(name)})


def address(query: str) -> str:
    """Return the address of the queue that asks this."""
    return f"{addresses.page('web:queue')}?{query}" if query else addresses.page("web:queue")


def of(request: HttpRequest) -> tuple[SavedAs, ...]:
    """Return the views of this person and their teams. No query: they come with the person's rights."""
    asking.actor_of(request)
    return views.of(asking.user_of(request))


@screen
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what the queue is asked under a name, in the place of what had it; or, with `drop`, remove one."""
    actor, dropped = asking.actor_of(request), request.POST.get("drop", "")
    query, team = asked(QueryDict(request.POST.get("query", ""))), request.POST.get("team", "")
    try:
        if "drop" in request.POST:
            name = views.drop(_id(dropped), actor=actor)
            messages.success(request, f"The view “{name}” is removed.")
        else:
            view = views.keep(
                request.POST.get("name", ""),
                query,
                team=_id(team) if team else None,
                is_pinned="pinned" in request.POST,
                actor=actor,
                at=asking.now(),
            )
            whose = f", for all of {view.team.name}" if view.team else ""
            messages.success(request, f"Kept as “{view.name}”{whose}.")
    except CaseError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(address(query))


def _id(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 18 else 0
