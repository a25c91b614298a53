"""What somebody types into a form is kept while they type, for them alone, until they send it. The script of the pages
sends it here; without script nothing is kept before it is sent, and what was kept can be read and copied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import casetypes, policy
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Draft
from cases.kernel.personal import drafts
from cases.kernel.personal.drafts import Waiting
from cases.web import addresses, asking, wording
from cases.web.refusals import screen

__all__ = ["draft", "drop", "keep", "of", "unsent"]

# What says why somebody looks, or what they look for, is no work: it is not kept.
LOOKS = {"purpose", "reveal", "reveal_person", "search", "person_purpose", "break_glass"}
LEFT_OUT = {"csrfmiddlewaretoken", "version", "once"}
FIELDS = 400


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A draft as a list shows it."""

    waiting: Waiting
    label: str
    reference: str


def of(request: HttpRequest) -> tuple[Waiting, ...]:
    """Return what this person has not sent. No query."""
    asking.actor_of(request)
    return drafts.of(asking.user_of(request))


def unsent(request: HttpRequest) -> list[Unsent]:
    """Return what this person has not sent, as a list shows it; of a case that they may not see any more, nothing. One
    query where something of a case was not sent, else none."""
    waiting = of(request)
    ids = {each.case_id for each in waiting if each.case_id}
    rows = policy.visible_to(asking.actor_of(request)).filter(pk__in=ids) if ids else Case.objects.none()
    known = dict(rows.values_list("pk", "reference")) if ids else {}
    return [
        Unsent(waiting=each, label=_label(each), reference=known.get(each.case_id or 0, ""))
        for each in waiting
        if each.case_id is None or each.case_id in known
    ]


def _label(waiting: Waiting) -> str:
    """Return in words which form it is: what is opened, or the name of its page."""
    match = _match(waiting.place)
    kind = str(match.kwargs.get("kind", "")) if match else ""
    known = {each.code: each.label for each in casetypes.all_types()}
    if match and match.url_name == "new_case" and kind in known:
        return f"New {known[kind].lower()}"
    return wording.words(match.url_name or "form") if match else "Form"


def _match(path: str) -> ResolverMatch | None:
    """Return the page of the office that an address is, or nothing."""
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return None
    try:
        match = resolve(path.partition("?")[0])
    except Resolver404:
        return None
    return match if match.namespaces and match.url_name not in LOOKS else None


def _case_of(request: HttpRequest, page: ResolverMatch) -> Case | None:
    """Return the case that a page is of, with its key. Raises NotVisible."""
    if not page.route.startswith("cases/<uuid:uid>/"):
        return None
    seen = policy.get_visible(asking.actor_of(request), page.kwargs["uid"])
    return Case.objects.select_related("key").get(pk=seen.pk)


def _fields(text: str) -> list[tuple[str, str, bool]]:
    """Return what was typed, as the script tells it. Raises NotVisible for what is no such list."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise NotVisible from None
    rows: list[Any] = told if isinstance(told, list) else []
    fields = [tuple(row) for row in rows[:FIELDS] if isinstance(row, list) and [*map(type, row)] == [str, str, bool]]
    return [
        (name, value.replace("\0", ""), is_on)
        for name, value, is_on in fields
        if name not in LEFT_OUT and "password" not in name
    ]


@screen
@require_POST
@never_cache
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what was typed into a form of a page so far, in the place of what was kept of it. Shows nothing."""
    place, page = request.POST.get("place", ""), request.POST.get("page", "")
    form, stands = _match(place), _match(page)
    if form is None or stands is None:
        raise NotVisible
    case = _case_of(request, form) or _case_of(request, stands)
    fields = _fields(request.POST.get("fields", ""))
    try:
        actor = asking.actor_of(request)
        drafts.keep(place, page, fields, case=case, actor=actor, at=asking.now())
    except CaseError as error:
        return HttpResponse(str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY, content_type="text/plain")
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _own(request: HttpRequest, number: int) -> Draft:
    """Return one's own draft, of a page that one may still see. Raises NotVisible."""
    row = Draft.objects.select_related("case").filter(pk=number, owner=asking.actor_of(request).user_id).first()
    if row is None:
        raise NotVisible
    if row.case is not None:
        policy.get_visible(asking.actor_of(request), row.case.uid)
    return row


@screen
@require_GET
@never_cache
def draft(request: HttpRequest, number: int) -> HttpResponse:
    """Show what one typed and did not send, to be copied; or give it to the script of its page, which puts it back."""
    row, actor = _own(request, number), asking.actor_of(request)
    fields = drafts.open_one(row, actor=actor, at=asking.now(), request_id=asking.request_id(request))
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"place": row.place, "fields": fields})
    typed = [(wording.words(name.removeprefix("id_")), value) for name, value, is_on in fields if is_on and value]
    return render(request, "cases/draft.html", {"draft": row, "typed": typed})


@screen
@require_POST
def drop(request: HttpRequest, number: int) -> HttpResponse:
    """Throw one's own draft away."""
    drafts.drop(number, actor=asking.actor_of(request))
    back = request.POST.get("back", "")
    return HttpResponseRedirect(back if _match(back) else addresses.page("web:my_work"))
