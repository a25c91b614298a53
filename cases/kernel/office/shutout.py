"""Shut out: one administrator stops somebody's access at once, a second person ends it for good or lets them in again.

Whoever is dismissed is out that minute. What cannot be undone (roles, teams, second factors) is not in one person's
hands where it would take an approver, an officer or an administrator from all others.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.kernel import roles, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.models import OnCallRoute, RoleGrant, Task, Team, TeamMembership, User
from cases.kernel.office import grants, people, proposals
from cases.kernel.office.kinds import Change
from cases.kernel.oncall import alerts

__all__ = [
    "TASK",
    "UNDECIDED",
    "ask_again",
    "close_tasks",
    "end_sessions",
    "forget_sessions",
    "is_here",
    "is_lonely",
    "let_in",
    "needs",
    "shut_out",
]

TASK, UNDECIDED = "access_shut_out", "access_undecided"
DECIDE_WITHIN = timedelta(days=1)
LEAVER = "leaver"  # the change by which somebody leaves
RINGS = "shut_out"  # what whoever is on call is told of
BEING_BEGUN = timedelta(hours=1)  # the row of a session may be written after that of where it began
tasks.declare(
    {
        TASK: "Somebody was shut out by one person: end their access, or let them in",
        UNDECIDED: "Somebody was shut out for a day and nobody has decided: see that it is decided",
    },
    ended_by=dict.fromkeys(
        (TASK, UNDECIDED), "This ends when another person has agreed to the end of their access, or refused it."
    ),
)


def _may_decide(actor: Actor) -> bool:
    """Say whether somebody may decide about a colleague who is shut out. One query."""
    waiting = proposals.waiting_for(actor).filter(kind=LEAVER)
    return any(not proposals.refusal(row, actor) for row in waiting)


alerts.answered_by(RINGS, _may_decide)


def needs(user_id: int) -> frozenset[str]:
    """Return who has to agree that this person's access ends for good: nobody for one without a privileged role."""
    held = RoleGrant.objects.filter(user_id=user_id, role__in=roles.PRIVILEGED, revoked_at=None)
    return grants.second_hand(user_id) if held.exists() else frozenset()


def is_here(user_id: int) -> bool:
    """Say whether a person works here, shut out or not: the roles of whoever left have ended."""
    has_access = Q(is_active=True) | Q(role_grants__revoked_at=None, role_grants__isnull=False)
    return User.objects.filter(has_access, pk=user_id).exists()


def is_lonely(user_id: int, maker_id: int | None) -> bool:
    """Say whether nobody with access would be left to decide about a person, but for them and who proposes it."""
    asked = needs(user_id)
    wanted = RoleGrant.objects.filter(role__in=asked, revoked_at=None)
    wanted = wanted.filter(user__is_active=True, user__is_confirmed=True)
    return bool(asked) and not wanted.exclude(user_id__in=[user_id, maker_id or 0]).exists()


def shut_out(change: Change) -> None:
    """Stop a person's access until somebody decides: sessions and one-time links end, all that is theirs stays.

    Locks the person; raises the task of whoever may decide, due in a day. Undone by `let_in`.
    """
    user = people.another_for_update(change.payload["user"], change.actor, is_agreed=True)
    actor, at = change.actor, change.at
    with people.act("person.shut_out", actor=actor, at=at, request=change.request, user=user.pk):
        user.is_active = False
        user.save(update_fields=["is_active"])
        people.end_links(user, at=at)
        end_sessions(user)
        due_at, uid = at + DECIDE_WITHIN, str(change.proposal.uid)
        tasks.raise_task(TASK, case=None, at=at, due_at=due_at, user=user.pk, change=uid)
    people.note("person_shut_out", actor=actor, at=at, user=user.pk)


def let_in(change: Change) -> None:
    """Give whoever was shut out the access that they had, unless it has ended meanwhile. Locks the person."""
    actor, at = change.actor, change.at
    user = User.objects.select_for_update(no_key=True).get(pk=change.payload["user"])
    if user.is_active or not is_here(user.pk):
        return
    with people.act("person.let_in", actor=actor, at=at, request=change.request, user=user.pk):
        user.is_active = True
        user.save(update_fields=["is_active"])
        close_tasks(user.pk, actor=actor, at=at)
    people.note("person_let_in", actor=actor, at=at, user=user.pk)


def close_tasks(user_id: int, *, actor: Actor, at: datetime) -> None:
    """End what was asked because a person is shut out, inside the current ledger action."""
    for kind in (TASK, UNDECIDED):
        tasks.close_office(kind, actor=actor, at=at, user=user_id)
    if not Task.objects.filter(kind=UNDECIDED, closed_at=None).exists():
        alerts.end(RINGS, at=at)


def ask_again(*, now: datetime) -> int:
    """Once a day has passed in which nobody decided: say so in the security log, to whoever oversees the changes of the
    office as a task, and to the people on call of each team that has somebody who may decide. Once for each shut-out.
    Locks the person; returns how many."""
    late = Task.objects.filter(kind=TASK, case=None, closed_at=None, due_at__lt=now).order_by("pk")
    return sum(_ask_again(task, now=now) for task in late)


@transaction.atomic
def _ask_again(task: Task, *, now: datetime) -> int:
    about, actor = {"user": task.detail["user"], "change": task.detail["change"]}, system("access")
    User.objects.select_for_update(no_key=True).get(pk=about["user"])
    is_open = Task.objects.filter(pk=task.pk, closed_at=None).exists()
    if not is_open or Task.objects.filter(kind=UNDECIDED, detail__contains=about).exists():
        return 0
    with people.act("person.shut_out_undecided", actor=actor, at=now, request=None, user=about["user"]):
        tasks.raise_task(UNDECIDED, case=None, at=now, due_at=now, **about)
        for team in _on_call(about["user"]):
            alerts.ring_team(team, why=RINGS, at=now)
    people.note("person_shut_out_undecided", actor=actor, at=now, user=about["user"])
    return 1


def _on_call(user_id: int) -> QuerySet[Team]:
    """Return the teams with a route in which somebody else may decide about this person."""
    deciders = RoleGrant.objects.filter(role__in=needs(user_id), revoked_at=None, user__is_active=True)
    seats = TeamMembership.objects.filter(ended_at=None, user__in=deciders.exclude(user_id=user_id).values("user"))
    routes = OnCallRoute.objects.filter(ended_at=None, team__in=seats.values("team"))
    return Team.objects.filter(pk__in=routes.values("team")).order_by("pk")


def forget_sessions(*, now: datetime) -> int:
    """Delete every session whose time is over, with what was typed into it, and of each the address and browser that it
    began from. Whoever closed the browser has ended none. Returns how many sessions."""
    forgotten, _ = Session.objects.filter(expire_date__lt=now).delete()
    begun = apps.get_model("usersessions", "UserSession")._default_manager.filter(created_at__lt=now - BEING_BEGUN)
    begun.filter(~Exists(Session.objects.filter(session_key=OuterRef("session_key")))).delete()
    return forgotten


def end_sessions(user: User) -> None:
    """Delete every session of a person."""
    sessions = apps.get_model("usersessions", "UserSession")._default_manager.filter(user_id=user.pk)
    Session.objects.filter(session_key__in=list(sessions.values_list("session_key", flat=True))).delete()
    sessions.delete()
