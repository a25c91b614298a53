"""The tasks one person may see, and what they do with one: take it, hand it on, say that it is done.

A task of a case follows the case's rights; one of a team belongs to its members; one of neither is done on a page of
its own, by whoever holds that right of the office.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import IsNull

from cases.kernel import conflicts, edits, policy, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.background import undone
from cases.kernel.calendars import LONDON
from cases.kernel.disposal import disposals
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.exchange import agencies, exchanges
from cases.kernel.models import Agency, Case, Task, TeamMembership, User
from cases.kernel.office import access, people, shutout
from cases.kernel.prepared import PreparedInPart
from cases.kernel.reading.paging import PAGE_SIZE, Cursor, Page, Sort, anywhere, paged_by, zone
from cases.kernel.restricted import breakglass
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "ONCE",
    "VIEWS",
    "Asked",
    "TaskRefused",
    "done",
    "first",
    "free",
    "give_desks",
    "hand_on",
    "known",
    "listed",
    "may_work",
    "open_to",
    "own",
    "page",
    "take",
    "with_names",
]

BY_DUE = Sort(label="Due", column="due_at")
# Each ends by what is done on the agency's page; who operates agencies does that.
OF_AGENCIES = (
    *("callback_unmatched", "callback_ambiguous", "callback_unreadable", "callback_not_applied"),
    "channel_paused",
)

# Tasks of no team, and the right by which one does them.
OF_THE_OFFICE = {
    breakglass.REVIEW: "review_break_glass",
    access.TASK: "manage_people",
    access.REMOVAL: "manage_people",
    shutout.TASK: "decide.leaver",
    shutout.UNDECIDED: "oversee_changes",
    undone.OFFICE: "manage_jobs",
    people.TO_CONFIRM: "propose.person_confirm",
    disposals.TO_AGREE: "agree_disposals",
}
# Done on a page of their own, never by saying so.
OWN_PAGE = frozenset({*OF_AGENCIES, *OF_THE_OFFICE})


class TaskRefused(CaseError):
    """This task cannot be taken, handed on or closed like this."""


# What a list shows, in parts that share none. Asked for by itself each is read from where it has least to read: whoever
# sees a hundred cases need not look at every open task, and whoever sees all need not look at every case.
Parts = tuple[QuerySet[Task], ...]


def known(actor: Actor) -> Parts:
    """Return the open tasks the actor may know of: those of cases they see, and those of no case."""
    return _open().filter(case__in=policy.visible_to(actor)), _open().filter(_of_no_case(actor))


def own(actor: Actor) -> Parts:
    """Return the actor's own: what is given to them, and what of their cases is given to nobody.

    A look at what was done at once stands among the decisions of whoever may look, never with whoever has the case and
    did it.
    """
    rows = _open().exclude(kind=tasks.CHECK_AFTER)
    cases = policy.visible_to(actor).filter(assignee_id=actor.user_id)
    return rows.filter(_known_to(actor), assignee_id=actor.user_id), rows.filter(assignee=None, case__in=cases)


def free(actor: Actor) -> Parts:
    """Return what nobody has, of cases that nobody has, and that falls to the actor's teams or to no team."""
    of_teams = Q(team_id__in=actor.team_ids) | Q(team=None)
    rows = [part.filter(of_teams, assignee=None).exclude(kind=tasks.CHECK_AFTER) for part in known(actor)]
    return tuple(part.filter(case__assignee=None) for part in rows)


def _within(condition: Callable[[Actor, datetime], Q]) -> Callable[[Actor, datetime], Parts]:
    return lambda actor, at: tuple(part.filter(condition(actor, at)) for part in known(actor))


VIEWS: Mapping[str, tuple[str, Callable[[Actor, datetime], Parts]]] = {
    "mine": ("Mine", lambda actor, at: own(actor)),
    "team": ("My teams'", _within(lambda actor, at: Q(team_id__in=actor.team_ids) | Q(team=None))),
    "overdue": ("Overdue", _within(lambda actor, at: Q(due_at__lt=at))),
    "all": ("All", lambda actor, at: known(actor)),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the reader asked for. Empty asks for nothing."""

    view: str = "mine"
    kind: str = ""
    team: int | None = None


def _of_the_office(actor: Actor) -> Q:
    """Return the condition of tasks of no case and no team, which fall to whoever holds a right of the office."""
    found = Q(pk__in=[])
    kinds = [kind for kind, act in OF_THE_OFFICE.items() if policy.can(actor, act).is_allowed]
    if kinds:
        found |= Q(case=None, team=None, kind__in=kinds)
    if policy.can(actor, OF_THE_OFFICE[access.TASK]).is_allowed:
        led = TeamMembership.objects.filter(team=OuterRef("team"), is_lead=True, ended_at=None, user__is_active=True)
        found |= Q(~Exists(led), case=None, kind=access.TASK)
    if policy.can(actor, exchanges.OPERATE).is_allowed:
        quiet = Agency.objects.filter(code=OuterRef("of_agency"), kind__in=exchanges.restricted_kinds())
        found |= Q(~Exists(quiet), case=None, team=None, kind__in=OF_AGENCIES)
    return found


def _case_seen(actor: Actor) -> QuerySet[Case]:
    """Return the case of a task, if the actor may know of it."""
    return policy.visible_to(actor).filter(pk=OuterRef("case_id"))


def _of_no_case(actor: Actor) -> Q:
    """A team's review of rights falls to whoever leads it, whom alone its page lets answer."""
    of_teams = Q(~Q(kind=access.TASK), team_id__in=actor.team_ids) | Q(
        kind=access.TASK, team_id__in=actor.lead_team_ids
    )
    return Q(of_teams, case=None) | _of_the_office(actor)


def _known_to(actor: Actor) -> Q:
    """Return the condition of tasks the actor may know of: of cases they see, of their teams, of their rights of the
    office. A value asked for row by row, where the database might collect every case for an EXISTS."""
    is_seen = IsNull(Subquery(_case_seen(actor).values("pk")[:1]), False)  # noqa: FBT003 -- as Django has it
    return Q(is_seen) | _of_no_case(actor)


def _open() -> QuerySet[Task]:
    return Task.objects.annotate(of_agency=KeyTextTransform("agency", "detail")).filter(closed_at=None)


def with_names(rows: QuerySet[Task]) -> QuerySet[Task]:
    """Return tasks with what a list shows of each: case, team, assignee, and the agency that one speaks of."""
    named = Agency.objects.filter(code=OuterRef("of_agency")).values("display_name")[:1]
    return rows.select_related("case", "team", "assignee").annotate(agency_name=Subquery(named))


def open_to(actor: Actor) -> QuerySet[Task]:
    """Return the open tasks the actor may know of."""
    return _open().filter(_known_to(actor))


def listed(actor: Actor, asked: Asked, *, at: datetime) -> Parts:
    """Return the tasks of one view and its filters; unordered."""
    given = {"kind": asked.kind, "team_id": asked.team}
    wanted = {name: value for name, value in given.items() if value not in ("", None)}
    return tuple(part.filter(**wanted) for part in VIEWS[asked.view][1](actor, at))


def first(parts: Parts, order: Callable[[QuerySet[Task]], QuerySet[Task]], most: int) -> QuerySet[Task]:
    """Return the first so many of all parts in an order, each with what a list shows of it. One query."""
    one, *others = [order(part).values("pk")[:most] for part in parts]
    return order(with_names(_open().filter(pk__in=one.union(*others, all=True))))[:most]


def page(actor: Actor, asked: Asked, cursor: Cursor | None = None, *, at: datetime, size: int = PAGE_SIZE) -> Page:
    """Return one page of tasks, earliest due first, with case, team and assignee. Two queries at most."""
    place = {} if cursor is None else {"value": cursor.value, "id": cursor.id}

    def fetch(is_null: bool, most: int) -> list[Task]:
        asking = _listing(actor, asked, anywhere(cursor, SOMETIME), is_null, size + 1, policy.edition())
        return asking.objects(at=at, **place)[:most]

    return paged_by(fetch, BY_DUE, cursor, size=size)


# Moments that stand for any other where a query is kept.
ONCE = datetime(1900, 1, 2, tzinfo=LONDON)
SOMETIME = datetime(1900, 1, 1, tzinfo=LONDON)


@lru_cache(maxsize=256)
def _listing(
    actor: Actor, asked: Asked, cursor: Cursor | None, is_null: bool, most: int, _edition: int
) -> PreparedInPart:
    """Return the query for a moment and a place, kept for whoever has the same rights under the same table."""
    samples = {"at": ONCE} if cursor is None else {"at": ONCE, "value": cursor.value, "id": cursor.id}
    rows = first(listed(actor, asked, at=ONCE), lambda part: zone(part, BY_DUE, cursor, is_null=is_null), most)
    return PreparedInPart(lambda **_samples: rows, **samples)


def may_work(task: Task, actor: Actor) -> bool:
    """Say whether the actor may take, hand on and close a task. Reads nothing that the list did not bring."""
    if task.case is not None:
        return policy.can(actor, "close_task", case=task.case).is_allowed
    return task.team_id in actor.team_ids and task.kind not in OWN_PAGE


def _found(actor: Actor, uid: UUID) -> Task:
    policy.require(actor, "view_tasks")
    task = open_to(actor).select_related("case", "team").filter(uid=uid).first()
    if task is None:
        raise NotVisible
    return task


@contextmanager
def _acting(
    uid: UUID, verb: str, *, actor: Actor, at: datetime, reason: str = "", request: ledger.RequestInfo | None = None
) -> Iterator[Task]:
    """Lock a task, and its case first, and open the act on the case's stream or the team's. A reason is sealed under
    the case's key, or under one made for it."""
    known = _found(actor, uid)
    if known.case_id is not None:
        with edits.change(
            known.case_id,
            actor=actor,
            at=at,
            act="close_task",
            verb=verb,
            shapes=False,
            reason=reason,
            request=request,
        ):
            yield _locked(known)
        return
    if known.team is None or not may_work(known, actor):
        raise NotAllowed("This task ends by what is done on its own page.")
    with transaction.atomic():
        task = _locked(known)
        key = sealing.new_key("task", at=at) if reason else None
        with ledger.action(
            known.team.uid,
            verb,
            actor=actor.label,
            at=at,
            reason=reason,
            key=key,
            request=request,
            source=actor.source,
        ):
            yield task


def _locked(known: Task) -> Task:
    task = Task.objects.select_for_update().filter(pk=known.pk, closed_at=None).first()
    if task is None:
        raise TaskRefused("This task is closed already.")
    return task


def take(uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Task:
    """Make a task the actor's own. Raises NotVisible, NotAllowed, TaskRefused."""
    with _acting(uid, "task.taken", actor=actor, at=at, request=request) as task:
        if task.assignee_id is not None:
            raise TaskRefused("Somebody has taken this task already.")
        task.assignee_id = actor.user_id
        task.save(update_fields=["assignee"])
    return task


def hand_on(
    uid: UUID, user: User | None, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None = None
) -> Task:
    """Give a task to a colleague of its team, or back to the team, with a reason. Raises NotVisible, NotAllowed,
    TaskRefused."""
    if not reason.strip():
        raise TaskRefused("Say why you hand it on.")
    with _acting(uid, "task.handed_on", actor=actor, at=at, reason=reason.strip(), request=request) as task:
        if task.assignee_id == (user.pk if user else None):
            raise TaskRefused("It is there already.")
        if user is not None and not is_fit(task, user):
            raise TaskRefused("That person cannot be given this task.")
        task.assignee = user
        task.save(update_fields=["assignee"])
    return task


def is_fit(task: Task, user: User) -> bool:
    """Say whether a person could be given a task: a live member of its team, with no tie to its case. Two queries."""
    is_member = TeamMembership.objects.filter(team=task.team_id, user=user, ended_at=None, user__is_active=True)
    return is_member.exists() and not (task.case and conflicts.is_tied(user.pk, task.case))


def done(uid: UUID, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None = None) -> Task:
    """Close a task by hand, with what was done. Raises NotVisible, NotAllowed, TaskRefused, EditRefused."""
    task = _found(actor, uid)
    if task.case_id is not None:
        edits.close_task(task.case_id, task.pk, actor=actor, at=at, reason=reason, request=request)
        return task
    with _acting(uid, "task.closed", actor=actor, at=at, reason=reason.strip(), request=request) as row:
        if refusal := tasks.ends_with(row.kind) or ("" if reason.strip() else tasks.SAY_WHAT):
            raise TaskRefused(refusal)
        tasks.close(row, actor=actor, at=at)
    return row


def give_desks(*, at: datetime) -> int:
    """Give each open task about an agency that is nobody's the agency's desk, where it is seen and done. One
    transaction and one event in the agency's stream for each. Returns how many. Called at each start."""
    given = 0
    rows = Task.objects.filter(case=None, team=None, closed_at=None).exclude(kind__in=OWN_PAGE)
    codes = {each.detail["agency"] for each in rows.filter(detail__has_key="agency")}
    for agency in Agency.objects.filter(code__in=codes).order_by("code"):
        team = agencies.desk_of(agency)
        for pk in list(rows.filter(detail__agency=agency.code).values_list("pk", flat=True)) if team else ():
            with transaction.atomic():
                task = Task.objects.select_for_update().filter(pk=pk, team=None, closed_at=None).first()
                if task is not None:
                    with ledger.action(agency.uid, "task.given_desk", actor=system("prepare").label, at=at):
                        task.team = team
                        task.save(update_fields=["team"])
                    given += 1
    return given
