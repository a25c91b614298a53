"""The monthly review of access: which reviews there are, one review with its people, answering, and signing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import policy
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.office import access
from cases.web import asking, stepup
from cases.web.keyset import pageful
from cases.web.refusals import Problem, screen, status_of

__all__ = ["review", "reviews", "sign"]

RIGHT = "right."


@screen
@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """List the reviews this person may read, newest month first."""
    actor = asking.actor_of(request)
    page = pageful(access.reviews(actor), request, is_descending=True)
    return render(request, "cases/office/access.html", {"page": page, "at": asking.now()})


@screen
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show the people of a review with their rights (GET); write down what was said of one person's (POST)."""
    actor = asking.actor_of(request)
    if request.method == "GET":
        return _show(request, uid)
    access.get(actor, uid)
    said = {name.removeprefix(RIGHT): str(value) for name, value in request.POST.items() if name.startswith(RIGHT)}
    typed = request.POST.get("user", "")
    user_id = int(typed) if typed.isdecimal() and len(typed) <= 18 else 0
    more: dict[str, Any] = {"reason": request.POST.get("reason", ""), "actor": actor, "at": asking.now()}
    info = asking.info(request)
    try:
        row = stepup.confirmed(request, lambda: access.answer(uid, user_id, said, request=info, **more))
    except (NotAllowed, NotVisible):
        raise
    except CaseError as error:
        return _show(request, uid, error, user_id=user_id)
    if isinstance(row, HttpResponse):
        return row
    text = "Every right of this review has its answer." if row.completed_at else "The answers are on record."
    messages.success(request, text)
    return redirect("web:access_review", uid=uid)


def _show(request: HttpRequest, uid: UUID, error: CaseError | None = None, *, user_id: int = 0) -> HttpResponse:
    actor, at = asking.actor_of(request), asking.now()
    row = access.get(actor, uid)
    people = access.persons(row, actor, at=at)
    shown = {
        "review": row,
        "people": [
            {
                "person": each,
                "reason": request.POST.get("reason", "") if each.user.pk == user_id else "",
                "rights": [
                    (right, request.POST.get(RIGHT + right.code, "") if each.user.pk == user_id else "")
                    for right in each.rights
                ],
            }
            for each in people
        ],
        "done": sum(each.is_done for each in people),
        "may_sign": row.completed_at and not row.signed_at and policy.can(actor, access.SIGN).is_allowed,
        "problems": [Problem(sentence=str(error), anchor=f"reason-{user_id}" if user_id else "")] if error else [],
    }
    return render(
        request, "cases/office/access_review.html", shown, status=status_of(error) if error else HTTPStatus.OK
    )


@screen
@require_POST
def sign(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Sign a complete review, after confirmation with the second factor."""
    actor = asking.actor_of(request)
    policy.require(actor, access.SIGN)
    more: dict[str, Any] = {"reason": request.POST.get("reason", ""), "actor": actor, "at": asking.now()}
    info = asking.info(request)
    try:
        row = stepup.confirmed(request, lambda: access.sign(uid, request=info, **more))
    except access.ReviewRefused as error:
        return _show(request, uid, error)
    if isinstance(row, HttpResponse):
        return row
    messages.success(request, "The review is signed.")
    return redirect("web:access_review", uid=uid)
