"""The letters and their wordings: which version holds from when, and how each looks as a page and as PDF."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.calendars import london_date
from cases.kernel.exchange import letters
from cases.kernel.exchange.letters import Template
from cases.kernel.office import lettertexts, proposals
from cases.reports import lettertext, press
from cases.web import asking
from cases.web.refusals import Problem, screen, status_of

__all__ = ["begun", "letter", "letter_list", "pdf", "preview"]

VIEW = "view_letters"
# A person waits for this one, and so does a worker of the pages.
PATIENCE_SECONDS = 20


def _template(code: str) -> Template:
    if code not in letters.TEMPLATES:
        raise Http404
    return letters.TEMPLATES[code]


def _actor(request: HttpRequest) -> Actor:
    actor = asking.actor_of(request)
    policy.require(actor, VIEW)
    return actor


@screen
@require_GET
def letter_list(request: HttpRequest) -> HttpResponse:
    """List the letters this office writes."""
    _actor(request)
    found = sorted(letters.TEMPLATES.values(), key=lambda each: each.code)
    return render(request, "cases/office/letters.html", {"letters": found})


@screen
@require_GET
def letter(request: HttpRequest, code: str) -> HttpResponse:
    """Show one letter's versions and the wording in force."""
    actor, template = _actor(request), _template(code)
    rows, today = lettertexts.versions(code), london_date(asking.now())
    shown = {
        "letter": template,
        "versions": rows,
        "in_force": next((row for row in rows if row.effective_from <= today), None),
        "placeholders": lettertexts.placeholders(code).items(),
        "can_change": policy.can(actor, "propose.letter_text").is_allowed,
    }
    return render(request, "cases/office/letter.html", shown)


def _wording(request: HttpRequest, code: str, actor: Actor) -> tuple[str | None, str]:
    """Return the wording the address or the form asks for, None for the built-in one, and what it is called."""
    if request.method == "POST":
        return request.POST.get("body", "").replace("\0", "")[: lettertexts.LONGEST], "draft"
    if change := request.GET.get("change"):
        return _proposed(actor, code, change), "proposed wording"
    version = request.GET.get("version", "")
    row = lettertexts.text_of(code, int(version)) if version.isdecimal() and len(version) < 5 else None
    return (row.body, f"version {row.version}") if row else (None, "built-in wording")


def _proposed(actor: Actor, code: str, change: str) -> str:
    try:
        uid = UUID(change)
    except ValueError:
        raise Http404 from None
    row = proposals.visible_to(actor).filter(uid=uid, kind="letter_text", payload__code=code).first()
    if row is None:
        raise Http404
    return str(row.payload["body"])


def begun(kind: str, initial: Mapping[str, str]) -> dict[str, str]:
    """Return what a new wording begins with where the built-in one is in force: its words. Nothing for other forms."""
    code = initial.get("code", "")
    if kind != "letter_text" or code not in letters.TEMPLATES or lettertexts.versions(code):
        return {}
    return {"body": lettertext.source(code, now=asking.now())}


@screen
@require_http_methods(["GET", "POST"])
def preview(request: HttpRequest, code: str) -> HttpResponse:
    """Show a wording filled with invented values. What is posted is a draft: it is shown and not kept."""
    actor = _actor(request)
    _template(code)
    body, called = _wording(request, code, actor)
    faults = lettertexts.faults(code, body) if body is not None else []
    return _draw(request, code, body, called, problems=faults)


def _draw(
    request: HttpRequest, code: str, body: str | None, called: str, *, problems: list[str], status: int = 200
) -> HttpResponse:
    context = lettertext.example(code, now=asking.now())
    shown: dict[str, Any] = {
        **context,
        "letter": _template(code),
        "called": called,
        "blocks": lettertext.filled(code, body, context) if body is not None else [],
        "is_built_in": body is None,
        "draft": body if request.method == "POST" else None,
        "query": request.GET.urlencode(),
        "problems": [Problem(sentence=each) for each in problems],
        "is_unset": status != HTTPStatus.OK,
    }
    return render(request, "cases/office/letter_preview.html", shown, status=status)


@screen
@require_http_methods(["GET", "POST"])
def pdf(request: HttpRequest, code: str) -> HttpResponse:
    """Return the same wording as the printer would set it, or its preview with the sentence why it cannot be set."""
    actor = _actor(request)
    _template(code)
    body, called = _wording(request, code, actor)
    try:
        printed = press.press(lettertext.paper(code, body, now=asking.now()), within_seconds=PATIENCE_SECONDS)
    except press.PressFailed as refusal:
        return _draw(request, code, body, called, problems=[str(refusal)], status=status_of(refusal))
    response = HttpResponse(printed.data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="preview-{code}.pdf"'
    return response
