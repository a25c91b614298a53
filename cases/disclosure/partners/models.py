"""What partners agreed to, what they asked, and the SIM changes the answers are taken from."""

import uuid

from django.db import models
from django.db.models import F, Q

from cases.kernel.models import Agency, Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["PartnerAgreement", "PartnerQuery", "SimEvent", "SimFeed"]


class PartnerAgreement(Tracked):
    """On which terms a partner may ask: what for, which fields it is told, how often, until when, and which processors
    may ask for it: their codes in the register where they sign with keys of their own, else names as the partner gives
    them.

    The last day still counts. At most one agreement of an agency is live.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="partner_agreements", db_index=False)
    reference = models.CharField(max_length=40)
    purposes = models.JSONField(default=list)
    allowed_fields = models.JSONField(default=list)
    per_minute = models.PositiveIntegerField()
    per_day = models.PositiveIntegerField()
    retention_months = models.PositiveSmallIntegerField(default=12)
    audit = models.CharField(max_length=200)
    processors = models.JSONField(default=list, db_default=[], blank=True)
    begins_date = models.DateField()
    ends_date = models.DateField()
    is_live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "reference"], name="one_partner_agreement_per_reference"),
            models.UniqueConstraint(
                fields=["agency"], condition=Q(is_live=True), name="one_live_agreement_per_partner"
            ),
            models.CheckConstraint(
                condition=Q(ends_date__gte=F("begins_date")), name="partner_agreement_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class PartnerQuery(Tracked):
    """One question of a partner about one number, and what it was told.

    `processor` asked for the partner: by its code where it signed with a key of its own (`has_own_key`), else as the
    partner names it. `number_tokens` are the hashes of the number, one for each index key, by which SIM changes are
    found without opening it. `latest_change_at` is what was known when it was answered, in UTC.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="partner_query")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    partner = models.ForeignKey(Agency, models.PROTECT, related_name="partner_queries")
    agreement = models.ForeignKey(PartnerAgreement, models.PROTECT, null=True, blank=True, related_name="queries")
    question = models.CharField(max_length=24)
    occasion = models.CharField(max_length=24, blank=True)
    processor = models.CharField(max_length=80, blank=True, default="", db_default="")
    has_own_key = models.BooleanField(default=False, db_default=False, editable=False)
    max_age_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    is_authenticated = models.BooleanField(null=True, blank=True)
    number_tokens = models.JSONField(default=list, editable=False)
    number = SealedTextField(null=True)
    their_reference = SealedTextField(null=True)
    answer = models.CharField(max_length=12, blank=True, editable=False)
    latest_change_at = models.DateTimeField(null=True, blank=True, editable=False)
    refusal_code = models.CharField(max_length=32, blank=True, editable=False)
    feedback = models.CharField(max_length=24, blank=True, editable=False)
    fed_back_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return str(self.case_id)


class SimEvent(models.Model):
    """One change of the SIM behind a number, or that the number left for another network, as the network told it. Never
    changed; who brought it the ledger knows.

    `swapped_at` is when that was. `token` is the keyed hash of the number, `sealed_number` the number itself under the
    key of its month.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=8, default="swap", db_default="swap")
    swapped_at = models.DateTimeField()
    received_at = models.DateTimeField()
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed_number = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "swapped_at", "kind"], name="one_event_of_a_kind_per_moment"),
            models.CheckConstraint(condition=models.Q(kind__in=["swap", "left"]), name="sim_event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.swapped_at:%Y-%m-%d}"


class SimFeed(models.Model):
    """Until when the network has told every change of a SIM, in UTC. One row, without history: it moves with each call
    of the network's."""

    agency = models.OneToOneField(Agency, models.PROTECT, primary_key=True, related_name="+")
    told_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.told_until:%Y-%m-%d %H:%M}"
