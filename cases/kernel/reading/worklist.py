"""The queue in keyset pages, and capped counts of what waits.

Reads only, and no sealed value: a queue row is topic, reference, holds, state, due time, amount and assignee.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from cases.kernel import casetypes, conflicts, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.calendars import LONDON
from cases.kernel.exchange import letters
from cases.kernel.models import Approval, ApprovalDecision, Case, Hold, OutboxMessage
from cases.kernel.office import proposals
from cases.kernel.personal import taskdesk
from cases.kernel.prepared import Prepared, PreparedInPart, Statement
from cases.kernel.reading.paging import PAGE_SIZE, Cursor, Page, Sort, anywhere, paged_by, zone
from cases.kernel.timing import snoozes

__all__ = [
    "CAP",
    "LISTED",
    "SORTS",
    "VIEWS",
    "Cursor",
    "Filters",
    "Page",
    "all_of",
    "capped",
    "counts",
    "kept_counts",
    "opened_since",
    "queue",
    "take_next",
    "task_counts",
    "urgent",
]

CAP = 500  # beyond it a list is long, and a count of it would cost what the list is long
Moment = datetime


@dataclass(frozen=True, kw_only=True)
class View:
    """One tab of the queue: its words, which cases it holds at a given moment, and their order unless one is asked."""

    label: str
    holds: Callable[[Moment], Q]
    sort: str = "due"


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
    "closed": View(label="Closed", holds=lambda at: Q(is_closed=True), sort="changed"),
}


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
    holds: tuple[str, ...] = ()
    agency: int | None = None


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
    if filters.holds:
        held &= Q(pk__in=Hold.objects.filter(holds.in_force(at), kind__in=filters.holds).values("case"))
    if filters.agency:
        held &= Q(pk__in=_TOLD_EVER.filter(channel__agency=filters.agency).values("case"))
    return (policy.visible_to(actor) if visible is None else visible).filter(held, **asked)


# What agencies were told of cases, but for the post.
_TOLD_EVER = OutboxMessage.objects.exclude(kind=letters.LETTER.code)

# What a list shows of a case beside its own columns: the agency that was told last, but for the post, who has it, and
# the kinds of hold in force.
_HELD = Hold.objects.filter(holds.in_force(), case=OuterRef("pk")).order_by("kind")
_TOLD = _TOLD_EVER.filter(case=OuterRef("pk")).order_by("-id")
LISTED: Mapping[str, Any] = {
    "agency_name": Subquery(_TOLD.values("channel__agency__display_name")[:1]),
    "assignee_name": F("assignee__display_name"),
    "held_as": ArraySubquery(_HELD.values("kind").distinct()),
}


def queue(actor: Actor, filters: Filters, cursor: Cursor | None = None, *, at: datetime, size: int = PAGE_SIZE) -> Page:
    """Return one page of what the actor may see, each case with what `LISTED` names. Two queries at most."""
    last_moment = _last_moment(at)
    sample = anywhere(cursor, -(10**15) - 1 if filters.sort == "amount" else datetime(1900, 1, 1, tzinfo=LONDON))
    within = _at_the_end(filters, at, last_moment)

    def fetch(is_null: bool, most: int) -> list[Case]:
        asked = _listing(actor, within, last_moment, sample, is_null, size + 1, policy.edition())
        place = {} if cursor is None else {"value": cursor.value, "id": cursor.id}
        return asked.objects(at=at, **place)[:most]

    return paged_by(fetch, SORTS[filters.sort], cursor, size=size)


def _last_moment(at: Moment) -> Moment:
    """Return the end of the day, which stands for any moment of it where a query is kept for the day."""
    return end_of_today(at) - timedelta(microseconds=1)


def _at_the_end(filters: Filters, at: Moment, last_moment: Moment) -> Filters:
    """Return the filters as they are asked at the end of the day."""
    return replace(
        filters,
        due_before=last_moment if filters.due_before == at else filters.due_before,
        due_from=last_moment if filters.due_from == at else filters.due_from,
    )


@lru_cache(maxsize=256)
def _listing(
    actor: Actor, within: Filters, at: Moment, cursor: Cursor | None, is_null: bool, most: int, _edition: int
) -> Prepared:
    """Return the query for a moment and a place, kept as that of the counts is."""
    rows = zone(_filtered(actor, within, at).annotate(**LISTED), SORTS[within.sort], cursor, is_null=is_null)
    samples = {"at": at} if cursor is None else {"at": at, "value": cursor.value, "id": cursor.id}
    return PreparedInPart(lambda **_samples: rows[:most], **samples)


def urgent(actor: Actor) -> list[Case]:
    """Return the cases that go before everything else of those the actor works, the first due first, each with what
    `LISTED` names. One query, or none for whoever works none of such kinds."""
    wanted = [
        Q(kind=casetype.code, state__in=casetype.urgent)
        for casetype in casetypes.all_types()
        if casetype.urgent and casetype.code in policy.kinds(actor, "edit")
    ]
    if not wanted:
        return []
    rows = policy.visible_to(actor).filter(reduce(or_, wanted), is_closed=False).annotate(**LISTED)
    return list(rows.order_by(F("due_at").asc(nulls_last=True), "id")[:PAGE_SIZE])


def my_decisions(actor: Actor) -> QuerySet[Approval]:
    """Approvals that are open, were not asked for by the actor and want a role the actor holds.

    What they decided already is asked for one by one: joined, every decision they ever made would be read."""
    said = ApprovalDecision.objects.filter(approval=OuterRef("pk"), checker=actor.user_id).values("pk")
    wanted = Approval.objects.filter(
        IsNull(Subquery(said[:1]), True),  # noqa: FBT003 -- as Django has it
        closed_at=None,
        needs__has_any_keys=sorted(actor.roles),
        case__in=policy.visible_to(actor),
    )
    return wanted.exclude(maker_id=actor.user_id)


def my_cases(actor: Actor) -> QuerySet[Case]:
    """Open cases that are assigned to the actor."""
    return policy.visible_to(actor).filter(assignee_id=actor.user_id, is_closed=False, is_dormant=False)


def counts(actor: Actor, *, at: datetime, filters: Filters | None = None) -> dict[str, int]:
    """Return how many cases each view, queue and list holds for this actor, in one query; none counts past the cap.

    One more than the cap means "more than that". With `filters` the views alone are counted, within them.
    """
    last_moment = _last_moment(at)
    kinds = tuple(casetype.code for casetype in casetypes.all_types())
    within = _at_the_end(filters or Filters(), at, last_moment)
    asked = _counting(actor, within, last_moment, kinds, policy.edition())
    found = asked.found(at)
    if within == Filters():
        found["tasks"] = min(found.pop("tasks.given") + found.pop("tasks.of_cases"), CAP + 1)
        found["view.open"] = min(sum(found[f"kind.{kind}"] for kind in kinds), CAP + 1)
    return found


def kept_counts(actor: Actor, kept: Mapping[str, Filters], *, at: datetime) -> dict[str, int]:
    """Return how many cases each of several questions finds, each by its name; none counts past the cap. One query, or
    none where nothing is asked."""
    return capped({name: _filtered(actor, filters, at) for name, filters in kept.items()})


def all_of(actor: Actor, filters: Filters, *, at: datetime) -> QuerySet[Case]:
    """Return every case of what is asked for, however many."""
    return _filtered(actor, filters, at)


def opened_since(actor: Actor, filters: Filters, since: datetime, *, at: datetime) -> int:
    """Return how many cases of what is asked for were opened after a moment, none past the cap. One query."""
    rows = _filtered(actor, filters, at).filter(opened_at__gt=since)
    return rows.order_by().values("pk")[: CAP + 1].count()


@dataclass(frozen=True, kw_only=True)
class Counting:
    """The one query of all counts, what each of its columns counts, and zero for all that is asked."""

    statement: Statement
    live: tuple[str, ...]
    none: Mapping[str, int]

    def found(self, at: Moment) -> dict[str, int]:
        """Ask, unless there is nothing to ask for."""
        if not self.live:
            return dict(self.none)
        (counted,) = self.statement.rows([at] * len(self.statement.given))
        return {**self.none, **dict(zip(self.live, counted, strict=True))}


@lru_cache(maxsize=256)
def _counting(actor: Actor, within: Filters, at: Moment, kinds: tuple[str, ...], _edition: int) -> Counting:
    """Return the query for a moment. It takes a third of the page's time to put together, so it is kept for whoever
    has the same rights under the same table and asks for the same on the same day.
    """
    visible = policy.visible_to(actor)
    asked: dict[str, QuerySet[Any]] = {
        f"view.{code}": _filtered(actor, replace(within, view=code), at, visible=visible) for code in VIEWS
    }
    if within == Filters():
        asked |= _beside(actor, kinds, visible, at)
        del asked["view.open"]  # the sum of the kinds, which are counted anyway
    sql, params, live = _put_together(asked)
    moments = tuple(place for place, value in enumerate(params) if value == at)
    return Counting(statement=Statement(sql, params, moments), live=live, none=dict.fromkeys(asked, 0))


def task_counts(actor: Actor, asked: taskdesk.Asked, *, at: datetime) -> dict[str, int]:
    """Return how many tasks each view holds for this actor within their filters, none past the cap. One query."""
    found = _task_counting(actor, replace(asked, view=""), policy.edition()).found(at)
    return {view: min(found[f"{view}.0"] + found[f"{view}.1"], CAP + 1) for view in taskdesk.VIEWS}


@lru_cache(maxsize=256)
def _task_counting(actor: Actor, asked: taskdesk.Asked, _edition: int) -> Counting:
    """Return the query for a moment, kept as that of the queue is."""
    views = {view: taskdesk.listed(actor, replace(asked, view=view), at=taskdesk.ONCE) for view in taskdesk.VIEWS}
    parts = {f"{view}.{place}": part for view, each in views.items() for place, part in enumerate(each)}
    sql, params, live = _put_together(parts)
    moments = tuple(place for place, value in enumerate(params) if value == taskdesk.ONCE)
    return Counting(statement=Statement(sql, params, moments), live=live, none=dict.fromkeys(parts, 0))


def _beside(actor: Actor, kinds: tuple[str, ...], visible: QuerySet[Case], at: Moment) -> dict[str, QuerySet[Any]]:
    """Return what the rail counts beside the views of the queue."""
    asked: dict[str, QuerySet[Any]] = {}
    asked["mine"] = my_cases(actor)
    asked["approvals"] = my_decisions(actor)
    asked["tasks.given"], asked["tasks.of_cases"] = taskdesk.own(actor)
    asked["jobs"] = jobs.unseen(actor)
    asked["changes"] = proposals.waiting_for(actor)
    for kind in kinds:
        asked[f"kind.{kind}"] = _filtered(actor, Filters(kind=kind), at, visible=visible)
        if (plan := casetypes.get(kind).incoming) is not None:
            rows = plan.model._default_manager.filter(outcome__in=sorted(plan.waiting), case__in=visible)
            asked[f"incoming.{kind}"] = rows
    return asked


def capped(asked: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """Count each of several lists in one query; none past the cap."""
    none = dict.fromkeys(asked, 0)
    sql, params, live = _put_together(asked)
    if not live:
        return none
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {**none, **dict(zip(live, cursor.fetchone(), strict=True))}


def _put_together(asked: Mapping[str, QuerySet[Any]]) -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
    """Return the one query, its parameters, and what its columns count: nothing that no row can answer."""
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
    return f"SELECT {', '.join(parts)}", tuple(params), tuple(live)


def take_next(actor: Actor, *, at: datetime) -> Case | None:
    """Return the most urgent unassigned case of the actor's teams that they may take and have no tie to, or None."""
    free = _filtered(actor, Filters(view="unassigned"), at).filter(
        team_id__in=actor.team_ids, kind__in=policy.kinds(actor, "take")
    )
    free = free.exclude(conflicts.of_person(actor.user_id)) if actor.user_id else free
    return free.order_by(F("due_at").asc(nulls_last=True), "id").first()
