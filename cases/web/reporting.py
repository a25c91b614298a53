"""Asking for the audit report of a case, and watching it being made."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import policy
from cases.web import asking
from cases.web.refusals import screen

__all__ = ["ask", "progress"]

FINISHED = {"done", "failed"}
STOP_POLLING = 286


@require_POST
@screen
def ask(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Ask for a report; asking is an act on record. A task makes it."""
    from cases import reports  # noqa: PLC0415 -- WeasyPrint behind it costs most of a second

    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "report", case=case)
    report = reports.request(case, actor=actor, at=asking.now())
    return redirect("web:report_progress", uid=case.uid, report=report.uid)


@require_GET
@never_cache
@screen
def progress(request: HttpRequest, uid: UUID, report: UUID) -> HttpResponse:
    """Show how far a report is; the fragment stops asking once it is finished."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "report", case=case)
    row = case.reports.select_related("requested_by").filter(uid=report).first()
    if row is None:
        raise Http404
    shown = {"case": case, "report": row, "is_finished": row.state in FINISHED}
    if getattr(request, "htmx", False):
        status = STOP_POLLING if shown["is_finished"] else 200
        return render(request, "cases/_report.html", shown, status=status)
    return render(request, "cases/report.html", shown)
