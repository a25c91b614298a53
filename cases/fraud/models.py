"""Facts of a fraud referral and the four pillars of its standard of proof."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from cases.kernel.models import Agency, Case, CaseParty, Clock, Evidence
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["DerivedFlag", "FraudDispute", "FraudReferral", "IncomingNotice", "PillarAnswer", "PillarEvidence"]


class FraudReferral(Tracked):
    """What is alleged: case type and reasons, product, dates, money. The story is sealed under the case's key.

    `event_type` is empty for a fraud; of an attack on the network or on a customer's equipment `attack` says of which
    kind, and it may have no case type: then nothing is filed. `incident_token` is the incident's key to the agency;
    `incident_tokens` are its hashes under every index key there was when it was named, so that an older or newer
    referral of the same incident shares one.
    """

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
    filing_reference = models.CharField(max_length=80, blank=True)
    filed_date = models.DateField(null=True, blank=True)
    field_errors = models.JSONField(default=list)
    savings_pence = models.BigIntegerField(default=0)
    alert_code = models.CharField(max_length=12, blank=True, default="")
    is_reinstated = models.BooleanField(default=False)
    police_reference = models.CharField(max_length=80, blank=True, default="")
    removal_reason = models.CharField(max_length=24, blank=True, default="")
    incident_tokens = models.JSONField(default=list, editable=False)
    event_type = models.CharField(max_length=24, blank=True, default="", db_default="")
    attack = models.CharField(max_length=24, blank=True, default="", db_default="")

    later = {
        "savings_pence": 0,
        "alert_code": "",
        "is_reinstated": False,
        "police_reference": "",
        "removal_reason": "",
        "incident_tokens": [],
        "event_type": "",
        "attack": "",
    }

    class Meta:
        indexes = [GinIndex(fields=["incident_tokens"], name="fraud_incident_tokens", fastupdate=False)]
        constraints = [
            models.CheckConstraint(
                condition=Q(value_at_risk_pence__gte=0, loss_pence__gte=0), name="fraud_money_is_not_negative"
            )
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class PillarAnswer(Tracked):
    """One person's yes or no to one of the four pillars, as maker or as checker."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="pillar_answers", db_index=False)
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

    answer = models.ForeignKey(PillarAnswer, models.PROTECT, related_name="links", db_index=False)
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "evidence"], name="one_link_per_pillar_and_document")]

    def __str__(self) -> str:
        return f"{self.answer_id} by {self.evidence_id}"


class FraudDispute(Tracked):
    """One objection to a filing: who objects, on which grounds, and how it ended."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="fraud_disputes")
    party = models.ForeignKey(CaseParty, models.PROTECT, null=True, blank=True, related_name="+")
    grounds = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=24, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "party", "grounds"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
                name="one_open_dispute_per_person",
            )
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk} of {self.case_id}"


class IncomingNotice(Tracked):
    """What an agency tells about a case without moving it: a match, an enquiry, an instruction. A person decides."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="incoming_notices", db_index=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=40)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    their_reference = models.CharField(max_length=80, blank=True)
    received_at = models.DateTimeField()
    expires_date = models.DateField(null=True, blank=True)
    is_address_only = models.BooleanField(default=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    summary = SealedTextField(null=True)
    outcome = models.CharField(max_length=24, blank=True, default="")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="one_incoming_notice_per_number"),
            models.CheckConstraint(
                condition=Q(outcome="", decided_at=None, decided_by=None)
                | (~Q(outcome="") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="incoming_notice_is_decided_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class DerivedFlag(Tracked):
    """What a marker put elsewhere. It goes with the marker: purged when that is removed or expires.

    What an agency told of a person is a flag of its `notice`, and stands as long as its `clock` runs.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="derived_flags")
    party = models.ForeignKey(CaseParty, models.PROTECT, related_name="derived_flags")
    kind = models.CharField(max_length=12)
    code = models.CharField(max_length=24, blank=True)
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    message_id = models.UUIDField(null=True, blank=True)
    raised_at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True, blank=True)
    notice = models.ForeignKey(IncomingNotice, models.PROTECT, null=True, blank=True, related_name="flags")
    clock = models.ForeignKey(Clock, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=["warning", "alert"]), name="derived_flag_kind")]
        indexes = [models.Index("case", name="derived_flag_live", condition=Q(purged_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} of {self.case_id}"
