"""Pages of acts that change which people belong to which case: splitting, detaching a wrong person, merging."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import approvals, casetypes, policy, transitions
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections
from cases.kernel.linking import detaching, mergepreview
from cases.kernel.models import Case
from cases.kernel.reading import queries
from cases.kernel.reading.queries import CaseFile
from cases.web import asking
from cases.web.desk import rows
from cases.web.onecase import casepage, decision
from cases.web.onecase.commonforms import DetachForm, SplitForm
from cases.web.refusals import Problem, form_problems, screen, status_of
from cases.web.wording import role_label, words

__all__ = ["detach", "merge", "split"]


def _allowed(request: HttpRequest, uid: UUID, act: str) -> Case:
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, f"{case.kind}.{act}", case=case)
    return case


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _apply(request: HttpRequest, case: Case, act: str, form: Any) -> tuple[list[Problem], HTTPStatus]:
    """Make or propose the act; return the refusal, if there is one."""
    if not form.is_valid():
        return form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        transitions.apply(
            case.pk,
            act,
            actor=asking.actor_of(request),
            at=asking.now(),
            reason=request.POST.get("reason", ""),
            inputs=form.inputs(),
            version=_version(request),
            request=asking.info(request),
        )
    except CaseError as error:
        return [Problem(sentence=str(error))], status_of(error)
    return [], HTTPStatus.OK


def _said(case: Case, act: str, done: str) -> str:
    is_open = approvals.open_for(case, act) is not None
    return "Proposed. It happens when another person agrees." if is_open else done


@screen
@require_http_methods(["GET", "POST"])
def split(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Ask who and what goes to a new case (GET); propose the split (POST)."""
    case = _allowed(request, uid, "split")
    form = SplitForm(request.POST if request.method == "POST" else None, case=case)
    problems, status = list[Problem](), HTTPStatus.OK
    if request.method == "POST":
        problems, status = _apply(request, case, "split", form)
        if not problems:
            messages.success(request, _said(case, "split", "The case is split."))
            return redirect("web:case", uid=uid)
    shown = {"case": case, "form": form, "problems": problems, "reason": request.POST.get("reason", "")}
    return render(request, "cases/split.html", shown, status=status)


@screen
@require_http_methods(["GET", "POST"])
def detach(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Say who was told of a person and ask why they are the wrong one (GET); detach them or propose it (POST)."""
    case = _allowed(request, uid, "detach")
    party = case.parties.filter(number=number).first()
    if party is None:
        raise Http404
    problems, status = list[Problem](), HTTPStatus.OK
    if request.method == "POST":
        problems, status = _apply(request, case, "detach", DetachForm({"person": number}, case=case))
        if not problems:
            messages.success(request, _said(case, "detach", f"Person {number} is detached."))
            return redirect("web:case", uid=uid)
    shown = {
        "case": case,
        "person": party,
        "role": role_label(casetypes.get(case.kind), party.role),
        "told": [each.agency.display_name for each in corrections.earlier_recipients(case, party=party)],
        "filed": sorted({row.recipient.display_name for row in detaching.told_by_filing(case, party)}),
        "by_two": detaching.was_told(case),
        "problems": problems,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "cases/detach.html", shown, status=status)


def _into(request: HttpRequest, file: CaseFile, why: str) -> str:
    """Return the reference the address asks about; without one, that of the merge that is proposed."""
    asked = request.GET.get("into", "").replace("\0", "").strip()
    if asked:
        return asked
    given = decision.opened(file, asking.reader(request, "view", why, file.case.uid), asking.now())
    waiting = next((each for each in file.approvals if each["act"] == "merge" and each["id"] in given), None)
    return str(given[waiting["id"]]["inputs"].get("reference", "")) if waiting else ""


@screen
@require_GET
def merge(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what merging this case into another would do, before it is proposed and before anybody agrees."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, file.case)
    casepage.note_look(request, file.case, why, at)
    case, casetype = file.case, casetypes.get(file.case.kind)
    reference = _into(request, file, why)
    seen = policy.visible_to(actor).filter(kind=case.kind, reference__iexact=reference) if reference else None
    other = seen.exclude(pk=case.pk).select_related("team").first() if seen is not None else None
    found = mergepreview.preview(case, other, actor=actor, at=at) if other else None
    problems = [Problem(sentence="You see no other case of this kind with that reference.", anchor="id_into")]
    shown = {
        "case": case,
        "reference": reference,
        "problems": problems if reference and other is None else [],
        "here": rows.row(case),
        "there": rows.row(other) if other else None,
        "preview": found,
        "people": [(each, role_label(casetype, each.code)) for each in found.people] if found else [],
        "documents": _documents(casetype, found),
        "is_waiting": any(each["act"] == "merge" for each in file.approvals),
        "may_propose": policy.can(actor, f"{case.kind}.merge", case=case).is_allowed,
    }
    return render(request, "cases/merge.html", shown, status=HTTPStatus.OK if not shown["problems"] else 422)


def _documents(casetype: Any, found: mergepreview.Preview | None) -> list[tuple[Any, str]]:
    kinds = dict(casetype.evidence_kinds)
    return [(each, kinds.get(each.code, words(each.code))) for each in found.documents] if found else []
