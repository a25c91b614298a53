"""Turns the kernel's refusals into sentences and status codes, and draws the pages of what cannot be shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent, ValidationError
from django.db import InterfaceError, OperationalError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from cases.kernel.edits import EditConflict
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.intake import FieldErrors
from cases.kernel.locks import CaseErased
from cases.kernel.office.proposals import ProposalStale
from cases.kernel.personal import drafts
from cases.kernel.transitions import CaseChanged, TransitionRefused
from cases.web import asking, tallies

__all__ = ["Problem", "form_problems", "not_found", "problem", "refused_problems", "screen", "status_of"]

View = Callable[..., HttpResponse]

STATUS: dict[type[CaseError], HTTPStatus] = {
    NotVisible: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    EditConflict: HTTPStatus.CONFLICT,
    CaseChanged: HTTPStatus.CONFLICT,
    TransitionRefused: HTTPStatus.CONFLICT,
    ProposalStale: HTTPStatus.CONFLICT,
    CaseErased: HTTPStatus.CONFLICT,
}

WORDS: dict[int, tuple[str, str]] = {
    400: ("This could not be read", "What your browser sent makes no sense here. Nothing was changed."),
    403: ("You may not do this", "Your roles do not allow it. Nothing was changed."),
    404: ("There is nothing here", "Either it does not exist, or it is not yours to see."),
    405: ("This cannot be opened like that", "Use the buttons of the page you came from."),
    409: ("Somebody was faster", "The case changed while you were reading it. Nothing of yours was written."),
    413: ("That is too large", "The file or form is larger than this page takes. Nothing was kept."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: ("Something went wrong", "It is on record. What you were doing was not saved."),
    503: ("One moment, please", "The database is being restarted. What you were doing was not saved; try again."),
}

TOO_OLD = (
    "This form is too old, or did not come from this site. Nothing was done. Go back in your browser: what you typed "
    "is still there. Copy it, open the page anew, and send it from there."
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One line of an error summary, with the field it speaks of."""

    sentence: str
    anchor: str = ""


def status_of(error: CaseError) -> HTTPStatus:
    """Return the status of a refusal: its own, that of its nearest base, or 422."""
    found = (STATUS[base] for base in type(error).__mro__ if base in STATUS)
    return next(found, HTTPStatus.UNPROCESSABLE_ENTITY)


def form_problems(*forms: BaseForm) -> list[Problem]:
    """Return every fault of the forms in reading order, each with its field's label."""
    found = []
    for form in forms:
        place = {name: number for number, name in enumerate(form.fields)}
        for name, sentences in sorted(form.errors.items(), key=lambda fault: place.get(fault[0], -1)):
            field = form[name] if name in form.fields else None
            label = f"{field.label}: " if field is not None else ""
            anchor = (field.id_for_label or f"{field.auto_id}_0") if field is not None else ""
            found += [Problem(sentence=f"{label}{sentence}", anchor=anchor) for sentence in sentences]
    return found


def refused_problems(error: CaseError, form: BaseForm) -> list[Problem]:
    """Return what a refusal says of what was typed; a sentence that points at a field of the form marks it."""
    if not isinstance(error, FieldErrors):
        return [Problem(sentence=str(error))]
    elsewhere = []
    for pointer, code, sentence in error.errors:
        if (name := pointer.removeprefix("/")) in form.fields:
            form.add_error(name, ValidationError(sentence, code=code))
        else:
            elsewhere.append(Problem(sentence=sentence))
    return form_problems(form) + elsewhere


def problem(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    """Draw the page of a refusal: what it is, a way back, and the request's reference."""
    title, usual = WORDS[status]
    context = {
        "title": title,
        "sentence": sentence or usual,
        "status": status,
        "reference": asking.request_id(request),
    }
    response = render(request, "errors/problem.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def screen(view: View) -> View:
    """Decorate a page, outermost: an invisible case answers as one that does not exist, a missing right says which,
    a wrong method gets a page."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except NotVisible as error:
            raise Http404 from error
        except NotAllowed as error:
            return problem(request, HTTPStatus.FORBIDDEN, str(error))
        except CaseErased as error:
            return problem(request, HTTPStatus.CONFLICT, str(error))
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return _not_like_that(request, response)
        if request.method == "POST":
            tallies.acted(request)
            _forget_draft(request, response)
        response.headers.setdefault("Vary", "Cookie, HX-Request")
        return response

    return answer


def _forget_draft(request: HttpRequest, response: HttpResponse) -> None:
    """Forget what was kept of a form once it was taken: not where it was refused, or the second factor is asked for."""
    asks = response.get("Location", response.get("HX-Redirect", "")).startswith(reverse("step_up"))
    if response.status_code < HTTPStatus.BAD_REQUEST and not asks:
        drafts.drop_sent(drafts.of(asking.user_of(request)), request.path)


def _not_like_that(request: HttpRequest, refused: HttpResponse) -> HttpResponse:
    response = problem(request, HTTPStatus.METHOD_NOT_ALLOWED)
    response["Allow"] = refused["Allow"]
    return response


def _is_for_machines(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _document(status: int, **more: str) -> HttpResponse:
    """Return a problem document (RFC 9457), as the API's own refusals are."""
    members = {"type": "about:blank", "title": WORDS[status][0], "status": status, **more}
    return JsonResponse(members, status=status, content_type="application/problem+json")


def _answer(request: HttpRequest, status: int, **more: str) -> HttpResponse:
    """Answer a person by a page, and the API's callers by a problem document."""
    return _document(status, **more) if _is_for_machines(request) else problem(request, status)


@login_not_required
def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400, or 413 for what is too large to be read."""
    is_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    return _answer(request, 413 if is_large else 400)


@login_not_required
def turned_away(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return _answer(request, 403)


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, in the same words for what is hidden and what is not there."""
    return _answer(request, 404, detail="There is no such address. Compare it letter by letter, with its last slash.")


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that does not carry this session's token."""
    return problem(request, 403, TOO_OLD)


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 while the database is away, without asking the database for anything. The API's callers get a
    problem document. Called while the fault is being handled."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_away else HTTPStatus.INTERNAL_SERVER_ERROR
    title, sentence = WORDS[status]
    if _is_for_machines(request):
        response: HttpResponse = _document(status)
    else:
        shown = {"title": title, "sentence": sentence, "status": status, "reference": asking.request_id(request)}
        response = render(None, "errors/bare.html", shown, status=status)
    if is_away:
        response["Retry-After"] = "5"
    return response
