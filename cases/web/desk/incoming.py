"""What agencies told of cases and somebody has to decide: the list, one case's, and the page of one."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, conflicts, policy
from cases.kernel.actors import Actor
from cases.kernel.casetypes import CaseType, Incoming
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.exchange import exchanges
from cases.kernel.models import Callback, Task
from cases.kernel.reading import queries, worklist
from cases.kernel.reading.queries import CaseFile
from cases.ledger import reads
from cases.web import asking, stepup
from cases.web.keyset import pageful
from cases.web.onecase import casepage
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["case_incoming", "incoming", "notice"]

VIEWS = {"waiting": "To decide", "decided": "Decided"}


def _known_to(actor: Actor) -> list[CaseType]:
    """Return the kinds of which agencies tell such things and whose cases this person may see."""
    kinds = [each for each in casetypes.all_types() if each.incoming is not None]
    return [each for each in kinds if policy.can(actor, "view", kind=each.code).is_allowed]


def _entry(plan: Incoming, row: Any, due: dict[tuple[int, int], Any]) -> dict[str, Any]:
    label = dict(plan.outcomes.get(row.kind, ())).get(row.outcome, "")
    return {
        "row": row,
        "case": row.case,
        "label": plan.labels.get(row.kind, row.kind),
        "outcome": label.partition(":")[0],
        "is_waiting": row.outcome in plan.waiting,
        "due_at": due.get((row.case_id, row.number)),
    }


def _due(rows: list[Any]) -> dict[tuple[int, int], Any]:
    """Return until when each notice is to be decided. One query."""
    open_tasks = Task.objects.filter(
        case_id__in={row.case_id for row in rows}, closed_at=None, detail__has_key="notice", due_at__isnull=False
    )
    return {(task.case_id or 0, task.detail["notice"]): task.due_at for task in open_tasks}


def _unmatched(actor: Actor) -> list[dict[str, Any]]:
    """Return how many calls of each agency belong to no case yet. Two queries."""
    waiting = Callback.objects.filter(exchanges.TO_REVIEW, case=None)
    rows = waiting.exclude(agency__kind__in=exchanges.closed_kinds(actor))
    found = Counter(rows.values_list("agency__code", "agency__display_name")[: worklist.CAP])
    return [{"code": code, "name": name, "count": count} for (code, name), count in sorted(found.items())]


@screen
@require_GET
def incoming(request: HttpRequest) -> HttpResponse:
    """List what agencies told of the cases I may see, by kind: what waits for a decision, or what was decided."""
    actor = asking.actor_of(request)
    kinds = _known_to(actor)
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "waiting"
    wanted = [each for each in kinds if each.code == request.GET.get("kind", "")] or kinds
    shown: dict[str, Any] = {
        "view": view,
        "tabs": [{"code": code, "label": label, "is_current": code == view} for code, label in VIEWS.items()],
        "kinds": kinds,
        "entries": [],
    }
    if wanted and wanted[0].incoming is not None:
        casetype, plan = wanted[0], wanted[0].incoming
        rows = _rows(plan.model).filter(case__in=policy.visible_to(actor))
        rows = rows.filter(outcome__in=plan.waiting) if view == "waiting" else rows.exclude(outcome__in=plan.waiting)
        page = pageful(rows, request, is_descending=view == "decided")
        due = _due(page.rows) if page.rows else {}
        shown |= {"page": page, "casetype": casetype, "entries": [_entry(plan, row, due) for row in page.rows]}
        shown["unmatched"] = _unmatched(actor)
    return render(request, "cases/incoming/list.html", shown)


def _rows(model: type[Model]) -> Any:
    return model._default_manager.select_related("case", "agency", "decided_by")


def _opened(request: HttpRequest, uid: UUID) -> tuple[Actor, CaseFile, Incoming, str]:
    """Return who asks, the case, what its kind says about notices, and why the person reads it ('' if unsaid)."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    plan = casetypes.get(file.case.kind).incoming
    if plan is None:
        raise NotVisible
    return actor, file, plan, casepage.purpose_of(request, file, actor)


@screen
@require_GET
def case_incoming(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what agencies told of one case. Opens no sealed value."""
    actor, file, plan, why = _opened(request, uid)
    if not why:
        return casepage.ask_purpose(request, file.case)
    reader = asking.reader(request, "view", why, file.case.uid, fields=("incoming",))
    reads.record_read(reader, at=asking.now(), result_count=1)
    rows = list(_rows(plan.model).filter(case=file.case).order_by("-number"))
    due = {(file.case.pk, task["detail"].get("notice")): task["due_at"] for task in file.tasks if task["due_at"]}
    shown = {"entries": [_entry(plan, row, due) for row in rows]}
    return render(request, "cases/incoming/case.html", casepage.header(file, "case_incoming", actor) | shown)


@screen
@never_cache
@require_http_methods(["GET", "POST"])
def notice(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Show what an agency told and what was decided about it (GET); decide, with a reason (POST)."""
    actor, file, plan, why = _opened(request, uid)
    row = _rows(plan.model).filter(case=file.case, number=number).first()
    if row is None:
        raise NotVisible
    right = policy.can(actor, f"decide_{row.kind}", case=file.case)
    if request.method == "POST" and not right.is_allowed:
        raise NotAllowed(right.sentence)
    if not why:
        return casepage.ask_purpose(request, file.case)
    is_open = row.outcome in plan.waiting | plan.taken_back
    form = plan.form(request.POST if request.method == "POST" else None, notice=row)
    if right.is_grave and form.is_valid() and (answer := stepup.require(request)) is not None:
        return answer
    problems: list[Problem] = []
    status = int(HTTPStatus.OK)
    if request.method == "POST":
        said, problems, status = _decide(request, plan, row, form)
        if said:
            messages.success(request, said)
            return redirect("web:incoming_notice", uid=uid, number=number)
    shown = casepage.header(file, "case_incoming", actor) | {
        "entry": _entry(plan, row, {(file.case.pk, number): _due_of(file, number)}),
        "told": _told(request, plan, row, actor, why),
        "form": form if right.is_allowed and is_open else None,
        "problems": problems,
    }
    return render(request, "cases/incoming/notice.html", shown, status=status)


def _due_of(file: CaseFile, number: int) -> Any:
    return next((task["due_at"] for task in file.tasks if task["detail"].get("notice") == number), None)


def _told(request: HttpRequest, plan: Incoming, row: Any, actor: Actor, why: str) -> list[tuple[str, str]] | None:
    """Return what the agency told, in clear, for whoever may read personal values of the case and has no registered tie
    to somebody in it; its reading is kept."""
    reader = asking.reader(request, "view", why, row.case.uid, fields=("notice",))
    if not policy.can(actor, "reveal", case=row.case).is_allowed or conflicts.why_not(actor, row.case):
        reads.record_read(reader, at=asking.now(), result_count=1)
        return None
    return plan.said(row, reader=reader, at=asking.now())


def _decide(request: HttpRequest, plan: Incoming, row: Any, form: Any) -> tuple[str, list[Problem], int]:
    """Return what is now so, or the refusal and its status."""
    if not form.is_valid():
        return "", form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        said = plan.decide(
            row,
            form.cleaned_data["outcome"],
            actor=asking.actor_of(request),
            at=asking.now(),
            reason=form.cleaned_data["reason"],
            inputs=form.inputs(),
            request=asking.info(request),
        )
    except NotAllowed:
        raise
    except CaseError as refusal:
        return "", [Problem(sentence=str(refusal))], status_of(refusal)
    return said, [], HTTPStatus.OK
