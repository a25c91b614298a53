"""Facts of a transfer out of the United Kingdom. What somebody typed is sealed under the case's key."""

from django.db import models
from django.db.models import Q

from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Transfer"]


class Transfer(Tracked):
    """Which recipient in which country, why, and on what the data protection officer approved it.

    `recipient` is the agency's code, `country` two letters. `assessment` is the reference of the transfer risk
    assessment and `assessment_sha256` the hash of that document; `is_not_lower` says that its test found the protection
    not materially lower than here (UK GDPR Art 46(1A)). The review date is the last London day on which anything is
    sent.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="transfer")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    recipient = models.CharField(max_length=40, db_index=True)
    country = models.CharField(max_length=2)
    why = SealedTextField(null=True)
    mechanism = models.CharField(max_length=24, blank=True, default="", editable=False)
    assessment = models.CharField(max_length=60, blank=True, default="", editable=False)
    assessment_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    is_not_lower = models.BooleanField(default=False, editable=False)
    review_date = models.DateField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(country="GB"), name="transfer_goes_abroad"),
            models.CheckConstraint(
                condition=Q(mechanism="") | Q(review_date__isnull=False), name="transfer_mechanism_is_reviewed"
            ),
        ]

    def __str__(self) -> str:
        return str(self.case_id)
