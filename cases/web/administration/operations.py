"""How the work goes, for whoever leads it or does it: figures that lead into the queue, what came and went, agencies,
work in the background, decisions that wait. Of what one may see oneself, as the queue is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel import policy
from cases.kernel.background import jobs
from cases.kernel.exchange import exchanges
from cases.kernel.reading import desk, operations
from cases.kernel.reading.operations import Counted, Standing, Traffic
from cases.web import addresses, asking, charts, tallies
from cases.web.desk import approvals, rows
from cases.web.desk.jobs import entry
from cases.web.kept import Kept
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
COUNTED = Kept("operations:2", 300)  # another number when what is kept looks otherwise
NAMES = {"on-track": "On track", "due-soon": "Due within 7 days", "overdue": "Overdue"}


@screen
@require_GET
@never_cache
def operations_page(request: HttpRequest) -> HttpResponse:
    """Show it."""
    actor, at = asking.actor_of(request), asking.now()
    policy.require(actor, "view_operations")
    if "anew" in request.GET:
        _counted(request, at, is_anew=True)
        tallies.fresh(request, at)
        return redirect("web:operations")
    counted, queue = tallies.recent(request, at), addresses.page("web:queue")
    known = _counted(request, at)
    days, standing = known.days, known.standing
    work = jobs.visible_to(actor).filter(state__in=["queued", "running", "stopping"]).select_related("asked_by")
    shown = {
        "urgent": rows.urgent_lines(actor, at=at),
        "figures": [
            {
                "label": label,
                "count": counted.get(f"view.{view}", 0),
                "url": queue if view == "open" else f"{queue}?view={view}",
                "tone": tone if counted.get(f"view.{view}") else "",
                "spark": charts.spark(known.lines[view]),
                "said": SAID[view](known.lines[view]),
            }
            for view, label, tone in FIGURES
        ],
        "as_of": known.at,
        "anew_url": f"{addresses.page('web:operations')}?anew=yes",
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
        **_agencies(exchanges.listed(actor, at=at), known.traffic),
        "jobs": [entry(job) for job in work.order_by("-pk")[:MOST]],
        "decisions": _decisions(actor),
    }
    return render(request, "cases/operations.html", shown)


def _counted(request: HttpRequest, at: datetime, *, is_anew: bool = False) -> Counted:
    """Return what was counted of what this person may see within five minutes, or count it."""
    if not is_anew and (kept := COUNTED.known(request)):
        return operations.of_plain(kept)
    found = operations.counted(asking.actor_of(request), at=at)
    COUNTED.keep(request, operations.as_plain(found))
    return found


def _lately(values: Sequence[int]) -> str:
    """Say how many more or fewer there are than at the beginning of a line of the last working days."""
    change, days = values[-1] - values[0], len(values) - 1
    said = f"{abs(change):,} {'more' if change > 0 else 'fewer'} than" if change else "As many as"
    return f"{said} {days} working days ago"


def _since(values: Sequence[int]) -> str:
    """Say how many of what there is were there at the beginning of a line already."""
    return f"{_some(values[0])} of them for {len(values) - 1} working days or more" if values[-1] else ""


def _ahead(values: Sequence[int]) -> str:
    """Say how many are to come on the days of a line after its first."""
    return f"{_some(sum(values[1:]))} in the next {len(values) - 1} working days"


def _some(count: int) -> str:
    return f"{count:,}" if count else "None"


SAID: Mapping[str, Callable[[Sequence[int]], str]] = {
    "open": _lately,
    "overdue": _since,
    "today": _ahead,
    "approval": _lately,
    "held": _lately,
}


def _agencies(register: list[exchanges.Listed], sent: Mapping[int, Traffic]) -> dict[str, Any]:
    """Return those to whom something was sent or of whom something is to be known, and how many others there are."""
    told = [each for each in register if each.agency.pk in sent or not each.is_up or each.has_stuck]
    rows = [
        {"listed": each, "traffic": found, "median": _length(found.median) if found else ""}
        for each in told
        for found in [sent.get(each.agency.pk)]
    ]
    return {"agencies": rows, "quiet": len(register) - len(told)}


LENGTHS = ((timedelta(days=1), "day"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def _length(took: timedelta | None) -> str:
    """Write a length of time by its greatest unit, as short as people do."""
    if took is None:
        return ""
    if took < timedelta(seconds=1):
        return "under 1 s"
    took = timedelta(seconds=round(took.total_seconds()))
    unit, name = next(((unit, name) for unit, name in LENGTHS if took >= unit), (timedelta(seconds=1), "s"))
    count = round(took / unit)
    return f"{count} {name}{'s' if name == 'day' and count != 1 else ''}"


def _bars(standing: Sequence[Standing]) -> dict[str, Any]:
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
