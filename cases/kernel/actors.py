"""Who acts: a member of staff, a named job of the system, or a signed identity of an agency."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Value

from cases.kernel.models import Agency, RoleGrant, TeamMembership, User

__all__ = ["Actor", "agency", "staff", "system"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One acting identity. `label` is what the ledger keeps; the rest serves policy."""

    label: str
    kind: str
    name: str = ""
    user_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    team_ids: frozenset[int] = field(default_factory=frozenset)
    lead_team_ids: frozenset[int] = field(default_factory=frozenset)
    agency_id: int | None = None
    agency_code: str = ""
    agency_kind: str = ""
    source: str = ""


def staff(user: User, *, source: str = "") -> Actor:
    """Return the acting identity of a member of staff. One query, remembered on the user object."""
    known = user.__dict__.get("_actor")
    if isinstance(known, Actor) and known.source == source:
        return known
    memberships = TeamMembership.objects.filter(user=user, ended_at=None)
    grants = RoleGrant.objects.filter(user=user, revoked_at=None)
    held = list(
        memberships.values_list("team_id", "is_lead", Value("")).union(
            grants.values_list(Value(0), Value(False), "role"), all=True
        )
    )
    teams = {team_id: is_lead for team_id, is_lead, role in held if not role}
    actor = Actor(
        label=f"staff:{user.pk}",
        kind="staff",
        name=user.display_name or user.username,
        user_id=user.pk,
        roles=frozenset(role for _, _, role in held if role),
        team_ids=frozenset(teams),
        lead_team_ids=frozenset(team_id for team_id, is_lead in teams.items() if is_lead),
        source=source,
    )
    user.__dict__["_actor"] = actor
    return actor


def system(name: str, *, source: str = "") -> Actor:
    """Return the identity of one named job."""
    return Actor(label=f"system:{name}", kind="system", name="System", source=source)


def agency(row: Agency, *, source: str = "") -> Actor:
    """Return the identity of an agency, or of one of the firm's own systems, whose signature was verified."""
    return Actor(
        label=f"agency:{row.code}",
        kind="agency",
        name=row.display_name,
        agency_id=row.pk,
        agency_code=row.code,
        agency_kind=row.kind,
        source=source,
    )
