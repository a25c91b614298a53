"""Cases whose time is over: of which kinds there are any, proposing that they are erased, deciding on it, and what
became of them."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import calendars, casetypes, policy, retention
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.casetypes import CaseType
from cases.kernel.disposal import disposals, overdue
from cases.kernel.errors import CaseError
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Disposal
from cases.web import asking, stepup
from cases.web.refusals import Problem, form_problems, screen, status_of
from cases.web.wording import role_label

__all__ = ["due", "listed", "one"]

SHOWN = 50
STATES = {
    "open": ("Waits for a decision", "wait"),
    "agreed": ("Agreed", "done"),
    "refused": ("Refused", "bad"),
    "withdrawn": ("Taken back", "hold"),
}


class ConfirmForm(forms.Form):
    """What must be so before cases of a kind are erased, where their kind names anything."""

    is_confirmed = forms.BooleanField(error_messages={"required": "Say that it is so."})

    def __init__(self, *args: Any, casetype: CaseType, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if casetype.disposal_needs:
            self.fields["is_confirmed"].label = casetype.disposal_needs
        else:
            del self.fields["is_confirmed"]


class ProposeForm(ConfirmForm):
    """Up to which day, as the page showed it."""

    last_date = forms.DateField(widget=forms.HiddenInput)


class RefuseForm(forms.Form):
    """Why not."""

    why_not = Chosen(label="Why not", choices=list(disposals.REFUSALS.items()))


@screen
@require_GET
@never_cache
def listed(request: HttpRequest) -> HttpResponse:
    """List the kinds of which anything is over, and what was proposed. Opens no case."""
    actor, today = asking.actor_of(request), calendars.london_date(asking.now())
    kinds = disposals.kinds_of(actor)
    since = overdue.since(kinds, today=today)
    shown = {
        "kinds": [{"kind": each, "since": since[each.code]} for each in kinds if each.code in since],
        "rows": [_row(each) for each in disposals.mine(actor, most=SHOWN)],
        "most": SHOWN,
    }
    return render(request, "cases/disposals/list.html", shown)


def _row(row: Disposal) -> dict[str, Any]:
    words, tone = STATES[row.state]
    return {"row": row, "kind": casetypes.get(row.kind).label, "state": words, "tone": tone}


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def due(request: HttpRequest, kind: str) -> HttpResponse:
    """Show what of a kind is over (GET); propose that it is erased (POST). Opens no case: numbers and dates alone."""
    actor, at = asking.actor_of(request), asking.now()
    casetype = disposals.kind_for(actor, kind)
    if request.method == "GET":
        return _show_due(request, casetype, actor, None, [])
    disposals.require_proposer(actor, casetype)
    form = ProposeForm(request.POST, casetype=casetype)
    if not form.is_valid():
        return _show_due(request, casetype, actor, form, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        row = disposals.propose(
            kind,
            last_date=form.cleaned_data["last_date"],
            is_confirmed=form.cleaned_data.get("is_confirmed", False),
            actor=actor,
            at=at,
            request=asking.info(request),
        )
    except CaseError as error:
        return _show_due(request, casetype, actor, form, [Problem(sentence=str(error))], status_of(error))
    messages.success(request, f"It is proposed to erase {_what(row.counted, row.people)}. Another person decides.")
    return redirect("web:disposal", disposal=row.uid)


def _show_due(
    request: HttpRequest,
    casetype: CaseType,
    actor: Actor,
    form: ProposeForm | None,
    problems: list[Problem],
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    today = calendars.london_date(asking.now())
    found = overdue.next_due(casetype.code, today=today)
    first = _first(casetype.code, found.last_date, actor, today=today) if found else {}
    form = form or ProposeForm(casetype=casetype, initial={"last_date": found.last_date if found else None})
    shown = {
        "kind": casetype,
        "found": found,
        "what": _what(found.count, found.people) if found else "",
        **first,
        "form": form,
        "problems": problems,
        "may_propose": disposals.may_propose(actor, casetype),
        "waiting": disposals.waiting(casetype.code),
    }
    return render(request, "cases/disposals/due.html", shown, status=status)


def _first(kind: str, last_date: date, actor: Actor, *, today: date) -> dict[str, Any]:
    """Return the first cases and people that would be erased; a link to each that the reader may see. Some dozen
    queries."""
    cases = overdue.due(kind, today=today, last_date=last_date, most=SHOWN + 1)
    people = overdue.due_people(kind, today=today, last_date=last_date, most=SHOWN + 1)
    wanted = {*(row.pk for row in cases), *(row.case_id for row in people)}
    seen = set(policy.visible_to(actor).filter(pk__in=wanted).values_list("pk", flat=True))
    casetype = casetypes.get(kind)
    return {
        "cases": [
            {"case": row, "is_seen": row.pk in seen, "kept_as": retention.name_of(row.retention_class)}
            for row in cases[:SHOWN]
        ],
        "people": [
            {
                "person": row,
                "is_seen": row.case_id in seen,
                "role": role_label(casetype, row.role),
                "kept_as": retention.name_of(row.retention_class),
            }
            for row in people[:SHOWN]
        ],
        "is_cut": len(cases) > SHOWN or len(people) > SHOWN,
        "most": SHOWN,
    }


def _what(cases: int, people: int) -> str:
    """Return in words how much it is: 3 cases, and 1 person of cases that are kept longer."""
    of_cases = f"{cases} case{'' if cases == 1 else 's'}"
    of_people = f"{people} {'person' if people == 1 else 'people'} of cases that are kept longer"
    return ", and ".join(each for count, each in ((cases, of_cases), (people, of_people)) if count)


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def one(request: HttpRequest, disposal: UUID) -> HttpResponse:
    """Show one proposal and what became of it (GET); decide on it or take it back (POST)."""
    actor = asking.actor_of(request)
    row = disposals.get_visible(actor, disposal)
    if request.method == "GET":
        return _show(request, row, actor)
    if request.POST.get("verdict") == "withdraw":
        return _try(request, row, actor, lambda **who: disposals.withdraw(row.uid, **who), "It is taken back.")
    disposals.require_decider(row, actor)
    casetype = casetypes.get(row.kind)
    if request.POST.get("verdict") == "agree":
        agreed = ConfirmForm(request.POST, casetype=casetype)
        if not agreed.is_valid():
            problems = form_problems(agreed)
            return _show(request, row, actor, problems, HTTPStatus.UNPROCESSABLE_ENTITY, agree=agreed)
        confirmed = bool(casetype.disposal_needs)
        return _try(
            request,
            row,
            actor,
            lambda **who: disposals.decide(row.uid, is_agreed=True, is_confirmed=confirmed, **who),
            "Agreed. They are being erased; this page says how far that is.",
            is_grave=True,
        )
    refused = RefuseForm(request.POST)
    if not refused.is_valid():
        problems = form_problems(refused)
        return _show(request, row, actor, problems, HTTPStatus.UNPROCESSABLE_ENTITY, refuse=refused)
    why_not = refused.cleaned_data["why_not"]
    return _try(
        request,
        row,
        actor,
        lambda **who: disposals.decide(row.uid, is_agreed=False, why_not=why_not, **who),
        "Refused. Nothing is erased.",
        is_grave=True,
    )


def _try(
    request: HttpRequest, row: Disposal, actor: Actor, act: Any, done: str, *, is_grave: bool = False
) -> HttpResponse:
    who: dict[str, Any] = {"actor": actor, "at": asking.now(), "request": asking.info(request)}
    try:
        answer = stepup.confirmed(request, lambda: act(**who)) if is_grave else act(**who)
    except CaseError as error:
        return _show(request, row, actor, [Problem(sentence=str(error))], status_of(error))
    if isinstance(answer, HttpResponse):
        return answer
    messages.success(request, done)
    return redirect("web:disposal", disposal=row.uid)


def _show(
    request: HttpRequest,
    row: Disposal,
    actor: Actor,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    *,
    agree: ConfirmForm | None = None,
    refuse: RefuseForm | None = None,
) -> HttpResponse:
    casetype, today = casetypes.get(row.kind), calendars.london_date(asking.now())
    is_open, is_mine = row.state == "open", row.proposed_by_id == actor.user_id
    shown = {
        **_row(row),
        "why_not": disposals.REFUSALS.get(row.why_not, ""),
        "what": _what(row.counted, row.people),
        **(_first(row.kind, row.last_date, actor, today=today) if is_open else {}),
        "left": _left(row),
        "which": disposals.left(row, actor, most=SHOWN),
        "may_decide": is_open and not is_mine and disposals.may_agree(actor, casetype),
        "may_withdraw": is_open and is_mine,
        "agree": agree or ConfirmForm(casetype=casetype),
        "refuse": refuse or RefuseForm(),
        "problems": problems or [],
    }
    return render(request, "cases/disposals/one.html", shown, status=status)


def _left(row: Disposal) -> list[dict[str, Any]]:
    """Return what was not erased, counted by why."""
    if row.job is None or not (row.job.skipped or row.job.failed):
        return []
    return [{"why": jobs.reason(row.job, code), "count": count} for _, code, count in jobs.left_out(row.job)]
