"""Leaving, as one act: sessions, factors, links, roles and teams end at once; open cases go back to the queue, their
tasks to their teams; their own views of the queue and what they had not sent go. Of whoever holds a privileged role one
person stops the access and a second one ends it.

Approvals wait for roles, not for people, so they stay where they are, and so does a case that somebody sent for
approval: whoever decides returns it to the queue. What the person had proposed besides, of the office or of a case, is
taken back, since nobody else could; of a case its team is asked to propose it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.apps import apps
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.kernel import approvals, locks, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.models import Approval, Case, Proposal, RoleGrant, Task, Team, TeamMembership, User
from cases.kernel.office import grants, people, proposals, shutout
from cases.kernel.office.changeforms import ChangeForm, PersonField
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.personal import digests, drafts, views
from cases.ledger import api as ledger

__all__ = ["KINDS", "give_back", "leave"]

HANDED_ON = "task.handed_on"
LONELY = (
    "Nobody else could agree to it, or let them in again: give somebody the role of data protection officer or of "
    "system administrator first."
)
PRIVILEGED_SINCE = "They were given a privileged role meanwhile. Propose it anew: it takes a second person."
# Rows of the library that signs people in, which the kernel does not import.
SIGN_IN = (("mfa", "Authenticator"), ("socialaccount", "SocialAccount"))


def leave(
    user_id: int,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    proposal: Proposal | None = None,
) -> User:
    """End a person's access for good; the rows stay. For a named job, or as a change of the office.

    Locks the open changes that end with it, as whoever decides one does before the person, then the person, then each
    of their open cases and tasks. Whoever is signed in is out at their next request: their sessions are gone, and every
    request loads the person anew. Raises PeopleRefused for oneself or somebody who left before, ProposalRefused where
    one person proposed it of whom a second one gave a privileged role meanwhile.
    """
    with transaction.atomic():
        grants.refuse_lone_hand(actor, proposal)
        _end_with(user_id, proposal)
        user = people.another_for_update(user_id, actor, is_agreed=proposal is not None, may_be_shut_out=True)
        if proposal is not None and not proposal.needs and shutout.needs(user_id):
            raise proposals.ProposalRefused(PRIVILEGED_SINCE, {"user": PRIVILEGED_SINCE})
        with people.act("person.deactivated", actor=actor, at=at, request=request, user=user.pk):
            user.is_active = False
            user.set_unusable_password()
            user.save(update_fields=["is_active", "password"])
            for row in RoleGrant.objects.filter(user=user, revoked_at=None):
                row.revoked_at = at
                row.save(update_fields=["revoked_at"])
            for membership in TeamMembership.objects.filter(user=user, ended_at=None):
                membership.ended_at = at
                membership.save(update_fields=["ended_at"])
            tasks.close_office("access_removal", actor=actor, at=at, user=user.pk)
            tasks.close_office(people.TO_CONFIRM, actor=actor, at=at, user=user.pk)
            shutout.close_tasks(user.pk, actor=actor, at=at)
            people.end_links(user, at=at)
            views.forget(user.pk)
            drafts.forget(user.pk)
            digests.forget(user.pk)
            _end_sign_in(user)
        give_back(user, actor=actor, at=at, request=request, is_leaving=True)
        for row_id in _end_with(user_id, proposal):
            proposals.drop(row_id, actor=actor, at=at)
        people.note("person_deactivated", actor=actor, at=at, user=user.pk)
    return user


def _end_with(user_id: int, proposal: Proposal | None) -> list[int]:
    """Lock the open changes that a person proposed or that are about them, but for the one by which they leave; return
    their ids. Whom they shut out stays so until somebody decides."""
    others = Q(kind=LEAVER.code) & ~Q(about=user_id)
    rows = proposals.of_person(user_id).exclude(others).exclude(pk=proposal.pk if proposal else 0)
    return list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def _end_sign_in(user: User) -> None:
    """Delete every session and every second factor; what company sign-in joined is taken apart."""
    shutout.end_sessions(user)
    for app, model in SIGN_IN:
        apps.get_model(app, model)._default_manager.filter(user_id=user.pk).delete()


def give_back(
    user: User,
    *,
    actor: Actor,
    at: datetime,
    team: Team | None = None,
    case: Case | None = None,
    request: ledger.RequestInfo | None = None,
    is_leaving: bool = False,
) -> int:
    """Put the open cases and tasks of a person (of one team, or one case) back where others take them; return how many
    cases. Of somebody who leaves for good what they had proposed of a case is taken back too.

    Locks the cases in the order of their ids, then tasks, inside the caller's transaction. One event for each case
    and each team of tasks without a case.
    """
    within = {name: value for name, value in (("team", team), ("pk", case.pk if case else None)) if value}
    own: Q = Q(assignee=user, is_closed=False) | Q(Exists(_tasks_of(user).filter(case=OuterRef("pk"))))
    asked = Approval.objects.filter(maker=user, mode="before", typed__isnull=False, closed_at=None)
    if is_leaving:
        own |= Q(Exists(asked.filter(case=OuterRef("pk"))), is_erased=False)
    count = 0
    for case_id in Case.objects.filter(own, **within).order_by("pk").values_list("pk", flat=True):
        row, held = locks.case_for_update(case_id), list(_tasks_of(user, case=case_id).select_for_update())
        for approval in asked.filter(case=row).order_by("pk") if is_leaving else ():
            _take_back(row, approval, actor=actor, at=at, request=request)
        is_theirs = row.assignee_id == user.pk and not row.is_closed
        if not is_theirs and not held:
            continue
        with record.act(row, "case.returned" if is_theirs else HANDED_ON, actor=actor, at=at, request=request):
            _release(held)
            row.assignee = None if is_theirs else row.assignee
            row.version += 1
            row.changed_at = at
            row.save()
        count += is_theirs
    if case is None:
        _give_back_tasks_of_teams(user, actor=actor, at=at, team=team, request=request)
    return count


def _take_back(
    case: Case, approval: Approval, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None
) -> None:
    with record.act(case, "act.dropped", actor=actor, at=at, request=request, detail={"act": approval.act}):
        approvals.take_back(case, approval, at=at)
        case.version += 1
        case.changed_at = at
        case.save()


def _tasks_of(user: User, **within: object) -> QuerySet[Task]:
    return Task.objects.filter(assignee=user, closed_at=None, **within)


def _release(held: Iterable[Task]) -> None:
    for task in held:
        task.assignee = None
        task.save(update_fields=["assignee"])


def _give_back_tasks_of_teams(
    user: User, *, actor: Actor, at: datetime, team: Team | None, request: ledger.RequestInfo | None
) -> None:
    """Give back what a person holds of no case, to its team."""
    within = {"team": team} if team else {"team__isnull": False}
    rows = _tasks_of(user, case=None, **within).select_for_update(of=("self",)).select_related("team").order_by("pk")
    by_team: dict[Team, list[Task]] = {}
    for task in rows:
        by_team.setdefault(task.team, []).append(task)  # type: ignore[arg-type]  # -- asked for with a team
    for of, held in by_team.items():
        label, source = actor.label, actor.source
        with ledger.action(of.uid, HANDED_ON, actor=label, at=at, request=request, source=source):
            _release(held)


class LeaverForm(ChangeForm):
    """Who leaves."""

    hints = (
        "They are signed out everywhere at once, and cannot sign in again.",
        "Their roles and teams end, their open cases and tasks go back to the queue, and what they had proposed, of "
        "the office or of a case, is taken back. There is no way back from that: whoever returns is added anew.",
        "Where they hold a privileged role, this second part happens when another person agrees. Where that person "
        "refuses, they can sign in again.",
    )
    user = PersonField(label="Person")


def _state(payload: Payload) -> dict[str, bool]:
    return {"is_here": shutout.is_here(payload["user"])}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    user_id = payload["user"]
    is_shut_out = shutout.is_here(user_id) and not User.objects.filter(pk=user_id, is_active=True).exists()
    sentence = people.NOT_ONESELF if actor.user_id == user_id else ""
    if not is_shut_out:
        sentence = grants.person_refusal(user_id, actor)
        sentence = sentence or (LONELY if shutout.is_lonely(user_id, actor.user_id) else "")
    return {"user": sentence} if sentence else {}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    person = str(User.objects.filter(pk=payload["user"]).first())
    return [Line(label="Person", old=person, new=person), Line(label="Access", old="yes", new="ended")]


def _apply(change: Change) -> None:
    leave(
        change.payload["user"],
        actor=change.actor,
        at=change.at,
        request=change.request,
        proposal=change.proposal,
    )


LEAVER = Kind(
    code=shutout.LEAVER,
    label="End somebody's access",
    makers=grants.ADMINISTRATORS,
    checkers=grants.OFFICERS | grants.ADMINISTRATORS,
    needs=lambda payload: shutout.needs(payload["user"]),
    meanwhile=shutout.shut_out,
    undo=shutout.let_in,
    meanwhile_says="They are shut out already: signed out everywhere, and not let in unless this is refused.",
    subject=lambda payload: f"person/{payload['user']}",
    about=lambda payload: int(payload["user"]),
    state=_state,
    check=_check,
    describe=_describe,
    apply=_apply,
    title=lambda row: f"End the access of {row.about}",
    form=LeaverForm,
)
KINDS = (LEAVER,)
