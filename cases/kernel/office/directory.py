"""Who works here, as lists: people with their live roles and teams, teams with their members. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from cases.kernel import record, roles
from cases.kernel.models import Proposal, RoleGrant, Team, TeamMembership, User
from cases.ledger.models import SecurityEvent

__all__ = [
    "Held",
    "Listed",
    "about",
    "found",
    "held_by",
    "listed",
    "members",
    "person",
    "recent_security",
    "teams",
    "toxic",
]

RECENT = 20
MOST_FOUND = 50
RIGHTS = (
    "person_added",
    "role_granted",
    "role_revoked",
    "team_joined",
    "team_left",
    "team_standing",
    "person_confirmed",
    "person_shut_out",
    "person_let_in",
    "person_deactivated",
)


@dataclass(frozen=True)
class Listed:
    """One person as the list of people shows them."""

    user: User
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    is_set_up: bool


@dataclass(frozen=True, kw_only=True)
class Held:
    """One role of a person: since when, by whose hands."""

    role: roles.Role
    since: datetime
    given_by: str
    agreed_by: str


def _people() -> QuerySet[User]:
    with_factor = User.objects.filter(pk=OuterRef("pk"), authenticator__isnull=False)
    return User.objects.annotate(is_set_up=Exists(with_factor))


def about(*, is_active: bool) -> QuerySet[User]:
    """Return the people with access, or those who left."""
    return _people().filter(is_active=is_active)


def found(text: str) -> list[User]:
    """Return the people whose name or user name holds `text`, those with access first; at most fifty."""
    by_username = Q(username__icontains=text) & ~Q(username__startswith="new-")
    rows = _people().filter(Q(display_name__icontains=text) | by_username)
    return list(rows.order_by("-is_active", "display_name", "pk")[:MOST_FOUND])


def listed(users: Iterable[User]) -> list[Listed]:
    """Add roles and teams to people of `about` or `found`. Two queries."""
    wanted = list(users)
    held: dict[int, list[str]] = {}
    live = RoleGrant.objects.filter(revoked_at=None, user__in=wanted).order_by("pk")
    for user_id, role in live.values_list("user_id", "role"):
        held.setdefault(user_id, []).append(role)
    seats: dict[int, list[str]] = {}
    rows = TeamMembership.objects.filter(ended_at=None, user__in=wanted).order_by("team__name")
    for user_id, name, is_lead in rows.values_list("user_id", "team__name", "is_lead"):
        seats.setdefault(user_id, []).append(f"{name} (lead)" if is_lead else name)
    return [
        Listed(user, tuple(held.get(user.pk, ())), tuple(seats.get(user.pk, ())), bool(getattr(user, "is_set_up", 0)))
        for user in wanted
    ]


def person(user_id: int) -> User | None:
    return _people().filter(pk=user_id).first()


def held_by(user: User) -> list[Held]:
    """Return the live roles of a person with who gave them and who agreed. Two queries."""
    grants = RoleGrant.objects.filter(user=user, revoked_at=None).select_related("granted_by").order_by("pk")
    rows = Proposal.objects.filter(kind="role_grant", about=user, state="agreed").select_related("checker")
    agreed = {row.payload["role"]: row.checker for row in rows.order_by("pk")}
    return [
        Held(
            role=roles.ROLES[row.role],
            since=row.granted_at,
            given_by=str(row.granted_by) if row.granted_by else "the system",
            agreed_by=str(agreed[row.role]) if agreed.get(row.role) else "",
        )
        for row in grants
        if row.role in roles.ROLES
    ]


def toxic(held: Iterable[str]) -> list[str]:
    """Return a sentence for each two of these roles that may not meet in one person."""
    codes = sorted(held)
    pairs = [frozenset((one, other)) for index, one in enumerate(codes) for other in codes[index + 1 :]]
    return [roles.TOXIC_PAIRS[pair] for pair in pairs if pair in roles.TOXIC_PAIRS]


def recent_security(user: User) -> list[SecurityEvent]:
    """Return the last events of the security log that a person caused or that concern their rights, but nothing that
    was refused inside a compartment. Two queries."""
    caused = SecurityEvent.objects.filter(actor=f"staff:{user.pk}").exclude(detail__has_key=record.COMPARTMENT)
    caused = caused.order_by("-at", "-id")[:RECENT]
    rights = SecurityEvent.objects.filter(kind__in=RIGHTS, detail__user=user.pk).order_by("-id")[:RECENT]
    unique = {row.pk: row for row in (*caused, *rights)}
    return sorted(unique.values(), key=lambda row: (row.at, row.pk), reverse=True)[:RECENT]


def teams() -> list[Team]:
    """Return the teams by name, with `member_count`."""
    live = Count("memberships", filter=Q(memberships__ended_at=None))
    return list(Team.objects.annotate(member_count=live).order_by("name", "pk"))


def members(team: Team) -> list[TeamMembership]:
    """Return who is in a team, leads first."""
    rows = TeamMembership.objects.filter(team=team, ended_at=None).select_related("user")
    return list(rows.order_by("-is_lead", "user__display_name", "pk"))
