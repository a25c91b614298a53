"""Asking for the audit report or another paper of a case, and watching it being made."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import AuditReport
from cases.kernel.reading import queries
from cases.web import asking
from cases.web.onecase import casepage
from cases.web.onecase.documents import archive, attachment
from cases.web.refusals import Problem, problem, screen, status_of

__all__ = ["ask", "file", "progress"]

FINISHED = {"done", "failed"}
STOP_POLLING = 286


@screen
@require_POST
def ask(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Ask for a report; asking is an act on record. A task makes it."""
    from cases import reports  # noqa: PLC0415 -- what stands behind it is slow to load

    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    why = casepage.purpose_of(request, file, actor)
    try:
        report = reports.request(
            file.case,
            actor=actor,
            at=asking.now(),
            reason=casepage.PURPOSES.get(why, ""),
            level=request.POST.get("level", "")[:12] or reports.INTERNAL,
            request=asking.info(request),
        )
    except NotAllowed:
        raise
    except CaseError as error:
        return casepage.show(request, uid, problems=[Problem(sentence=str(error))], status=status_of(error))
    return redirect("web:report_progress", uid=uid, report=report.uid)


@screen
@require_GET
@never_cache
def progress(request: HttpRequest, uid: UUID, report: UUID) -> HttpResponse:
    """Show how far a report is; the fragment stops asking once it is finished."""
    from cases import reports  # noqa: PLC0415 -- as in ask

    actor = asking.actor_of(request)
    opened = queries.case_file(actor, uid)
    case = opened.case
    row = case.reports.select_related("requested_by").filter(uid=report).first()
    policy.require(actor, reports.act_of(case, row.level if row else reports.INTERNAL), case=case)
    if row is None:
        raise Http404
    if not casepage.purpose_of(request, opened, actor):
        return redirect("web:case", uid=uid)
    label = reports.label_of(case, row.level)
    row.case = case
    shown = {"case": case, "report": row, "label": label, "is_finished": row.state in FINISHED}
    shown["has_copies"] = row.state == "done" and row.erased_at is None and reports.has_copies(row)
    if getattr(request, "htmx", False):
        status = STOP_POLLING if shown["is_finished"] else 200
        return render(request, "cases/_report.html", shown, status=status)
    return render(request, "cases/report.html", shown)


@screen
@require_GET
@never_cache
def file(request: HttpRequest, uid: UUID, report: UUID) -> HttpResponse:
    """Hand out a finished report as an attachment, alone or in one file with the copies that go with it; opening it is
    on record, with why for whoever has to say so first."""
    from cases import reports  # noqa: PLC0415 -- as in ask

    actor = asking.actor_of(request)
    opened = queries.case_file(actor, uid)
    row = opened.case.reports.select_related("case", "blob", "data_blob").filter(uid=report, state="done").first()
    if row is None:
        raise Http404
    if not (why := casepage.purpose_of(request, opened, actor)):
        policy.require(actor, reports.act_of(opened.case, row.level), case=opened.case)
        return redirect("web:case", uid=uid)
    if row.erased_at is not None:
        return redirect("web:report_progress", uid=uid, report=row.uid)
    try:
        return _handed_out(request, row, actor=actor, why=why)
    except NotAllowed:
        raise
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))


def _handed_out(request: HttpRequest, row: AuditReport, *, actor: Actor, why: str) -> HttpResponse:
    from cases import reports  # noqa: PLC0415 -- as in ask

    at = asking.now()
    if request.GET.get("form") == "copies" and reports.has_copies(row):
        chunks = reports.open_bundle(row, actor=actor, at=at, purpose=why, request=asking.info(request))
        return archive(chunks, reports.file_name(row, ending="zip"))
    is_data = row.data_blob is not None and request.GET.get("form") == "data"
    data = reports.open_report(
        row, actor=actor, at=at, is_data=is_data, purpose=why, request_id=asking.request_id(request)
    )
    if is_data:
        return attachment(data, reports.file_name(row, ending="json"), media_type="application/json")
    return attachment(data, reports.file_name(row, ending="pdf"), media_type="application/pdf")
