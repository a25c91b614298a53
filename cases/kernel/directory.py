"""Who works here, as a list: people with their live roles and teams. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from cases.kernel.models import RoleGrant, TeamMembership, User

__all__ = ["Listed", "everybody"]


@dataclass(frozen=True)
class Listed:
    """One person as the list of people shows them."""

    user: User
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    is_set_up: bool


def everybody() -> list[Listed]:
    """Return all people, those with access first, by name. Three queries."""
    held: dict[int, list[str]] = {}
    for user_id, role in RoleGrant.objects.filter(revoked_at=None).order_by("pk").values_list("user_id", "role"):
        held.setdefault(user_id, []).append(role)
    teams: dict[int, list[str]] = {}
    live = TeamMembership.objects.filter(ended_at=None).order_by("team__name")
    for user_id, name in live.values_list("user_id", "team__name"):
        teams.setdefault(user_id, []).append(name)
    with_factor = User.objects.filter(pk=OuterRef("pk"), authenticator__isnull=False)
    users = User.objects.annotate(is_set_up=Exists(with_factor)).order_by("-is_active", "display_name", "pk")
    return [Listed(user, tuple(held.get(user.pk, ())), tuple(teams.get(user.pk, ())), user.is_set_up) for user in users]
