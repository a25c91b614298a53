"""How the work goes, for whoever leads it or does it: figures that lead into the queue, what came and went, agencies,
work in the background, decisions that wait. Of what one may see oneself, as the queue is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel import jobs, policy
from cases.kernel.exchange import exchanges
from cases.kernel.reading import desk, operations
from cases.kernel.reading.operations import Standing, Traffic
from cases.web import addresses, approvals, asking, charts, context, rows
from cases.web.jobs import entry
from cases.web.refusals import screen

__all__ = ["operations_page"]

# The figures at the head: which view of the queue each counts, and whether any is too many.
FIGURES = (
    ("open", "Open cases", ""),
    ("overdue", "Overdue", "bad"),
    ("today", "Due today", ""),
    ("approval", "Awaiting approval", ""),
    ("held", "On hold", ""),
)
MOST = 6
NAMES = {"on-track": "On track", "due-soon": "Due within 7 days", "overdue": "Overdue"}


@screen
@require_GET
@never_cache
def operations_page(request: HttpRequest) -> HttpResponse:
    """Show it."""
    actor, at = asking.actor_of(request), asking.now()
    policy.require(actor, "view_operations")
    counted, queue = context.fresh_counts(request, at), addresses.page("web:queue")
    days = operations.flow(actor, at=at)
    standing = operations.standing(actor, at=at)
    work = jobs.visible_to(actor).filter(state__in=["queued", "running", "stopping"]).select_related("asked_by")
    shown = {
        "urgent": rows.urgent_lines(actor, at=at),
        "figures": [
            {
                "label": label,
                "count": counted[f"view.{view}"],
                "url": queue if view == "open" else f"{queue}?view={view}",
                "tone": tone if counted[f"view.{view}"] else "",
            }
            for view, label, tone in FIGURES
        ],
        "days": days,
        "flow": charts.lines(
            [f"{each.day:%-d %b}" for each in days],
            {"Opened": [each.opened for each in days], "Closed": [each.closed for each in days]},
        ),
        "opened": sum(each.opened for each in days),
        "closed": sum(each.closed for each in days),
        "standing": standing,
        "queue": queue,
        "bars": _bars(standing),
        "names": NAMES,
        **_agencies(exchanges.listed(actor, at=at), operations.traffic(actor, at=at)),
        "jobs": [entry(job) for job in work.order_by("-pk")[:MOST]],
        "decisions": _decisions(actor),
    }
    return render(request, "cases/operations.html", shown)


def _agencies(register: list[exchanges.Listed], sent: Mapping[int, Traffic]) -> dict[str, Any]:
    """Return those to whom something was sent or of whom something is to be known, and how many others there are."""
    told = [each for each in register if each.agency.pk in sent or not each.is_up or each.has_stuck]
    rows = [{"listed": each, "traffic": sent.get(each.agency.pk)} for each in told]
    return {"agencies": rows, "quiet": len(register) - len(told)}


def _bars(standing: list[Standing]) -> dict[str, Any]:
    timed = [each for each in standing if each.total > each.timeless]
    found = charts.bars(
        [
            (each.label, {"on-track": each.on_track, "due-soon": each.due_soon, "overdue": each.overdue})
            for each in timed
        ]
    )
    return {
        "bars": found,
        "width": charts.BARS_WIDTH,
        "height": charts.ROW * len(found),
        "timeless": sum(each.timeless for each in standing),
    }


def _decisions(actor: Any) -> list[dict[str, Any]]:
    return [approvals.entry(each, ()) for each in desk.approvals_for(actor)[:MOST]]
