"""Staff, their teams and their roles. A right is never held by being an administrator."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from cases.ledger.models import Tracked

__all__ = ["RoleGrant", "SignInLink", "Team", "TeamMembership", "User"]


class User(AbstractUser):
    """A member of staff. Deactivated when they leave, never deleted.

    `is_confirmed`: somebody else than who made their one-time link knows that it was they who followed it. Until then
    roles and teams count for nothing.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    display_name = models.CharField(max_length=120)
    first_name = None  # type: ignore[assignment]  # -- one display name serves
    last_name = None  # type: ignore[assignment]  # -- as above
    is_confirmed = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def initials(self) -> str:
        return "".join(part[0] for part in self.display_name.split()[:2]).upper()


class Team(Tracked):
    """People who share a queue. A restricted team's cases are seen by nobody else."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    is_restricted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class TeamMembership(Tracked):
    """One person in one team. Leading is a flag here and gives no maker's or checker's right."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    is_lead = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], condition=Q(ended_at=None), name="one_live_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"


class RoleGrant(Tracked):
    """A role held by a person from one moment to another; granted by somebody else, never by oneself."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=40)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], condition=Q(revoked_at=None), name="one_live_grant"),
            models.CheckConstraint(
                condition=Q(granted_by=None) | ~Q(granted_by=F("user")), name="nobody_grants_to_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.user_id}"


class SignInLink(models.Model):
    """A one-time way to set up one's own sign-in. Only the hash of the token is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="sign_in_links")
    token_sha256 = models.BinaryField(unique=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"link of {self.user_id}"
