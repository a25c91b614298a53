"""Maker and checker: an approval is bound to a digest of exactly what is approved."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.ledger.models import Tracked

__all__ = ["Approval", "ApprovalDecision"]


class Approval(Tracked):
    """What somebody asks others to agree to. Open until every needed role agreed, or it is void or refused."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="approvals")
    act = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    needs = models.JSONField(default=list)
    mode = models.CharField(max_length=8, default="before")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["id", "maker"], name="approval_with_its_maker"),
            models.UniqueConstraint(
                fields=["case", "act"], condition=Q(closed_at=None), name="one_open_approval_per_act"
            ),
            models.CheckConstraint(condition=Q(mode__in=["before", "after"]), name="approval_mode"),
        ]

    def __str__(self) -> str:
        return f"{self.act} of {self.case_id}"


class ApprovalDecision(Tracked):
    """One checker's verdict on one digest. The database refuses a maker as checker."""

    approval = models.ForeignKey(Approval, models.PROTECT, related_name="decisions")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = models.CharField(max_length=40)
    verdict = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(checker=F("maker")), name="checker_is_not_maker"),
            models.UniqueConstraint(fields=["approval", "checker"], name="one_verdict_per_checker"),
            models.UniqueConstraint(fields=["approval", "role"], name="one_verdict_per_role"),
            models.CheckConstraint(condition=Q(verdict__in=["agreed", "returned", "refused"]), name="approval_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.checker_id}"
