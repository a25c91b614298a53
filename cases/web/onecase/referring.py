"""Referring a matter to a compartment: any colleague writes, nobody reads back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.kernel.restricted import referrals
from cases.web import asking
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["offers", "refer", "referred"]


def offers(case: Case, actor: Actor) -> list[tuple[str, str]]:
    """Return label and address of each referral that may be made from a case: the same on every case there is."""
    return [
        (each.referral.label, reverse("web:refer", args=[case.uid, each.code]))
        for each in casetypes.all_types()
        if each.referral and not case.is_restricted and policy.can(actor, "open_case", kind=each.code).is_allowed
    ]


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def refer(request: HttpRequest, kind: str, uid: UUID | None = None) -> HttpResponse:
    """Ask what makes somebody suspicious; take it in and say no more than that it was received."""
    actor = asking.actor_of(request)
    casetype = referrals.kind(kind)
    about = policy.get_visible(actor, uid) if uid else None
    policy.require(actor, "open_case", kind=kind)
    form: Any = casetype.referral and casetype.referral.form(request.POST if request.method == "POST" else None)
    problems: list[Problem] = []
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            if form.is_valid():
                referrals.refer(
                    kind,
                    form.cleaned_data,
                    about=about,
                    actor=actor,
                    at=asking.now(),
                    request=asking.info(request),
                )
                return redirect("web:referred")
            problems, status = form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
        except CaseError as error:
            problems, status = [Problem(sentence=str(error))], status_of(error)
    shown = {"casetype": casetype, "form": form, "about": about, "problems": problems}
    return render(request, "cases/refer.html", shown, status=status)


@screen
@require_GET
@never_cache
def referred(request: HttpRequest) -> HttpResponse:
    """Say that it was received: the same page whatever it was, and whether or not anything was sent."""
    return render(request, "cases/referred.html")
