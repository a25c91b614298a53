"""The search page. What is typed is personal data: it is posted, sealed in the session, never part of an address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.finding import search as searching
from cases.kernel.finding import searchbox
from cases.kernel.finding.search import Asked, Found, Hit, Match
from cases.web import addresses, asking
from cases.web.desk import rows
from cases.web.desk.filters import Chip, Choice
from cases.web.onecase.casepage import CASEWORK
from cases.web.refusals import Problem, screen, status_of
from cases.web.signin.secrets import SecretUnreadable, open_secret, seal_secret
from cases.web.wording import PURPOSES, role_label, words

__all__ = ["results", "search", "shown_hit"]

KEPT = "searches"
MOST_KEPT = 5
KEPT_SECONDS = 3600
KINDS = {
    "reference": "Reference",
    "agency_reference": "The agency's reference",
    "name": "Name",
    "born": "Date of birth",
    "phone": "Telephone",
    "email": "E-mail",
    "account": "Account",
    "postcode": "Postcode",
    "outward": "Postcode area",
    "note": "Words of a note",
}
HOW = {"exact": "exact", "starts": "starts with it", "sounds": "sounds like it"}
STANDING = {"open": "Open", "closed": "Closed"}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody searches for, and why where they must say so."""

    text: str
    purpose: str


@screen
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Show the empty page; take what is typed, seal it in the session and lead to its results."""
    actor = asking.actor_of(request)
    policy.require(actor, "search")
    if request.method == "GET":
        return _show(request, actor)
    text = request.POST.get("q", "").replace("\0", "").strip()[: searchbox.LONGEST]
    is_asked = searching.purpose_is_asked(actor)
    purpose = request.POST.get("purpose", "") if is_asked else CASEWORK
    try:
        searchbox.parse(text)
    except searchbox.SearchRefused as error:
        return _refuse(request, actor, text, str(error), anchor="sq")
    if is_asked and purpose not in PURPOSES:
        return _refuse(request, actor, text, "Say why you search. It is recorded with the search.", anchor="sp")
    return redirect("web:search_results", uid=_keep(request, Typed(text=text, purpose=purpose)))


def _refuse(request: HttpRequest, actor: Actor, text: str, sentence: str, *, anchor: str) -> HttpResponse:
    problems = [Problem(sentence=sentence, anchor=anchor)]
    return _show(request, actor, text=text, problems=problems, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _keep(request: HttpRequest, typed: Typed) -> UUID:
    uid = uuid4()
    kept = dict(list(request.session.get(KEPT, {}).items())[1 - MOST_KEPT :])
    request.session[KEPT] = {**kept, str(uid): seal_secret(json.dumps([typed.text, typed.purpose]))}
    return uid


def _kept(request: HttpRequest, uid: UUID) -> Typed | None:
    try:
        sealed = request.session.get(KEPT, {}).get(str(uid), "")
        text, purpose = json.loads(open_secret(sealed, ttl=KEPT_SECONDS))
    except SecretUnreadable:
        return None
    return Typed(text=text, purpose=purpose)


@screen
@require_GET
def results(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Search for what was typed. A reference, telephone or account that one case alone has leads straight there."""
    actor = asking.actor_of(request)
    policy.require(actor, "search")
    typed = _kept(request, uid)
    if typed is None:
        messages.info(request, "That search is over. Type it again.")
        return redirect("web:search")
    asked = _asked(request.GET)
    try:
        found = searching.find(
            actor,
            typed.text,
            purpose=typed.purpose,
            at=asking.now(),
            asked=asked,
            request_id=asking.request_id(request),
        )
    except CaseError as error:
        problems = [Problem(sentence=str(error), anchor="sq")]
        return _show(request, actor, text=typed.text, problems=problems, status=status_of(error))
    if found.straight is not None and not request.GET:
        return redirect("web:case", uid=found.straight.uid)
    return _show(request, actor, text=typed.text, found=found, purpose=typed.purpose, chips=_chips(request, uid, actor))


def _asked(query: QueryDict) -> Asked:
    kind = query.get("kind", "")
    is_known = any(each.code == kind for each in casetypes.all_types())
    return Asked(
        kind=kind if is_known else "", is_closed={"open": False, "closed": True}.get(query.get("standing", ""))
    )


def _chips(request: HttpRequest, uid: UUID, actor: Actor) -> list[Chip]:
    kinds = {kind: casetypes.get(kind).label for kind in policy.kinds(actor, "view")}
    here = reverse("web:search_results", args=[uid])
    chips = []
    for name, label, known in (("kind", "Type", kinds), ("standing", "Open or closed", STANDING)):
        value = request.GET.get(name, "")
        others = {"kind", "standing"} - {name}
        kept = tuple((key, str(text)) for key, text in request.GET.items() if key in others and text)
        rest = QueryDict(mutable=True)
        rest.update(dict(kept))
        chips.append(
            Chip(
                name=name,
                label=label,
                shown=known.get(value, ""),
                choices=tuple(Choice(value=code, label=said, is_on=code == value) for code, said in known.items()),
                kept=kept,
                off_url=f"{here}?{rest.urlencode()}" if kept else here,
            )
        )
    return chips


def shown_hit(hit: Hit) -> dict[str, Any]:
    """Return a found case as a page shows it: its row, and who of it matched by which kinds of value."""
    casetype = casetypes.get(hit.case.kind)
    return {
        "row": rows.row(hit.case),
        "url": addresses.of_case("web:case", hit.case.uid),
        "matches": [
            {
                "who": f"Person {match.number}, {role_label(casetype, match.role).lower()}" if match.number else "",
                "kinds": _said(match),
            }
            for match in hit.matches
        ],
    }


def _said(match: Match) -> list[dict[str, str]]:
    return [{"label": KINDS.get(kind, words(kind)), "how": HOW[how]} for kind, how in match.kinds]


def _show(
    request: HttpRequest,
    actor: Actor,
    *,
    text: str = "",
    found: Found | None = None,
    problems: list[Problem] | None = None,
    purpose: str = "",
    chips: list[Chip] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    shown = {
        "typed": text,
        "found": found,
        "hits": [shown_hit(hit) for hit in found.hits] if found else [],
        "chips": chips or [],
        "chips_on": [chip for chip in chips or [] if chip.is_on],
        "here": request.path,
        "purposes": PURPOSES.items() if searching.purpose_is_asked(actor) else (),
        "purpose": purpose or request.POST.get("purpose", ""),
        "problems": problems or [],
    }
    return render(request, "cases/search.html", shown, status=status)
