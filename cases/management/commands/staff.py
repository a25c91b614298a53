"""Lists who works here and in which roles."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from cases.kernel.models import RoleGrant, User
from cases.kernel.roles import ROLES


class Command(BaseCommand):
    help = "Lists the people, their roles and whether they may sign in."

    def handle(self, *args: Any, **options: Any) -> None:
        roles: dict[int, list[str]] = {}
        for user_id, role in RoleGrant.objects.filter(revoked_at=None).order_by("role").values_list("user_id", "role"):
            roles.setdefault(user_id, []).append(ROLES[role].label if role in ROLES else role)
        for user in User.objects.order_by("display_name", "pk"):
            ended = "" if user.is_active else "  (access ended)"
            self.stdout.write(f"{user.display_name:<28} {', '.join(roles.get(user.pk, ['no role']))}{ended}")
