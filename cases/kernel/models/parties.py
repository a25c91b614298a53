"""People and organisations as a case names them. Every personal value is sealed under the row's own key."""

from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["CaseAddress", "CaseParty", "Party"]


class Party(Tracked):
    """Joins what several cases say about one person. Holds no personal value itself."""

    kind = models.CharField(max_length=12, default="person")

    def __str__(self) -> str:
        return str(self.uid)


class CaseParty(Tracked):
    """What one case asserts about one person, with its source. Sealed under its own key, so it can be erased alone."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="parties", db_index=False)
    party = models.ForeignKey(Party, models.PROTECT, null=True, blank=True, related_name="assertions")
    number = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=40)
    is_innocent = models.BooleanField(default=False)
    is_detached = models.BooleanField(default=False)
    source = models.CharField(max_length=40)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    title = SealedTextField(null=True)
    forename = SealedTextField(null=True)
    middle_name = SealedTextField(null=True)
    surname = SealedTextField(null=True)
    alias = SealedTextField(null=True)
    date_of_birth = SealedTextField(null=True)
    phone = SealedTextField(null=True)
    email = SealedTextField(null=True)
    employer = SealedTextField(null=True)
    bank_account = SealedTextField(null=True)
    identity_document = SealedTextField(null=True)
    vehicle_registration = SealedTextField(null=True)
    device = SealedTextField(null=True)
    ip_address = SealedTextField(null=True)
    account_reference = SealedTextField(null=True)
    retention_class = models.CharField(max_length=60)
    closed_date = models.DateField(null=True, blank=True)
    dispose_after_date = models.DateField(null=True, blank=True)
    is_erased = models.BooleanField(default=False, db_default=False)

    later = {"is_erased": False}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="one_party_per_number")]
        indexes = [
            models.Index(
                "dispose_after_date",
                "id",
                name="person_kept_until",
                condition=Q(is_erased=False, dispose_after_date__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.number}"


class CaseAddress(Tracked):
    """An address of a person in a case, sealed under that person's key.

    `jurisdiction` is in which part of the United Kingdom it is, by its postcode; empty where that says nothing.
    `source` is where it comes from; empty where that is where the person's row comes from.
    """

    party = models.ForeignKey(CaseParty, models.PROTECT, related_name="addresses")
    kind = models.CharField(max_length=24)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    line_1 = SealedTextField(null=True)
    line_2 = SealedTextField(null=True)
    town = SealedTextField(null=True)
    postcode = SealedTextField(null=True)
    is_detached = models.BooleanField(default=False)
    since = SealedTextField(null=True)
    until = SealedTextField(null=True)
    country = SealedTextField(null=True)
    uprn = SealedTextField(null=True)
    jurisdiction = models.CharField(max_length=3, blank=True, default="", db_default="")
    source = models.CharField(max_length=40, blank=True, default="", db_default="")

    later = {"since": None, "until": None, "country": None, "uprn": None, "jurisdiction": "", "source": ""}

    def __str__(self) -> str:
        return self.kind
