"""Facts of a fraud referral and the four pillars of its standard of proof."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models import Case, Evidence
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["FraudReferral", "PillarAnswer", "PillarEvidence"]


class FraudReferral(Tracked):
    """What is alleged: case type and reasons, product, dates, money. The story is sealed under the case's key."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="fraud_referral")
    fpa_case_type = models.CharField(max_length=40)
    reasons = models.JSONField(default=list)
    product = models.CharField(max_length=24)
    sales_channel = models.CharField(max_length=24)
    is_facility_granted = models.BooleanField(default=False)
    application_date = models.DateField(null=True, blank=True)
    discovered_date = models.DateField()
    value_at_risk_pence = models.BigIntegerField(default=0)
    loss_pence = models.BigIntegerField(default=0)
    incident_token = models.BinaryField(null=True, db_index=True)
    notice_version = models.CharField(max_length=20, blank=True)
    notice_shown_date = models.DateField(null=True, blank=True)
    may_share_with_police = models.BooleanField(default=False)
    prejudice_recorded = models.BooleanField(default=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    account_reference = SealedTextField(null=True)
    narrative = SealedTextField(null=True)
    filing_reference = models.CharField(max_length=40, blank=True)
    filed_date = models.DateField(null=True, blank=True)
    field_errors = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value_at_risk_pence__gte=0, loss_pence__gte=0), name="fraud_money_is_not_negative"
            )
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class PillarAnswer(Tracked):
    """One person's yes or no to one of the four pillars, as maker or as checker."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="pillar_answers")
    pillar = models.PositiveSmallIntegerField()
    side = models.CharField(max_length=8)
    is_met = models.BooleanField()
    exception = models.CharField(max_length=24, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "pillar", "side"], name="one_answer_per_pillar_and_side"),
            models.CheckConstraint(condition=Q(pillar__gte=1, pillar__lte=4), name="pillars_are_four"),
            models.CheckConstraint(condition=Q(side__in=["maker", "checker"]), name="pillar_side"),
        ]

    def __str__(self) -> str:
        return f"pillar {self.pillar} {self.side}"


class PillarEvidence(Tracked):
    """A document said to bear out a pillar."""

    answer = models.ForeignKey(PillarAnswer, models.PROTECT, related_name="links")
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "evidence"], name="one_link_per_pillar_and_document")]

    def __str__(self) -> str:
        return f"{self.answer_id} by {self.evidence_id}"
