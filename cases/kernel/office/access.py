"""Each month somebody looks at every right of every person: the lead of the team, or an administrator, says of each
whether it stays, and why. Nobody answers for themselves; an auditor signs what is complete.

A right that is to go is taken by a change of the office, as any other: an administrator's answer proposes it, a lead's
asks the administrators for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from cases.kernel import calendars, policy, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.models import (
    AccessAnswer,
    AccessReview,
    Proposal,
    Task,
    Team,
    User,
)
from cases.kernel.office import holders, proposals
from cases.kernel.office.holders import Person, people_of
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "REMOVAL",
    "SIGN",
    "TASK",
    "Person",
    "ReviewRefused",
    "answer",
    "get",
    "may_answer",
    "open_month",
    "persons",
    "reviews",
    "sign",
]

TASK, REMOVAL = "access_review", "access_removal"
OVERSEE, SIGN = "oversee_access", "sign_access_review"
MANAGE, APPROVE = "manage_people", "approve_people"
DAYS = 10
RETENTION = "office_change"
VERDICTS = {"kept": "Stays", "removed": "Goes"}
tasks.declare(
    {TASK: "Look at who holds which right this month", REMOVAL: "A team lead asks that a right be taken away"}
)


class ReviewRefused(CaseError):
    """The answer cannot be given like this; nothing was written."""


def open_month(*, now: datetime) -> int:
    """Open this month's reviews, one for each team with people and one for people in none; each raises its task.

    Returns how many. Once a month has its reviews it is left alone, so this may run as often as it likes.
    """
    month = calendars.london_date(now).replace(day=1)
    if AccessReview.objects.filter(month=month).exists():
        return 0
    with transaction.atomic():
        teams: list[Team | None] = list(Team.objects.select_for_update().order_by("pk"))
        if AccessReview.objects.filter(month=month).exists():
            return 0
        return sum(_open(month, team, now=now) for team in [*teams, None] if people_of(team).exists())


def _open(month: date, team: Team | None, *, now: datetime) -> int:
    due_at = calendars.end_of_day(calendars.add_working_days(calendars.london_date(now), DAYS))
    row = AccessReview(
        month=month,
        team=team,
        opened_at=now,
        due_at=due_at,
        key=sealing.new_key("access_review", at=now, retention_class=RETENTION),
    )
    detail = {"month": month.isoformat(), "team": team.code if team else ""}
    with ledger.action(row.uid, "access.review_opened", actor=system("access").label, at=now, detail=detail):
        row.save(force_insert=True)
        tasks.raise_task(TASK, case=None, team=team, at=now, due_at=due_at, review=str(row.uid))
    return 1


def reviews(actor: Actor) -> QuerySet[AccessReview]:
    """Return the reviews an actor may read: all for oversight, else those of the teams one leads."""
    rows = AccessReview.objects.select_related("team", "signed_by")
    is_oversight = policy.can(actor, OVERSEE).is_allowed
    return rows if is_oversight else rows.filter(team_id__in=actor.lead_team_ids)


def get(actor: Actor, uid: UUID) -> AccessReview:
    """Return one review. Raises NotVisible when there is none the actor may read."""
    row = reviews(actor).filter(uid=uid).first()
    if row is None:
        raise NotVisible
    return row


def may_answer(review: AccessReview, actor: Actor) -> bool:
    """Say whether the actor answers in a review: the team's lead, an administrator, the data protection officer."""
    return review.team_id in actor.lead_team_ids or any(policy.can(actor, act).is_allowed for act in (MANAGE, APPROVE))


def persons(review: AccessReview, actor: Actor, *, at: datetime) -> list[Person]:
    """Return the people of a review with their live rights, by name. Five queries, however many people."""
    return holders.persons(review, actor, may_answer=may_answer(review, actor), at=at)


def answer(
    uid: UUID,
    user_id: int,
    verdicts: Mapping[str, str],
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> AccessReview:
    """Write down what was said of each right of one person, all at once, with one reason.

    Locks the review, and the person of whom a right is asked. A right that goes is proposed to be taken (an
    administrator) or asked for as a task (a lead). The last answer completes the review and closes its task. Raises
    NotAllowed, NotVisible, ReviewRefused, ProposalRefused.
    """
    review = get(actor, uid)
    if not may_answer(review, actor):
        raise NotAllowed("The team's lead, an administrator or the data protection officer answers.")
    with transaction.atomic():
        review = AccessReview.objects.select_for_update(of=("self",)).select_related("team", "key").get(pk=review.pk)
        person = next((each for each in persons(review, actor, at=at) if each.user.pk == user_id), None)
        if person is None:
            raise ReviewRefused("There is no such person in this review.")
        _refuse(person, verdicts, reason, actor)
        detail = {"user": user_id, "answers": dict(sorted(verdicts.items()))}
        with _act(review, "access.answered", actor=actor, at=at, reason=reason, request=request, detail=detail):
            for right, verdict in verdicts.items():
                AccessAnswer.objects.create(
                    review=review,
                    user_id=user_id,
                    right=right,
                    verdict=verdict,
                    answered_by_id=actor.user_id or 0,
                    answered_at=at,
                )
            _complete(review, actor, at=at)
        for right, verdict in verdicts.items():
            if verdict == "removed":
                _take_away(review, user_id, right, reason=reason, actor=actor, at=at, request=request)
    return review


def _refuse(person: Person, verdicts: Mapping[str, str], reason: str, actor: Actor) -> None:
    if person.user.pk == actor.user_id:
        raise NotAllowed("Another person looks at your own rights.")
    if person.is_done:
        raise ReviewRefused("This person's rights were looked at already this month.")
    if set(verdicts) != {right.code for right in person.rights if not right.verdict} or not set(
        verdicts.values()
    ) <= set(VERDICTS):
        raise ReviewRefused("Say of every right whether it stays or goes.")
    if not reason.strip():
        raise ReviewRefused("Say why.")


def _complete(review: AccessReview, actor: Actor, *, at: datetime) -> None:
    """Close the review and its task once every right that is held has an answer."""
    if any(not each.is_done for each in persons(review, actor, at=at)):
        return
    review.completed_at = at
    review.save(update_fields=["completed_at"])
    for task in Task.objects.filter(kind=TASK, closed_at=None, detail__review=str(review.uid)):
        tasks.close(task, actor=actor, at=at)


def _take_away(
    review: AccessReview,
    user_id: int,
    right: str,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None,
) -> Proposal | None:
    """Propose that a right be taken, or ask the administrators for it. What is proposed already is left alone, and
    what another lead asked for is asked once."""
    what, _, code = right.partition(":")
    if policy.can(actor, MANAGE).is_allowed:
        kind = "role_revoke" if what == "role" else "team_member"
        payload = {"user": user_id, **({"role": code} if what == "role" else {"team": code, "standing": "none"})}
        if Proposal.objects.filter(kind=kind, subject=proposals.get(kind).subject(payload), state="open").exists():
            return None
        return proposals.propose(kind, payload, actor=actor, at=at, reason=reason, request=request)
    detail = {"user": user_id, "right": right}
    with _act(review, "access.removal_asked", actor=actor, at=at, detail=detail, request=request):
        User.objects.select_for_update(no_key=True).get(pk=user_id)
        tasks.raise_once(REMOVAL, at=at, due_at=review.due_at, about={"user": user_id, "right": right})
    return None


def sign(
    uid: UUID, *, reason: str, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> AccessReview:
    """Sign a complete review as the auditor. Locks it. Raises NotAllowed, NotVisible, ReviewRefused."""
    policy.require(actor, SIGN)
    found = get(actor, uid)
    with transaction.atomic():
        review = AccessReview.objects.select_for_update(of=("self",)).select_related("key").get(pk=found.pk)
        if review.completed_at is None:
            raise ReviewRefused("Rights are left that nobody has looked at.")
        if review.signed_at is not None:
            raise ReviewRefused("It is signed already.")
        with _act(review, "access.signed", actor=actor, at=at, reason=reason, request=request):
            review.signed_by_id, review.signed_at = actor.user_id, at
            review.save(update_fields=["signed_by", "signed_at"])
    return review


def _act(
    review: AccessReview,
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    request: ledger.RequestInfo | None,
    detail: Mapping[str, object] | None = None,
) -> AbstractContextManager[ledger.Action]:
    return ledger.action(
        review.uid,
        verb,
        actor=actor.label,
        at=at,
        reason=reason.strip(),
        key=review.key,
        request=request,
        detail=dict(detail or {}),
        source=actor.source,
    )
