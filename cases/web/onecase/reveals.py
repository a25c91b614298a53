"""Shows one personal value to one person for one minute, after they said why. The read log is written first."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cases.kernel import casetypes, policy, reveals
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.reading import queries
from cases.web import asking
from cases.web.refusals import screen, status_of
from cases.web.wording import field_label, words

__all__ = ["person", "reveal"]

SHOWN_SECONDS = 60


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def reveal(request: HttpRequest, uid: UUID, code: str) -> HttpResponse:
    """Ask why (GET), then show the value (POST): a fragment for the page, a page of its own without script."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "reveal", case=case)
    shown = {"case": case, "code": code, "reasons": queries.REVEAL_REASONS.items(), "seconds": SHOWN_SECONDS}
    status = HTTPStatus.OK
    try:
        shown["label"] = field_label(casetypes.get(case.kind), queries.has_sealed(case, code))
        if request.method == "POST":
            shown["value"] = queries.reveal(
                case,
                code,
                purpose=request.POST.get("purpose", ""),
                actor=actor,
                at=asking.now(),
                request_id=asking.request_id(request),
            )
    except NotAllowed:
        raise
    except CaseError as error:
        shown["sentence"] = str(error)
        status = status_of(error)
    template = "cases/_reveal.html" if getattr(request, "htmx", False) else "cases/reveal.html"
    return render(request, template, shown, status=status)


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def person(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Ask why (GET), then show all values of one person for a minute (POST), under one reason and one entry of the
    read log."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "reveal", case=case)
    casetype = casetypes.get(case.kind)
    shown = {"case": case, "number": number, "reasons": queries.REVEAL_REASONS.items(), "seconds": SHOWN_SECONDS}
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            found = reveals.reveal_person(
                case,
                number,
                purpose=request.POST.get("purpose", ""),
                actor=actor,
                at=asking.now(),
                request_id=asking.request_id(request),
            )
            shown["values"] = [
                {"label": field_label(casetype, each.field), "value": each.value, "place": words(each.place).lower()}
                for each in found
            ]
        except NotAllowed:
            raise
        except CaseError as error:
            shown["sentence"], status = str(error), status_of(error)
    return render(request, "cases/reveal_person.html", shown, status=status)
