"""Long work in the background: my list of it, how far each is, stopping and going on, and what was left out and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.models import Job, JobRow
from cases.kernel.outputs import datacategories
from cases.web import asking
from cases.web.onecase.documents import table
from cases.web.refusals import screen

__all__ = ["entry", "mine", "progress", "resume", "rows", "stop"]

STOP_POLLING = 286
SHOWN = 50
LEFT = 25
STATES = {
    "queued": ("Waiting", "wait"),
    "running": ("Running", "info"),
    "stopping": ("Stopping", "warn"),
    "stopped": ("Stopped", "warn"),
    "done": ("Done", "done"),
    "failed": ("Failed", "bad"),
}
OUTCOMES = {"done": "Done", "skipped": "Skipped", "failed": "Failed", "pending": "Not done"}


def entry(job: Job) -> dict[str, Any]:
    """Return a job as lists show it."""
    words, tone = STATES[job.state]
    tone = "warn" if job.state == "done" and job.failed else tone
    return {"job": job, "label": jobs.label(job), "state": words, "tone": tone}


@screen
@require_GET
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """List the work I started, newest first; whoever looks after jobs also sees the system's."""
    found = jobs.visible_to(asking.actor_of(request)).select_related("asked_by").order_by("-pk")[:SHOWN]
    return render(request, "cases/jobs.html", {"entries": [entry(job) for job in found], "most": SHOWN})


@screen
@require_GET
@never_cache
def progress(request: HttpRequest, job: UUID) -> HttpResponse:
    """Show how far a job is; the fragment stops asking once it is over. Looking takes the bell away."""
    actor = asking.actor_of(request)
    row = jobs.get_visible(actor, job)
    jobs.mark_seen(row, actor=actor, at=asking.now())
    shown = {
        **entry(row),
        "reason": jobs.reason(row, row.reason) if row.reason else "",
        "reasons": _reasons(row),
        "left": _left(row, actor),
        "most_left": LEFT,
        "may_steer": jobs.may_steer(actor, row),
        "has_more": jobs.has_more(row),
    }
    if getattr(request, "htmx", False):
        return render(request, "cases/_job.html", shown, status=STOP_POLLING if row.is_over else 200)
    return render(request, "cases/job.html", shown)


def _reasons(job: Job) -> list[dict[str, Any]]:
    """Return what was skipped or failed, counted by reason; nothing is asked where nothing was."""
    if not job.skipped and not job.failed:
        return []
    return [
        {"outcome": OUTCOMES[state], "reason": jobs.reason(job, code), "count": count}
        for state, code, count in jobs.left_out(job)
    ]


def _left(job: Job, actor: Actor) -> list[dict[str, str]]:
    """Return the first that were skipped or failed, each with why, once the work is over; of those that the reader may
    know of."""
    if not job.is_over or not (job.skipped or job.failed):
        return []
    found = list(JobRow.objects.filter(job=job, state__in=["skipped", "failed"]).order_by("number")[:LEFT])
    names = jobs.names(job, actor, [each.subject for each in found])
    return [
        {"name": names[each.subject], "outcome": OUTCOMES[each.state], "reason": jobs.reason(job, each.reason)}
        for each in found
        if each.subject in names
    ]


def _steer(request: HttpRequest, uid: UUID, act: Callable[..., Any], said: str) -> HttpResponse:
    try:
        act(uid, actor=asking.actor_of(request), at=asking.now(), request=asking.info(request))
    except (NotVisible, NotAllowed):
        raise
    except CaseError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, said)
    return redirect("web:job", job=uid)


@screen
@require_POST
def stop(request: HttpRequest, job: UUID) -> HttpResponse:
    """Ask a job to stop after the row it is doing."""
    return _steer(request, job, jobs.stop, "It stops after what it is doing now.")


@screen
@require_POST
def resume(request: HttpRequest, job: UUID) -> HttpResponse:
    """Go on with what is left, and once more with what failed."""
    return _steer(request, job, jobs.resume, "It goes on where it stopped.")


@screen
@require_GET
@never_cache
def rows(request: HttpRequest, job: UUID) -> HttpResponse:
    """Hand out what was not done, as a list with reasons."""
    actor = asking.actor_of(request)
    row = jobs.get_visible(actor, job)
    left = list(JobRow.objects.filter(job=row).exclude(state="done").order_by("number"))
    names = jobs.names(row, actor, [each.subject for each in left])
    lines = [datacategories.columns("job_rows")]
    for each in left:
        why = jobs.reason(row, each.reason) if each.reason else ""
        lines.append([str(each.number), names.get(each.subject, ""), OUTCOMES[each.state], why, _time(each)])
    return table(lines, f"{row.kind}-{row.uid}.csv")


def _time(row: JobRow) -> str:
    at: datetime | None = row.handled_at
    return at.isoformat(timespec="seconds") if at else ""
