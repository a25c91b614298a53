"""Opening a case: choose what kind, type it once, lose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, intake, policy
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import CaseError
from cases.kernel.finding import search as searching
from cases.kernel.finding import searchbox
from cases.kernel.models import Case
from cases.ledger import reads, sealing
from cases.web import asking
from cases.web.desk import rows
from cases.web.desk.search import shown_hit
from cases.web.onecase import once
from cases.web.onecase.casepage import CASEWORK
from cases.web.refusals import Problem, form_problems, refused_problems, screen, status_of

__all__ = ["kinds", "new", "opened", "says_something"]

MOST_PEOPLE = 10
MOST_LOOKED_FOR = 8
MOST_SIMILAR = 10
PEOPLE = "people"
TYPING = "typing"
# The fields of which a change has the page ask what may be the same.
ASKS = ("reference", "-phone", "-email", "-alias", "-forename", "-surname")
LOOKS_WHEN = ", ".join(f"change delay:400ms from:[name$='{name}']" for name in ASKS)


@screen
@require_GET
def kinds(request: HttpRequest) -> HttpResponse:
    """Let people choose among the kinds they may open."""
    actor = asking.actor_of(request)
    may = [casetypes.get(kind) for kind in policy.kinds(actor, "open_case")]
    if not may:
        policy.require(actor, "open_case")
    return render(request, "cases/kinds.html", {"kinds": may})


def _most_people(casetype: CaseType) -> int:
    return MOST_PEOPLE if casetype.opens_with_people else 0


def _people_formset(casetype: CaseType, data: Any = None) -> Any:
    most = _most_people(casetype)
    made: Any = forms.formset_factory(casetype.party_form, extra=min(1, most), max_num=most, absolute_max=most)
    return made(data, prefix=PEOPLE)


def _with_one_more(data: Any) -> Any:
    """Return what was posted with room for one more person, for those who add people without script."""
    copy = data.copy()
    total = copy.get(f"{PEOPLE}-TOTAL_FORMS", "0")
    is_number = total.isdecimal() and len(total) < 10
    copy[f"{PEOPLE}-TOTAL_FORMS"] = str(min(MOST_PEOPLE, int(total) + 1 if is_number else 1))
    return copy


@screen
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the page of a kind; open the case."""
    casetype = next((each for each in casetypes.all_types() if each.code == kind), None)
    if casetype is None:
        raise Http404
    policy.require(asking.actor_of(request), "open_case", kind=kind)
    if casetype.opens_on:
        return redirect(casetype.opens_on)
    if casetype.referral:
        return redirect("web:refer_new", kind=kind)
    if request.method == "GET":
        return _show(request, casetype, casetype.facts_form(), _people_formset(casetype))
    if "add_person" in request.POST:
        data = _with_one_more(request.POST)
        facts, people = casetype.facts_form(data), _people_formset(casetype, data)
        _say_nothing_yet(facts, people)
        return _show(request, casetype, facts, people, is_checked=False, is_one_more=True)
    facts, people = casetype.facts_form(request.POST), _people_formset(casetype, request.POST)
    if request.POST.get("look") == TYPING:
        return _while_typing(request, casetype)
    if "look" in request.POST:
        _say_nothing_yet(facts, people)
        return _show(request, casetype, facts, people, is_checked=False, similar=_similar(request, casetype))
    return _open(request, casetype, facts, people)


def _while_typing(request: HttpRequest, casetype: CaseType) -> HttpResponse:
    """Return what may be the same as what is typed so far, for the page that asks as somebody goes from field to field.
    What was looked for already is not looked for again: each look-up is on record."""
    typed = sorted(f"{name}={value}" for name, value in request.POST.items() if name.endswith(ASKS))
    looked = sealing.keyed_hash("looked_for", "\0".join(typed)).hex()
    if looked == request.POST.get("looked"):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    shown = {"similar": _similar(request, casetype), "looked": looked}
    return render(request, "cases/_similar_typing.html", shown)


def _say_nothing_yet(facts: Any, people: Any) -> None:
    """Refuse nothing of what is only half typed."""
    for form in (facts, *people.forms):
        form.errors.clear()


def _similar(request: HttpRequest, casetype: CaseType) -> list[dict[str, Any]]:
    """Return the cases I may see of the incident that is typed, or that share an account, telephone, e-mail or name
    with what is typed so far: those of the incident first, then live ones. Each look-up is on record as a search."""
    actor = asking.actor_of(request)
    if searching.purpose_is_asked(actor):
        return []
    found: dict[Any, dict[str, Any]] = {case.pk: _of_incident(case) for case in _duplicates(request, casetype)}
    for text in _looked_for(request.POST):
        try:
            result = searching.find(
                actor, text, purpose=CASEWORK, at=asking.now(), request_id=asking.request_id(request)
            )
        except CaseError:
            continue
        for hit in result.hits:
            if hit.tier == searchbox.EXACT:
                shown = shown_hit(hit)
                known = found.setdefault(hit.case.pk, {**shown, "matches": []})
                known["matches"] += [match for match in shown["matches"] if match not in known["matches"]]
    order = sorted(found.values(), key=lambda hit: (not hit.get("is_of_incident"), hit["row"].case.is_closed))
    return order[:MOST_SIMILAR]


def _of_incident(case: Case) -> dict[str, Any]:
    return {"row": rows.row(case), "matches": [], "is_of_incident": True}


def _duplicates(request: HttpRequest, casetype: CaseType) -> list[Case]:
    """Return the cases I may see that the kind itself says are about the same thing; the look-up is on record."""
    wanted = list(casetype.duplicates(request.POST.dict()))
    if not wanted:
        return []
    seen = policy.visible_to(asking.actor_of(request)).select_related("team", "assignee")
    found = list(seen.filter(pk__in=wanted).order_by("is_closed", "-pk")[:MOST_SIMILAR])
    streams = [case.uid for case in found]
    reader = asking.reader(request, "search", CASEWORK, *streams, fields=("incident_reference",))
    reads.record_read(reader, at=asking.now(), result_count=len(found))
    return found


def _looked_for(typed: Any) -> list[str]:
    """Return what to look for in a form being filled in: each account, telephone and e-mail, each whole name."""
    people = [f"{PEOPLE}-{number}" for number in range(MOST_PEOPLE)]
    single = ["account_reference", *(f"{one}-{name}" for one in people for name in ("phone", "email", "alias"))]
    names = [f"{typed.get(f'{one}-forename', '')} {typed.get(f'{one}-surname', '')}" for one in people]
    wanted = [*(typed.get(name, "") for name in single), *(name for name in names if len(name.split()) > 1)]
    return [text.strip() for text in dict.fromkeys(wanted) if text.strip()][:MOST_LOOKED_FOR]


def says_something(person: Mapping[str, Any]) -> bool:
    """Whether anything but a role was typed about a person: a drop-down always says something."""
    return bool(any(person["values"].values()) or person["addresses"])


def _typed_people(people: Any) -> list[dict[str, Any]]:
    typed = [form.person() for form in people.forms if form.has_changed()]
    return [person for person in typed if says_something(person)]


def _open(request: HttpRequest, casetype: CaseType, facts: Any, people: Any) -> HttpResponse:
    if not (facts.is_valid() & people.is_valid()):
        problems = form_problems(facts, *people.forms)
        problems += [Problem(sentence=str(error)) for error in people.non_form_errors()]
        return _show(request, casetype, facts, people, problems, HTTPStatus.UNPROCESSABLE_ENTITY)
    actor, uid = asking.actor_of(request), once.uid_of(request)
    known = Case.objects.filter(uid=uid).first() if uid else None
    try:
        case = known or intake.open_case(
            casetype.code,
            actor=actor,
            at=asking.now(),
            facts=facts.cleaned_data,
            people=_typed_people(people),
            uid=uid,
            request=asking.info(request),
        )
    except CaseError as error:
        return _show(request, casetype, facts, people, refused_problems(error, facts), status_of(error))
    except IntegrityError:  # the same form was sent twice at once, and the other was first
        case = known = Case.objects.get(uid=str(uid))
    if policy.visible_to(actor).filter(pk=case.pk).exists():
        if known is None:
            messages.success(request, f"{case.reference} is open.")
        else:
            messages.info(request, f"This form had opened {case.reference} already. Nothing more was opened.")
        return redirect("web:case", uid=case.uid)
    request.session["opened"] = case.reference
    return redirect("web:opened")


def _show(
    request: HttpRequest,
    casetype: CaseType,
    facts: Any,
    people: Any,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    *,
    is_checked: bool = True,
    is_one_more: bool = False,
    similar: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    shown = {
        "casetype": casetype,
        "facts": facts,
        "people": people,
        "problems": problems or [],
        "is_checked": is_checked,
        "is_one_more": is_one_more,
        "once": once.token(request),
        "similar": similar,
        "looks_when": LOOKS_WHEN,
        "may_add": people.total_form_count() < _most_people(casetype),
    }
    return render(request, "cases/new.html", shown, status=status)


@screen
@require_GET
def opened(request: HttpRequest) -> HttpResponse:
    """Confirm a case that its opener may not see: the reference and nothing else."""
    if not (reference := request.session.get("opened", "")):
        return redirect("web:my_work")
    return render(request, "cases/opened.html", {"reference": reference})
