"""Who holds which right, for the monthly review: the people of a team with roles, seats, and what was said of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from cases.kernel import roles
from cases.kernel.actors import Actor
from cases.kernel.models import AccessAnswer, AccessReview, BreakGlass, RoleGrant, Team, TeamMembership, User
from cases.kernel.office import directory

__all__ = ["Person", "Right", "people_of", "persons"]

GLASS_DAYS = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Right:
    """One right of one person, and what was said of it this month."""

    code: str
    label: str
    since: datetime | None = None
    verdict: str = ""
    answered_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person of a review: rights, two roles that should not meet, and glass broken in the last thirty days."""

    user: User
    rights: list[Right]
    toxic: list[str]
    glass: int
    may_answer: bool

    @property
    def is_done(self) -> bool:
        return all(right.verdict for right in self.rights)


def people_of(team: Team | None) -> QuerySet[User]:
    """Return who has access and is in a team, or in none at all."""
    active = User.objects.filter(is_active=True)
    if team is not None:
        return active.filter(pk__in=TeamMembership.objects.filter(team=team, ended_at=None).values("user_id"))
    seated = TeamMembership.objects.filter(ended_at=None).values("user_id")
    return active.filter(pk__in=RoleGrant.objects.filter(revoked_at=None).values("user_id")).exclude(pk__in=seated)


def persons(review: AccessReview, actor: Actor, *, may_answer: bool, at: datetime) -> list[Person]:
    """Return the people of a review with their live rights, by name. Five queries, however many people.
    `may_answer` says whether the reader answers in this review."""
    people = list(people_of(review.team).order_by("display_name", "pk"))
    said = {
        (row.user_id, row.right): row
        for row in AccessAnswer.objects.filter(review=review).select_related("answered_by")
    }
    held: dict[int, list[tuple[str, str, datetime | None]]] = {}
    for grant in RoleGrant.objects.filter(user__in=people, revoked_at=None).order_by("pk"):
        label = roles.ROLES[grant.role].label if grant.role in roles.ROLES else grant.role
        held.setdefault(grant.user_id, []).append((f"role:{grant.role}", label, grant.granted_at))
    seats = TeamMembership.objects.filter(user__in=people, ended_at=None).select_related("team").order_by("team__name")
    for seat in seats:
        words = f"{'Leads' if seat.is_lead else 'In'} the team {seat.team.name}"
        held.setdefault(seat.user_id, []).append((f"team:{seat.team.code}", words, None))
    broken = BreakGlass.objects.filter(user__in=people, began_at__gt=at - GLASS_DAYS).values_list("user_id")
    glass = dict(broken.annotate(count=Count("pk")))
    return [
        Person(
            user=user,
            rights=[
                _right(code, label, since, said.get((user.pk, code))) for code, label, since in held.get(user.pk, [])
            ],
            toxic=directory.toxic([code[5:] for code, _, _ in held.get(user.pk, []) if code.startswith("role:")]),
            glass=glass.get(user.pk, 0),
            may_answer=may_answer and user.pk != actor.user_id,
        )
        for user in people
    ]


def _right(code: str, label: str, since: datetime | None, row: AccessAnswer | None) -> Right:
    if row is None:
        return Right(code=code, label=label, since=since)
    return Right(code=code, label=label, since=since, verdict=row.verdict, answered_by=str(row.answered_by))
