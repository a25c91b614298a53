"""One person's desk: own work by urgency, decisions that wait, and the people beside them. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, QuerySet, Value

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Approval, Case, Channel, RoleGrant, Task, TeamMembership
from cases.kernel.personal import taskdesk
from cases.kernel.prepared import Prepared
from cases.kernel.reading.worklist import LISTED, end_of_today, my_cases, my_decisions

__all__ = ["Colleague", "MyWork", "approvals_for", "choices", "colleagues", "colleagues_of", "deciders", "my_work"]


def approvals_for(actor: Actor, *, limit: int = 100) -> list[Approval]:
    """Return the decisions that wait for this actor, oldest due first, with case, assignee and maker."""
    rows = my_decisions(actor).select_related("case", "case__team", "maker")
    return list(rows.order_by(F("due_at").asc(nulls_last=True), "opened_at", "id")[:limit])


def deciders(approvals: Iterable[Approval], actor: Actor) -> dict[int, list[str]]:
    """Return for each approval the names of the others of the case's team who hold a needed role. One query."""
    wanted = list(approvals)
    grants = RoleGrant.objects.filter(
        revoked_at=None,
        role__in={role for each in wanted for role in each.needs},
        user__is_active=True,
        user__memberships__ended_at=None,
        user__memberships__team__in={each.case.team_id for each in wanted},
    ).exclude(user_id=actor.user_id or 0)
    found = list(grants.values_list("role", "user_id", "user__display_name", "user__memberships__team_id"))
    return {
        each.pk: sorted(
            {
                name
                for role, user_id, name, team_id in found
                if role in each.needs and team_id == each.case.team_id and user_id != each.maker_id
            }
        )
        for each in wanted
    }


class Colleague(NamedTuple):
    """One live member of a team."""

    team_id: int
    team: str
    user_id: int
    name: str


def colleagues(actor: Actor) -> list[Colleague]:
    """Return the live members of the actor's teams: filter choices and other deciders. One query."""
    return [Colleague(*row) for row in _MEMBERS.rows(user=actor.user_id or 0)]


def _members(*, user: int) -> QuerySet[TeamMembership, Any]:
    live = TeamMembership.objects.filter(ended_at=None)
    rows = live.filter(team_id__in=live.filter(user=user).values("team_id"), user__is_active=True)
    columns = ("team_id", "team__name", "user_id", "user__display_name")
    return rows.order_by("team__name", "user__display_name").values_list(*columns)


def choices(actor: Actor) -> tuple[list[Colleague], dict[int, str]]:
    """Return the colleagues, and the agencies that cases may have gone to, by name. One query."""
    rows = [Colleague(*row) for row in _CHOICES.rows(user=actor.user_id or 0)]
    agencies = sorted((each for each in rows if not each.team_id), key=lambda each: each.name.casefold())
    people = sorted((each for each in rows if each.team_id), key=lambda each: (each.team, each.name))
    return people, {each.user_id: each.name for each in agencies}


def _with_agencies(*, user: int) -> QuerySet[Any, Any]:
    told = Channel.objects.filter(agency=OuterRef("pk"), direction="out")
    agencies = Agency.objects.filter(Exists(told)).exclude(kind="own_system")
    named = agencies.values_list(Value(0), Value(""), F("pk"), F("display_name"))
    return _members(user=user).order_by().union(named, all=True)


_CHOICES = Prepared(_with_agencies, user=-(10**15) - 1)
_MEMBERS = Prepared(_members, user=-(10**15) - 1)


@dataclass(frozen=True, kw_only=True)
class MyWork:
    """One person's day, in sections."""

    overdue: list[Case]
    today: list[Case]
    waiting: list[Case]
    recent: list[Case]
    tasks: list[Task]


def _split(cases: Iterable[Case], at: datetime) -> tuple[list[Case], list[Case], list[Case]]:
    overdue: list[Case] = []
    today: list[Case] = []
    waiting: list[Case] = []
    for case in cases:
        if case.due_at and case.due_at < at:
            overdue.append(case)
        elif case.due_at and case.due_at < end_of_today(at):
            today.append(case)
        else:
            waiting.append(case)
    return overdue, today, waiting


def my_work(actor: Actor, *, at: datetime, limit: int = 15) -> MyWork:
    """Return the actor's own open cases by urgency, the last ones to change, and open tasks: their own, and those of
    their teams that no colleague has; not a look at what was done at once, which is a decision. Three queries."""
    own, recent, free = _kept(actor, limit, policy.edition())
    overdue, today, waiting = _split(own.objects(), at)
    return MyWork(overdue=overdue, today=today, waiting=waiting, recent=recent.objects(), tasks=free.objects())


@lru_cache(maxsize=256)
def _kept(actor: Actor, limit: int, _edition: int) -> tuple[Prepared, Prepared, Prepared]:
    """Return the three queries of a day's work, kept for whoever has the same rights under the same table."""
    soonest = (F("due_at").asc(nulls_last=True), "id")
    mine = my_cases(actor).annotate(**LISTED).order_by(*soonest)[:limit]
    changed = policy.visible_to(actor).filter(assignee_id=actor.user_id).annotate(**LISTED)
    recent = changed.order_by("-changed_at", "-id")[:8]
    parts = (*taskdesk.own(actor), *taskdesk.free(actor))
    waiting = taskdesk.first(parts, lambda rows: rows.order_by(*soonest), 10)
    return Prepared(lambda: mine), Prepared(lambda: recent), Prepared(lambda: waiting)


def colleagues_of(case: Case) -> list[tuple[int, str]]:
    """Return the people a case could be given to: id and name of its team's live members."""
    members = TeamMembership.objects.filter(team_id=case.team_id, ended_at=None, user__is_active=True)
    return list(members.order_by("user__display_name").values_list("user_id", "user__display_name"))
