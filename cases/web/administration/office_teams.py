"""The teams, and who is in each. Every change of them is proposed under Office, Changes."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import policy
from cases.kernel.models import Team
from cases.kernel.office import directory
from cases.web import asking
from cases.web.refusals import screen

__all__ = ["team", "teams"]


@screen
@require_GET
def teams(request: HttpRequest) -> HttpResponse:
    """List the teams with how many people are in each."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_people")
    shown = {"teams": directory.teams(), "can_manage": policy.can(actor, "manage_people").is_allowed}
    return render(request, "cases/office/teams.html", shown)


@screen
@require_GET
def team(request: HttpRequest, code: str) -> HttpResponse:
    """Show who is in a team."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_people")
    found = Team.objects.filter(code=code).first()
    if found is None:
        raise Http404
    shown = {
        "team": found,
        "members": directory.members(found),
        "can_manage": policy.can(actor, "manage_people").is_allowed,
    }
    return render(request, "cases/office/team.html", shown)
