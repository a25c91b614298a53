"""The team queue: filters in the address, keyset pages, taking a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import edits, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.kernel.personal.views import SavedAs
from cases.kernel.reading import desk, worklist
from cases.kernel.reading.paging import Page
from cases.kernel.reading.worklist import Cursor, Filters
from cases.web import addresses, asking, context, cursors, tallies
from cases.web.desk import filters, rows, several, views, viewtallies
from cases.web.refusals import screen

__all__ = ["newer", "next_case", "queue", "take_next"]


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One view of the queue as a link."""

    label: str
    url: str
    count: int | None
    is_current: bool


# What stands first, as the page says it.
ORDERS = {
    "due": "most urgent first",
    "amount": "the greatest amount first",
    "changed": "the last change first",
    "opened": "the oldest first",
}


@dataclass(frozen=True, kw_only=True)
class SortLink:
    """One column head that orders the queue."""

    label: str
    url: str
    direction: str
    is_current: bool


def _url(query: QueryDict, **changed: str) -> str:
    return cursors.url(addresses.page("web:queue"), query, **changed)


def _place(query: QueryDict, sort: str) -> Cursor | None:
    return cursors.read(query, lambda text: filters.sort_value(sort, text))


def _tabs(query: QueryDict, current: str, counted: Mapping[str, int]) -> list[Tab]:
    return [
        Tab(
            label=view.label,
            url=_url(query, view="" if code == "open" else code),
            count=counted.get(f"view.{code}"),
            is_current=code == current,
        )
        for code, view in worklist.VIEWS.items()
    ]


def _pinned(kept: Sequence[SavedAs], asked_now: str, counted: Mapping[str, int]) -> list[Tab]:
    """Return the views that stand beside the tabs, with how many each held when they were last counted."""
    return [
        Tab(
            label=each.name,
            url=views.address(each.query),
            count=counted.get(each.query),
            is_current=each.query == asked_now,
        )
        for each in kept
        if each.is_pinned
    ]


def _sorts(query: QueryDict, asked: Filters) -> dict[str, SortLink]:
    return {
        code: SortLink(
            label=sort.label,
            url=_url(query, sort="" if code == worklist.VIEWS[asked.view].sort else code),
            direction="descending" if sort.is_descending else "ascending",
            is_current=code == asked.sort,
        )
        for code, sort in worklist.SORTS.items()
    }


def _counted(request: HttpRequest, asked: Filters, page: Page, at: datetime) -> dict[str, int]:
    """Count the views within the filters; the bare queue's counts are the rail's own. Those of an agency are not
    counted, that may read all that it was ever told, for each view: the page tells what it shows itself, and says so
    where it does not show all."""
    if asked == Filters(view=asked.view, sort=asked.sort):
        return tallies.recent(request, at)
    if asked.agency:
        return {} if page.next or page.previous else {f"view.{asked.view}": len(page.rows)}
    return worklist.counts(asking.actor_of(request), at=at, filters=asked)


def _found_by_reference(actor: Actor, reference: str) -> Case | None:
    if not reference:
        return None
    return policy.visible_to(actor).filter(reference__iexact=reference).first()


def _commands(may_take: bool) -> list[context.Command]:
    take = context.Command(label="Take the next case", icon="arrow-right", target="take-next", key="T")
    return [take] if may_take else []


@screen
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Show one page of the cases I may see, most urgent first unless asked otherwise."""
    actor, at = asking.actor_of(request), asking.now()
    asked, faults = filters.read(request.GET, actor=actor, at=at)
    if found := _found_by_reference(actor, asked.reference):
        return redirect("web:case", uid=found.uid)
    size = context.rows_of(request)
    page = worklist.queue(actor, asked, _place(request.GET, asked.sort), at=at, size=size)
    people, agencies = desk.choices(actor)
    may_take = bool(policy.kinds(actor, "take"))
    counted = _counted(request, asked, page, at)
    chips = filters.chips(request.GET, asked, actor=actor, people=people, agencies=agencies, counted=counted)
    lines = [rows.line(case, at=at, actor=actor) for case in page.rows]
    asked_now, kept = views.asked(request.GET), views.of(request)
    pinned = _pinned(kept, asked_now, viewtallies.known(request))
    shown = {
        "heading": next((chip.shown for chip in chips if chip.name == "kind" and chip.is_on), "Team queue"),
        "lines": lines,
        "may_give": any(line.pick for line in lines),
        "people": several.people(people),
        **several.offered(),
        "first_url": _url(request.GET),
        "sizes": [(each, each == str(size)) for each in context.ROWS],
        "view_count": counted.get(f"view.{asked.view}") if page.next or page.previous else None,
        "is_uncounted": not counted,
        "urgent": rows.urgent_lines(actor, at=at),
        "tabs": [*_tabs(request.GET, "" if any(tab.is_current for tab in pinned) else asked.view, counted), *pinned],
        "order": ORDERS[asked.sort],
        "sorts": _sorts(request.GET, asked),
        "chips": chips,
        "chips_on": [chip for chip in chips if chip.is_on],
        "faults": faults,
        "list_url": addresses.page("web:queue"),
        "clear_url": _url(QueryDict(), view="" if asked.view == "open" else asked.view),
        "unassigned_url": f"{addresses.page('web:queue')}?view=unassigned",
        "reference": asked.reference,
        **cursors.neighbours(addresses.page("web:queue"), request.GET, page),
        **_newer(request, asked, at),
        "may_take": may_take,
        "commands": _commands(may_take),
        "here": request.get_full_path(),
        "back": request.get_full_path(),
        "asked": asked_now,
        "view_kept": next((each for each in kept if each.query == asked_now), None),
        "teams": {str(each.team_id): each.team for each in people if each.team_id in actor.team_ids},
    }
    return render(request, "cases/queue.html", shown)


def _newer(request: HttpRequest, asked: Filters, since: datetime, count: int = 0) -> dict[str, object]:
    """What the line above the rows says, and where it asks again: rows never move under a reader's hand."""
    return {
        "newer": count,
        "since": since,
        "newer_url": cursors.url(addresses.page("web:newer"), request.GET, since=since.isoformat()),
        "show_url": _url(request.GET, since=""),
    }


@screen
@require_GET
def newer(request: HttpRequest) -> HttpResponse:
    """Return the line that says how many cases were opened since the page was drawn; asked for every minute while the
    page is looked at."""
    actor, at = asking.actor_of(request), asking.now()
    asked, _ = filters.read(request.GET, actor=actor, at=at)
    try:
        since = cursors.moment(request.GET.get("since", "")) or at
    except ValueError:
        since = at
    count = worklist.opened_since(actor, asked, since, at=at)
    return render(request, "cases/_newer.html", _newer(request, asked, since, count))


@screen
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the most urgent unassigned case of my teams and open it."""
    actor, at = asking.actor_of(request), asking.now()
    case = worklist.take_next(actor, at=at)
    if case is None:
        messages.info(request, "Nothing is waiting to be taken.")
        return redirect("web:queue")
    try:
        edits.assign(case.pk, asking.user_of(request), actor=actor, at=at, was=None, request=asking.info(request))
    except CaseError as error:
        messages.error(request, str(error))
        return redirect("web:queue")
    messages.success(request, f"{case.reference} is yours.")
    return redirect("web:case", uid=case.uid)


@screen
@require_GET
def next_case(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Open the case that follows this one in my open queue, or stands before it, or the queue where none does."""
    actor, at = asking.actor_of(request), asking.now()
    case = policy.get_visible(actor, uid)
    here = Cursor(value=case.due_at, id=case.pk, is_backward=request.GET.get("way") == "back")
    following = worklist.queue(actor, Filters(), here, at=at, size=1).rows
    if not following:
        return HttpResponseRedirect(addresses.page("web:queue"))
    return redirect("web:case", uid=following[0].uid)
