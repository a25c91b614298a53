"""What people do to a case from its page. Each view makes one call; a refusal comes back with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from cases.kernel import approvals, casetypes, edits, policy, roles, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Note, User
from cases.kernel.reading import desk, timeline
from cases.kernel.transitions import CaseChanged
from cases.web import addresses, asking, stepup
from cases.web.onecase import casepage, decision, once
from cases.web.onecase.casepage import Typed
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["assign", "close_task", "note", "step", "take", "verdict"]


ANYBODY = "anybody"


def _back(request: HttpRequest, uid: UUID, part: str = "") -> HttpResponse:
    """Return to the list the form came from, else to the case, or to a part of its page."""
    target = request.POST.get("back", "")
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return HttpResponseRedirect(target)
    return HttpResponseRedirect(f"{addresses.of_case('web:case', uid)}{part}")


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _was(request: HttpRequest, missing: str = "") -> int | None:
    """Return who had the case on the page the form came from; an empty one saw it with nobody."""
    text = request.POST.get("was", missing)
    if text == ANYBODY:
        return edits.ANYBODY
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _refused(request: HttpRequest, case: Case, error: CaseError, typed: Typed) -> HttpResponse:
    """Draw the case anew with the refusal and what was typed; a conflict also says who changed what."""
    sentence = str(error)
    if isinstance(error, CaseChanged | edits.EditConflict):
        sentence = f"{sentence} {timeline.last_change(case)} Read it, then decide again; what you typed is kept."
    return casepage.show(request, case.uid, problems=[Problem(sentence=sentence)], typed=typed, status=status_of(error))


def _do(
    request: HttpRequest,
    case: Case,
    act: Callable[[], Any],
    *,
    said: str | Callable[[Any], str],
    typed: Typed,
    makes: type[Model] | None = None,
    part: str = "",
) -> HttpResponse:
    """Make the call; say what is now so, or show the case with the refusal and what was typed. `makes` is the row that
    a form is good for once, `part` where on the page it shows."""
    try:
        done = act()
    except CaseError as error:
        return _refused(request, case, error, typed)
    except IntegrityError:
        if makes is None or not once.has_made(makes, once.uid_of_sent(request)):
            raise
        messages.info(request, once.SENT)
        return _back(request, case.uid, part)
    messages.success(request, said if isinstance(said, str) else said(done))
    return _back(request, case.uid, part)


@screen
@require_POST
def take(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Make the case mine."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    return _do(
        request,
        case,
        lambda: edits.assign(
            case.pk,
            asking.user_of(request),
            actor=actor,
            at=asking.now(),
            was=_was(request),
            request=asking.info(request),
        ),
        said=f"{case.reference} is yours.",
        typed=Typed(),
    )


@screen
@require_http_methods(["GET", "POST"])
def assign(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Choose who gets the case (GET); give it to a colleague of its team, or back to nobody."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    if request.method == "GET":
        policy.require(actor, "assign", case=case)
        return render(request, "cases/assign.html", {"case": case, "people": desk.colleagues_of(case)})
    number = request.POST.get("assignee", "")
    user = User.objects.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 10 else None
    if number and user is None:
        return _refused(request, case, edits.EditRefused("Choose a person of the case's team."), Typed())
    return _do(
        request,
        case,
        lambda: edits.assign(
            case.pk, user, actor=actor, at=asking.now(), was=_was(request, ANYBODY), request=asking.info(request)
        ),
        said=f"{case.reference} is now with {user.display_name}." if user else f"{case.reference} is with nobody now.",
        typed=Typed(),
    )


@screen
@require_POST
def note(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Write a note."""
    actor, text = asking.actor_of(request), request.POST.get("note", "")
    case = policy.get_visible(actor, uid)
    return _do(
        request,
        case,
        lambda: edits.add_note(
            case.pk, text, actor=actor, at=asking.now(), uid=once.uid_of_sent(request), request=asking.info(request)
        ),
        said="Note added.",
        typed=Typed(note=text),
        makes=Note,
        part="#tl-h",
    )


@screen
@require_POST
def close_task(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Mark a task of the case as done, with what was done."""
    actor, reason = asking.actor_of(request), request.POST.get("reason", "")
    case = policy.get_visible(actor, uid)
    return _do(
        request,
        case,
        lambda: edits.close_task(
            case.pk, number, actor=actor, at=asking.now(), reason=reason, request=asking.info(request)
        ),
        said="The task is done.",
        typed=Typed(),
    )


@screen
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, uid: UUID, name: str) -> HttpResponse:
    """Move the case along one transition. A grave one asks for the second factor first, once its form is filled in.

    A GET only leads back to the case: it is where a browser lands that lost the form on its way.
    """
    if request.method == "GET":
        return redirect("web:case", uid=uid)
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    casetype = casetypes.get(case.kind)
    if name not in casetype.lifecycle:
        raise Http404
    form_class = decision.form_of(case.kind, name)
    form = decision.bind(form_class, name, case, request.POST) if form_class else None
    typed = Typed(step=name, form=form, reason=request.POST.get("reason", ""))
    if form is not None and not form.is_valid():
        return casepage.show(
            request, uid, problems=form_problems(form), typed=typed, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    if policy.can(actor, f"{case.kind}.{name}", case=case).is_grave and (answer := stepup.require(request)) is not None:
        return answer
    return _do(
        request,
        case,
        lambda: casetype.in_background.get(name, transitions.apply)(
            case.pk,
            name,
            actor=actor,
            at=asking.now(),
            reason=typed.reason,
            inputs=form.inputs() if form is not None else None,
            version=_version(request),
            request=asking.info(request),
        ),
        said=lambda moved: _what_came_of_it(moved, name),
        typed=typed,
    )


def _what_came_of_it(case: Case, name: str) -> str:
    """Say where the case stands now, or who has to agree before anything happens."""
    if (waiting := approvals.open_for(case, name)) is not None:
        needs = " and ".join(roles.ROLES[code].label.lower() for code in waiting.needs)
        return f"Proposed. It happens when another person agrees: {needs}."
    if name in casetypes.get(case.kind).in_background:
        return "It is being done in the background. You may leave this page; the bell tells you when it has ended."
    return f"{case.reference}: {_state_label(case)}."


SAID = {
    "agreed": "You agreed.",
    "refused": "You declined. Nothing was done.",
    "withdrawn": "You took it back. Nothing was done.",
    "confirmed": "Confirmed.",
    "not_confirmed": "Not confirmed. A task was raised.",
}


@screen
@require_http_methods(["GET", "POST"])
def verdict(request: HttpRequest, uid: UUID, approval: UUID) -> HttpResponse:
    """Answer what somebody proposed, or what was done and waits to be looked at. Agreeing to a grave act asks for the
    second factor first. A GET only leads back to the case."""
    if request.method == "GET":
        return redirect("web:case", uid=uid)
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    act = case.approvals.filter(uid=approval).values_list("act", flat=True).first()
    if act is None:
        raise Http404
    said = request.POST.get("verdict", "")
    is_grave = policy.can(actor, f"{case.kind}.{act}.check", case=case).is_grave
    if is_grave and said in {"agreed", "confirmed"} and (answer := stepup.require(request)) is not None:
        return answer
    reason = request.POST.get("reason", "")
    return _do(
        request,
        case,
        lambda: verdicts.decide(
            approval,
            said,
            actor=actor,
            at=asking.now(),
            reason=reason,
            answer=request.POST.get("answer", ""),
            version=_version(request),
            request=asking.info(request),
        ),
        said=lambda moved: f"{SAID[said]} {moved.reference}: {_state_label(moved)}.",
        typed=Typed(step=str(approval), reason=reason),
    )


def _state_label(case: Case) -> str:
    return casetypes.get(case.kind).lifecycle.state(case.state).label.lower()
