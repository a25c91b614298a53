"""What people keep at their own desk. None of it is part of a case, and none of it is history: what goes is gone."""

import uuid

from django.conf import settings
from django.db import models

from cases.kernel.models.cases import Case
from cases.kernel.models.people import Team
from cases.ledger.models import DataKey
from cases.ledger.sealing import SealedTextField

__all__ = ["Digest", "Draft", "SavedView"]


class SavedView(models.Model):
    """What the queue is asked, under a name: for whoever keeps it alone, or for a team. Nothing of a case stands in
    one: `query` holds codes, and ids of teams and colleagues."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_views")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=400)
    is_pinned = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], condition=models.Q(team=None), name="one_view_of_a_name"),
            models.UniqueConstraint(
                fields=["team", "name"], condition=models.Q(team__isnull=False), name="one_team_view_of_a_name"
            ),
        ]

    def __str__(self) -> str:
        return f"view {self.pk}"


class Draft(models.Model):
    """What somebody typed into one form and has not sent, for them alone: `body` is sealed, under the key of the case
    that the page is of, else under a key of that person and day. `place` is where the form goes, `page` where it
    stands."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="drafts", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="drafts")
    place = models.CharField(max_length=300)
    page = models.CharField(max_length=300)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    body = SealedTextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "place"], name="one_draft_of_a_form")]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class Digest(models.Model):
    """That somebody is told by mail, where and on which mornings, how much waits for them; and how the newest of these
    mails ended. `mail_date` and `state` are written before it is sent, so that it is sent once at most."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="digest")
    days = models.CharField(max_length=12)
    address = models.EmailField(max_length=120)
    chosen_at = models.DateTimeField()
    mail_date = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, default="none")
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(days__in=["working_days", "weekly"]), name="digest_days"),
            models.CheckConstraint(
                condition=models.Q(state__in=["none", "sending", "pending", "sent", "nothing", "failed"]),
                name="digest_state",
            ),
        ]

    def __str__(self) -> str:
        return f"digest {self.pk}"
