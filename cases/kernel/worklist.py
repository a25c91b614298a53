"""The queue in keyset pages, and capped counts of what waits.

Reads only, and no sealed value: a queue row is topic, reference, state, due time, amount and assignee.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from cases.kernel import casetypes, holds, jobs, policy, proposals, snoozes
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.models import Approval, Case, OutboxMessage

__all__ = ["SORTS", "VIEWS", "Cursor", "Filters", "Page", "counts", "queue", "take_next", "takeable"]

PAGE_SIZE = 25
CAP = 1000
Moment = datetime


@dataclass(frozen=True, kw_only=True)
class View:
    """One tab of the queue: its words and which cases it holds at a given moment."""

    label: str
    holds: Callable[[Moment], Q]


def end_of_today(at: Moment) -> Moment:
    """Return the end of the London day."""
    tomorrow = at.astimezone(LONDON).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), tzinfo=LONDON)


def _is_awaiting_approval(_at: Moment) -> Q:
    waiting = Approval.objects.filter(case=OuterRef("pk"), closed_at=None, mode="before")
    return Q(Exists(waiting), is_closed=False)


def _is_work(at: Moment) -> Q:
    """Open, neither waiting for time alone nor put aside."""
    return Q(is_closed=False, is_dormant=False) & ~snoozes.asleep(at)


VIEWS: Mapping[str, View] = {
    "open": View(label="Open", holds=_is_work),
    "unassigned": View(label="Unassigned", holds=lambda at: _is_work(at) & Q(assignee=None)),
    "overdue": View(label="Overdue", holds=lambda at: Q(is_closed=False, due_at__lt=at)),
    "today": View(label="Due today", holds=lambda at: Q(is_closed=False, due_at__gte=at, due_at__lt=end_of_today(at))),
    "approval": View(label="Awaiting approval", holds=_is_awaiting_approval),
    "held": View(label="On hold", holds=lambda at: Q(holds.is_held(at), is_closed=False)),
    "waiting": View(label="Waiting for time", holds=lambda at: Q(is_closed=False, is_dormant=True)),
    "closed": View(label="Closed", holds=lambda at: Q(is_closed=True)),
}


@dataclass(frozen=True, kw_only=True)
class Sort:
    """One order of the queue. Rows without a value come last."""

    label: str
    column: str
    is_descending: bool = False


SORTS: Mapping[str, Sort] = {
    "due": Sort(label="Due", column="due_at"),
    "amount": Sort(label="Amount", column="amount_pence", is_descending=True),
    "changed": Sort(label="Updated", column="changed_at", is_descending=True),
    "opened": Sort(label="Opened", column="opened_at"),
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the reader asked for. Empty strings ask for nothing."""

    view: str = "open"
    kind: str = ""
    state: str = ""
    team: int | None = None
    assignee: int | None = None
    due_before: datetime | None = None
    due_from: datetime | None = None
    amount_from_pence: int | None = None
    amount_below_pence: int | None = None
    reference: str = ""
    sort: str = "due"
    with_snoozed: bool = False


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A place between two rows: the sort value (None for rows without one) and the id of a row."""

    value: Any
    id: int
    is_backward: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of the queue and the places where the pages beside it begin."""

    rows: list[Case]
    next: Cursor | None = None
    previous: Cursor | None = None


def _filtered(actor: Actor, filters: Filters, at: Moment, *, visible: QuerySet[Case] | None = None) -> QuerySet[Case]:
    """Return what the actor may see of what is asked for; `visible` is their sight where the caller has it already."""
    given = {
        "kind": filters.kind,
        "state": filters.state,
        "team_id": filters.team,
        "assignee_id": filters.assignee,
        "due_at__lt": filters.due_before,
        "due_at__gte": filters.due_from,
        "amount_pence__gte": filters.amount_from_pence,
        "amount_pence__lt": filters.amount_below_pence,
        "reference__istartswith": filters.reference,
    }
    asked = {name: value for name, value in given.items() if value not in ("", None)}
    held = VIEWS[filters.view].holds(at)
    if filters.with_snoozed and filters.view in {"open", "unassigned"}:
        held |= snoozes.asleep(at) & Q(is_closed=False) & (Q() if filters.view == "open" else Q(assignee=None))
    return (policy.visible_to(actor) if visible is None else visible).filter(held, **asked)


def last_agency() -> Subquery:
    """The name of the agency that was told last about a case."""
    told = OutboxMessage.objects.filter(case=OuterRef("pk")).order_by("-id")
    return Subquery(told.values("channel__agency__display_name")[:1])


def _beyond(rows: QuerySet[Case], column: str, cursor: Cursor, ascending: bool) -> QuerySet[Case]:
    """Return the rows after (or before) the cursor among those on its side of NULL."""
    onward = "gt" if ascending else "lt"
    by_id = "lt" if cursor.is_backward else "gt"
    if cursor.value is None:
        return rows.filter(**{f"id__{by_id}": cursor.id})
    past = Q(**{f"{column}__{onward}": cursor.value})
    level = Q(**{column: cursor.value, f"id__{by_id}": cursor.id})
    return rows.filter(past | level, **{f"{column}__{onward}e": cursor.value})


def _fetch(rows: QuerySet[Case], sort: Sort, cursor: Cursor | None, wanted: int) -> list[Case]:
    """Return up to `wanted` rows from the cursor on: those with a value first, then those without."""
    backward = bool(cursor and cursor.is_backward)
    ascending = sort.is_descending == backward
    order = F(sort.column).asc() if ascending else F(sort.column).desc()
    tie = "-id" if backward else "id"
    zones = [False, True] if not backward else [True, False]
    if cursor is not None:
        zones = zones[zones.index(cursor.value is None) :]
    found: list[Case] = []
    for is_null in zones:
        zone = rows.filter(**{f"{sort.column}__isnull": is_null})
        if cursor is not None and (cursor.value is None) == is_null:
            zone = _beyond(zone, sort.column, cursor, ascending)
        zone = zone.order_by(tie) if is_null else zone.order_by(order, tie)
        found += zone[: wanted - len(found)]
        if len(found) >= wanted:
            break
    return found[::-1] if backward else found


def _place(row: Case, sort: Sort, *, is_backward: bool) -> Cursor:
    return Cursor(value=getattr(row, sort.column), id=row.pk, is_backward=is_backward)


def queue(actor: Actor, filters: Filters, cursor: Cursor | None = None, *, at: datetime, size: int = PAGE_SIZE) -> Page:
    """Return one page of what the actor may see, with the last agency told as `agency_name`. Two queries at most."""
    sort = SORTS[filters.sort]
    rows = _filtered(actor, filters, at).select_related("assignee", "team").annotate(agency_name=last_agency())
    found = _fetch(rows, sort, cursor, size + 1)
    backward = bool(cursor and cursor.is_backward)
    has_more = len(found) > size
    shown = (found[-size:] if backward else found[:size]) if has_more else found
    has_next, has_previous = (True, has_more) if backward else (has_more, cursor is not None)
    return Page(
        rows=shown,
        next=_place(shown[-1], sort, is_backward=False) if shown and has_next else None,
        previous=_place(shown[0], sort, is_backward=True) if shown and has_previous else None,
    )


def my_decisions(actor: Actor) -> QuerySet[Approval]:
    """Approvals that are open, were not asked for by the actor and want a role the actor holds."""
    return (
        Approval.objects.filter(
            closed_at=None, needs__has_any_keys=sorted(actor.roles), case__in=policy.visible_to(actor)
        )
        .exclude(maker_id=actor.user_id)
        .exclude(decisions__checker_id=actor.user_id)
    )


def my_cases(actor: Actor) -> QuerySet[Case]:
    """Open cases that are assigned to the actor."""
    return policy.visible_to(actor).filter(assignee_id=actor.user_id, is_closed=False, is_dormant=False)


def counts(actor: Actor, *, at: datetime, filters: Filters | None = None) -> dict[str, int]:
    """Return how many cases each view, queue and list holds for this actor, in one query; none counts past the cap.

    1,001 means "more than 1,000". With `filters` the views are counted within them.
    """
    within, visible = filters or Filters(), policy.visible_to(actor)
    asked: dict[str, QuerySet[Any]] = {
        f"view.{code}": _filtered(actor, replace(within, view=code), at, visible=visible) for code in VIEWS
    }
    asked["mine"] = my_cases(actor)
    asked["approvals"] = my_decisions(actor)
    asked["jobs"] = jobs.unseen(actor)
    asked["changes"] = proposals.waiting_for(actor)
    for casetype in casetypes.all_types():
        asked[f"kind.{casetype.code}"] = _filtered(actor, Filters(kind=casetype.code), at, visible=visible)
    return _capped(asked)


def _capped(asked: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    parts: list[str] = []
    params: list[Any] = []
    live: list[str] = []
    for name, rows in asked.items():
        try:
            sql, values = rows.order_by().values("pk")[: CAP + 1].query.sql_with_params()
        except EmptyResultSet:  # nobody asks the database for what no row can answer
            continue
        live.append(name)
        parts.append(f"(SELECT count(*) FROM ({sql}) AS held)")
        params += values
    if not parts:
        return dict.fromkeys(asked, 0)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        found = dict(zip(live, cursor.fetchone(), strict=True))
    return {name: found.get(name, 0) for name in asked}


def takeable(actor: Actor) -> list[str]:
    """Return the kinds of case that the actor may take."""
    codes = [casetype.code for casetype in casetypes.all_types()]
    return [code for code in codes if policy.can(actor, "take", kind=code).is_allowed]


def take_next(actor: Actor, *, at: datetime) -> Case | None:
    """Return the most urgent unassigned case of the actor's teams that they may take, or None."""
    free = _filtered(actor, Filters(view="unassigned"), at).filter(team_id__in=actor.team_ids, kind__in=takeable(actor))
    return free.order_by(F("due_at").asc(nulls_last=True), "id").first()
