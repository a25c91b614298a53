"""Declaring a conflict of interest on a case, for oneself. From then on the case does not exist for whoever did."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cases.kernel import policy
from cases.kernel.errors import CaseError
from cases.kernel.office import proposals
from cases.web import asking
from cases.web.refusals import Problem, screen, status_of

__all__ = ["declare"]


@screen
@require_http_methods(["GET", "POST"])
def declare(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Ask why and say what follows (GET); put the tie on record (POST)."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "declare_conflict", case=case)
    reason, problems, status = request.POST.get("reason", ""), list[Problem](), HTTPStatus.OK
    if request.method == "POST":
        try:
            proposals.propose(
                "tie_add",
                {"user": actor.user_id, "case": str(case.uid)},
                actor=actor,
                at=asking.now(),
                reason=reason,
                request=asking.info(request),
            )
        except CaseError as error:
            problems, status = [Problem(sentence=str(error), anchor="id_reason")], status_of(error)
        else:
            messages.success(
                request, "It is on record. The case is not yours to see any more; a colleague takes it on."
            )
            return redirect("web:queue")
    shown = {"case": case, "problems": problems, "reason": reason}
    return render(request, "cases/conflict.html", shown, status=status)
