"""Changes of the office itself (roles, agencies, letters, calendars): one record for all, under maker and checker."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Proposal"]

STATES = ["open", "agreed", "refused", "withdrawn", "superseded"]


class Proposal(Tracked):
    """What somebody wants to change, bound to a digest of it and of what stands there now.

    `needs` holds the roles of which one person must agree; empty when no second person is needed. `payload` and
    `before` hold codes, ids and dates; what may name people is sealed, and so are the reasons, which its events hold.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    needs = models.JSONField(default=list)
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="open")
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="proposal_state"),
            models.CheckConstraint(
                condition=Q(checker=None) | ~Q(checker=F("maker")), name="proposal_checker_is_not_maker"
            ),
            models.CheckConstraint(
                condition=Q(checker=None) | Q(about=None) | ~Q(checker=F("about")),
                name="nobody_decides_about_themselves",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="proposal_ended_when_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["agreed", "refused"]) | Q(checker__isnull=False) | Q(needs=[]),
                name="proposal_decided_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state="open"), name="one_open_proposal_per_subject"
            ),
        ]
        indexes = [
            models.Index("id", name="proposal_open", condition=Q(state="open")),
            models.Index("maker", "id", name="proposal_maker"),
            models.Index("about", "id", name="proposal_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"
