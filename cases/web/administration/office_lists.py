"""Code lists and the register of conflicts of interest. Every change of them is proposed under Office, Changes."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import policy
from cases.kernel.office import codelists
from cases.kernel.office import ties as conflicts
from cases.web import asking
from cases.web.keyset import pageful
from cases.web.refusals import screen

__all__ = ["code_list", "codes", "ties"]


@screen
@require_GET
def codes(request: HttpRequest) -> HttpResponse:
    """List the code lists."""
    policy.require(asking.actor_of(request), "view_codes")
    return render(request, "cases/office/codes.html", {"lists": codelists.all_lists()})


@screen
@require_GET
def code_list(request: HttpRequest, code: str) -> HttpResponse:
    """Show one list in its order: stored code, label, and when it can be chosen."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_codes")
    found = codelists.get(code)
    if found is None:
        raise Http404
    shown = {
        "list": found,
        "entries": codelists.entries(found),
        "can_change": policy.can(actor, "propose.code_entry").is_allowed,
        "can_add": found.is_open and policy.can(actor, "propose.code_new").is_allowed,
    }
    return render(request, "cases/office/code_list.html", shown)


@screen
@require_GET
def ties(request: HttpRequest) -> HttpResponse:
    """List who declared a tie, and when. Which case it is stands in no list of the office."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_ties")
    page = pageful(conflicts.register(), request, is_descending=True)
    may = {f"can_{act}": policy.can(actor, f"propose.tie_{act}").is_allowed for act in ("add", "end")}
    shown = {"page": page, **may}
    return render(request, "cases/office/ties.html", shown)
