"""Figures of a quarter: which there are, having them made, reading them, and what was given to others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import policy
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Figures, FiguresRelease
from cases.kernel.reading import smallcells
from cases.kernel.timing import quarters
from cases.reports.figures import counting, files, tables
from cases.reports.figures.recipients import recipient, use
from cases.web import asking
from cases.web.onecase.documents import attachment
from cases.web.refusals import screen

__all__ = ["figures", "make", "quarter", "release_file"]

SHOWN = 40
STATES = {"queued": ("Being made", "wait"), "done": ("Ready", "done"), "failed": ("Could not be made", "bad")}


@screen
@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """List the quarters of which there are figures, newest first, and those of which they can be made. Counts no
    case."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_figures")
    rows = list(counting.with_work().order_by("-quarter").values("quarter", "made_at", "is_worked_on")[:SHOWN])
    known = {row["quarter"]: quarters.of_code(row["quarter"]) for row in rows}
    may_make = policy.can(actor, "make_figures").is_allowed
    shown = {
        "rows": [{**row, "label": _label(known[row["quarter"]], row["quarter"])} for row in rows],
        "offered": counting.offered(asking.now()) if may_make else [],
        "may_make": may_make,
    }
    return render(request, "cases/figures/list.html", shown)


def _label(found: quarters.Quarter | None, code: str) -> str:
    return found.label if found else code


@screen
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Have the figures of a quarter made in the background, and show how far that is."""
    actor = asking.actor_of(request)
    policy.require(actor, "make_figures")
    asked = quarters.of_code(request.POST.get("quarter", ""))
    if asked is None:
        messages.warning(request, "Choose a quarter.")
        return redirect("web:figures")
    try:
        _, job = counting.ask(asked, actor=actor, at=asking.now(), request=asking.info(request))
    except counting.FiguresRefused as refusal:
        messages.warning(request, str(refusal))
        return redirect("web:figures")
    if job.asked_by_id != actor.user_id:
        messages.info(request, "Somebody else has asked for these figures already.")
        return redirect("web:figures_quarter", quarter=asked.code)
    return redirect("web:job", job=job.uid)


@screen
@require_GET
def quarter(request: HttpRequest, quarter: str) -> HttpResponse:
    """Show the figures of a quarter as they were made, and to whom they were given. Counts no case."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_figures")
    row = Figures.objects.select_related("asked_by").filter(quarter=quarter).first()
    asked = quarters.of_code(quarter)
    if row is None or asked is None:
        raise Http404
    releases = row.releases.select_related("maker", "approver", "proposal").order_by("-pk")[:SHOWN]
    shown = {
        "quarter": asked,
        "row": row,
        "job": None if row.made_at else counting.job_of(row),
        "groups": _groups(row),
        "pooled": smallcells.POOLED,
        "smallest": smallcells.SMALLEST,
        "releases": [
            {"row": each, "state": STATES[each.state], "to": recipient(each.recipient), "use": use(each.use)}
            for each in releases
        ],
        "may_open": _may_open(request),
        "may_release": policy.can(actor, "propose.figures_release").is_allowed and row.made_at is not None,
    }
    return render(request, "cases/figures/quarter.html", shown)


def _groups(row: Figures) -> list[dict[str, Any]]:
    """Return the tables by kind, as they are read."""
    found: list[dict[str, Any]] = []
    for table in tables.shown(row.tables, tables.INTERNAL):
        if not found or found[-1]["kind"] != table["kind"]:
            found.append({"kind": table["kind"], "label": table["kind_label"], "tables": []})
        found[-1]["tables"].append(table)
    return found


def _may_open(request: HttpRequest) -> bool:
    actor = asking.actor_of(request)
    return any(policy.can(actor, f"{act}.figures_release").is_allowed for act in ("propose", "decide"))


@screen
@require_GET
@never_cache
def release_file(request: HttpRequest, release: UUID, form: str) -> HttpResponse:
    """Hand out a file of a release to whoever may propose or decide one; opening it is on record."""
    policy.require(asking.actor_of(request), "view_figures")
    if not _may_open(request):
        raise NotAllowed("Whoever may give figures to others opens the files.")
    rows = FiguresRelease.objects.select_related("figures", "table", "paper")
    row = rows.filter(uid=release, state="done").first()
    if row is None or form not in files.FORMS:
        raise Http404
    reader = asking.reader(request, "download", counting.PURPOSE, row.figures.uid, fields=(form,))
    data = files.open_file(row, form, reader=reader, at=asking.now())
    return attachment(data, files.file_name(row, form), media_type=files.FORMS[form][1])
