"""The monthly look at who holds which right: one review for each team and month, one answer for each right."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.people import Team
from cases.ledger.models import DataKey, Tracked

__all__ = ["AccessAnswer", "AccessReview"]


class AccessReview(Tracked):
    """One team's review of one month; `team` None is for people in no team. `uid` is its ledger stream.

    The reasons given are sealed in its events under `key`. An auditor signs it when every right has its answer.
    """

    month = models.DateField()
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["month", "team"], name="one_access_review_per_team_and_month", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(signed_by=None, signed_at=None)
                | Q(signed_by__isnull=False, signed_at__isnull=False, completed_at__isnull=False),
                name="access_review_signed_when_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of {self.team_id or 'no team'}"


class AccessAnswer(Tracked):
    """What a reviewer said of one right of one person: `right` is role:<code> or team:<code>."""

    review = models.ForeignKey(AccessReview, models.PROTECT, related_name="answers", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    right = models.CharField(max_length=60)
    verdict = models.CharField(max_length=8)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "user", "right"], name="one_answer_per_right_and_review"),
            models.CheckConstraint(condition=Q(verdict__in=["kept", "removed"]), name="access_answer_verdict"),
            models.CheckConstraint(condition=~Q(answered_by=F("user")), name="nobody_reviews_their_own_access"),
        ]

    def __str__(self) -> str:
        return f"{self.right} of {self.user_id}: {self.verdict}"
