"""Who acts: a member of staff, a named job of the system, or a signed identity of an agency."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Now

from cases.kernel.models import Agency, BreakGlass, CompartmentGrant, RoleGrant, StaffTie, TeamMembership, User
from cases.kernel.office import codelists
from cases.kernel.personal import drafts, views
from cases.kernel.prepared import Prepared

__all__ = ["Actor", "agency", "staff", "system"]


# What takes sight away, and holds for everybody.
TIES = ("tie",)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One acting identity. `label` is what the ledger keeps; the rest serves policy.

    `compartment_ids` are the restricted ones among the teams, `granted_team_ids` restricted teams of others that let
    this person read, `opened_case_ids` the cases whose glass this person broke and that are still open to them,
    `tied_case_ids` the cases this person has declared a tie to and must have nothing to do with.
    """

    label: str
    kind: str
    name: str = ""
    user_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    team_ids: frozenset[int] = field(default_factory=frozenset)
    lead_team_ids: frozenset[int] = field(default_factory=frozenset)
    compartment_ids: frozenset[int] = field(default_factory=frozenset)
    granted_team_ids: frozenset[int] = field(default_factory=frozenset)
    opened_case_ids: frozenset[int] = field(default_factory=frozenset)
    tied_case_ids: frozenset[int] = field(default_factory=frozenset)
    agency_id: int | None = None
    agency_code: str = ""
    agency_kind: str = ""
    source: str = ""

    @property
    def sight(self) -> str:
        """What this person may see depends on no more than this: whatever is kept per sight is kept under it."""
        held = (self.team_ids, self.granted_team_ids, self.opened_case_ids, self.tied_case_ids)
        return ",".join([*sorted(self.roles), *("-".join(map(str, sorted(ids))) for ids in held)])


def staff(user: User, *, source: str = "") -> Actor:
    """Return the acting identity of a member of staff. One query, remembered on the user object. What ends by itself
    (a grant to read, a broken glass) has ended by the database's clock. Whoever was not confirmed holds nothing."""
    known = user.__dict__.get("_actor")
    if isinstance(known, Actor) and known.source == source:
        return known
    held = _HELD.rows(user=user.pk)
    codelists.notice(*next(((row[1], row[4]) for row in held if row[0] == "codes"), (0, "")))
    held = held if user.is_confirmed else [row for row in held if row[0] in TIES]
    user.__dict__["_views"], user.__dict__["_drafts"] = views.found(held), drafts.found(held)

    def ids(of: str) -> frozenset[int]:
        return frozenset(number for what, number, _, _, _ in held if what == of)

    actor = Actor(
        label=f"staff:{user.pk}",
        kind="staff",
        name=user.display_name or user.username,
        user_id=user.pk,
        roles=frozenset(role for what, _, _, _, role in held if what == "role"),
        team_ids=ids("team"),
        lead_team_ids=frozenset(number for what, number, is_lead, _, _ in held if what == "team" and is_lead),
        compartment_ids=frozenset(number for what, number, _, hidden, _ in held if what == "team" and hidden),
        granted_team_ids=ids("grant"),
        opened_case_ids=ids("glass"),
        tied_case_ids=ids("tie"),
        source=source,
    )
    user.__dict__["_actor"] = actor
    return actor


def _held(*, user: int) -> QuerySet[Any, Any]:
    """Return (what, id, is lead, is restricted, role) of everything that gives this person sight or rights now."""
    no, none = Value(False), Value("")
    teams = TeamMembership.objects.filter(user=user, ended_at=None)
    roles = RoleGrant.objects.filter(user=user, revoked_at=None)
    granted = CompartmentGrant.objects.filter(reader=user, revoked_at=None, ends_at__gt=Now())
    opened = BreakGlass.objects.filter(user=user, ends_at__gt=Now())
    tied = StaffTie.objects.filter(user=user, case__isnull=False, ended_at=None)
    return teams.values_list(Value("team"), F("team_id"), F("is_lead"), F("team__is_restricted"), none).union(
        roles.values_list(Value("role"), Value(0), no, no, F("role")),
        granted.values_list(Value("grant"), F("team_id"), no, no, none),
        opened.values_list(Value("glass"), F("case_id"), no, no, none),
        tied.values_list(Value("tie"), F("case_id"), no, no, none),
        codelists.version(),
        views.rows(user),
        drafts.rows(user),
        all=True,
    )


_HELD = Prepared(_held, user=-(10**15) - 1)


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
