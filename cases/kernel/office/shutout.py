"""Shut out: one administrator stops somebody's access at once, a second person ends it for good or lets them in again.

Whoever is dismissed is out that minute. What cannot be undone (roles, teams, second factors) is not in one person's
hands where it would take an approver, an officer or an administrator from all others.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q

from cases.kernel import roles, tasks
from cases.kernel.models import RoleGrant, User
from cases.kernel.office import grants, people
from cases.kernel.office.kinds import Change

__all__ = ["TASK", "end_sessions", "forget_sessions", "is_here", "is_lonely", "let_in", "needs", "shut_out"]

TASK = "access_shut_out"
DECIDE_WITHIN = timedelta(days=1)
BEING_BEGUN = timedelta(hours=1)  # the row of a session may be written after that of where it began
tasks.declare(
    {TASK: "Somebody was shut out by one person: end their access, or let them in"},
    ended_by={TASK: "This ends when another person has agreed to the end of their access, or refused it."},
)


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
        tasks.close_office(TASK, actor=actor, at=at, user=user.pk)
    people.note("person_let_in", actor=actor, at=at, user=user.pk)


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
