"""Facts of a suspicion report. Everything that somebody typed is sealed under the case's key."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["SuspicionReport"]


class SuspicionReport(Tracked):
    """What is suspected, about whom, and what the unit said.

    `about_reference` and `about_token` name the case it came from, one way: by a sealed word and a keyed token, so
    that nothing leads back. `once_token` makes a referral that is sent twice the same one. `submitted_from` is the part
    of the United Kingdom in which the officer makes the report: its bank holidays count (POCA 2002 s.335(7)).
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="suspicion_report")
    reason_code = models.CharField(max_length=32, default="information")
    glossary_codes = models.JSONField(default=list)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    once_token = models.BinaryField(null=True, unique=True)
    about_token = models.BinaryField(null=True)
    about_reference = SealedTextField(null=True)
    referral = SealedTextField(null=True)
    account_reference = SealedTextField(null=True)
    transactions = SealedTextField(null=True)
    narrative = SealedTextField(null=True)
    police_contact = SealedTextField(null=True)
    submitted_from = models.CharField(max_length=3, default="eaw")
    submitted_date = models.DateField(null=True, blank=True)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    is_by_deputy = models.BooleanField(default=False)
    unit_reference = models.CharField(max_length=80, blank=True)
    court_extended_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(submitted_date=None, submitted_by=None)
                | Q(submitted_date__isnull=False, submitted_by__isnull=False),
                name="suspicion_report_names_its_sender",
            )
        ]

    def __str__(self) -> str:
        return str(self.case_id)
