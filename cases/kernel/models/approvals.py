"""Maker and checker: an approval is bound to a digest of exactly what is approved."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Approval", "ApprovalDecision"]


class Approval(Tracked):
    """What somebody asks others to agree to. Open until every needed role agreed, or it is void or refused.

    `typed` is what was typed for an act that two people make: its reason and inputs, sealed under the case's key. The
    digest covers it. Nobody is the maker of what an agency or the system asked for. Mode after: it has happened, and
    is looked at afterwards.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="approvals")
    act = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    needs = models.JSONField(default=list)
    mode = models.CharField(max_length=8, default="before")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, related_name="+")
    typed = SealedTextField(null=True)

    later = {"key_id": None, "typed": None}

    class Meta:
        indexes = [
            # What waits for one of my roles is counted from this index alone, however many were ever closed.
            models.Index(
                fields=["case", "maker"], include=["id", "needs"], condition=Q(closed_at=None), name="approval_open"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "maker"], name="approval_with_its_maker"),
            models.UniqueConstraint(
                fields=["case", "act"], condition=Q(closed_at=None, mode="before"), name="one_open_approval_per_act"
            ),
            models.CheckConstraint(condition=Q(mode__in=["before", "after"]), name="approval_mode"),
        ]

    def __str__(self) -> str:
        return f"{self.act} of {self.case_id}"


class ApprovalDecision(Tracked):
    """One checker's verdict on one digest. The database refuses a maker as checker.

    `place` counts the people of one role where an act needs two of them.
    """

    approval = models.ForeignKey(Approval, models.PROTECT, related_name="decisions", db_index=False)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    checker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = models.CharField(max_length=40)
    place = models.PositiveSmallIntegerField(default=1, db_default=1)
    verdict = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    later = {"place": 1}

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(checker=F("maker")), name="checker_is_not_maker"),
            models.UniqueConstraint(fields=["approval", "checker"], name="one_verdict_per_checker"),
            models.UniqueConstraint(fields=["approval", "role", "place"], name="one_verdict_per_role"),
            models.CheckConstraint(
                condition=Q(verdict__in=["agreed", "returned", "refused", "confirmed", "not_confirmed"]),
                name="approval_verdict",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.checker_id}"
