"""Who is on call: what rings for my teams, one click to say that I have it, who is rung in which order."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import policy
from cases.kernel.oncall import alerts, reading
from cases.web import asking
from cases.web.refusals import screen

__all__ = ["acknowledge", "on_call", "waiting"]


@screen
@require_GET
@never_cache
def on_call(request: HttpRequest) -> HttpResponse:
    """Show what waits, the last test pages, and the register of who is rung."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_on_call")
    shown = {
        "waiting": reading.waiting(actor),
        "tests": reading.tests(actor),
        "routes": reading.routes(actor),
        "may_change": policy.can(actor, "propose.on_call_route").is_allowed,
    }
    return render(request, "cases/on_call.html", shown)


@screen
@require_GET
@never_cache
def waiting(request: HttpRequest) -> HttpResponse:
    """Return the list of what waits alone, for the open page that asks again."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_on_call")
    return render(request, "cases/_on_call.html", {"waiting": reading.waiting(actor)})


@screen
@require_POST
def acknowledge(request: HttpRequest, item: UUID) -> HttpResponse:
    """Say that I have it, and go to the case."""
    row, is_mine = alerts.acknowledge(
        item, actor=asking.actor_of(request), at=asking.now(), request=asking.info(request)
    )
    if is_mine:
        messages.success(request, f"You have {row.code}. Nobody is rung for it any more.")
    else:
        messages.info(request, f"{row.code} was answered already.")
    return redirect("web:case", uid=row.case.uid) if row.case and is_mine else redirect("web:on_call")
