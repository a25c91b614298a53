"""Facts of a disclosure request, and the contacts of the authorities that ask.

Everything that somebody typed about a person or an investigation is sealed under the case's key.
"""

from django.db import models
from django.db.models import Q

from cases.kernel.models import Agency, Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["AuthorityContact", "DisclosureRequest"]


class AuthorityContact(Tracked):
    """A desk of a requesting authority, under maker and checker: its accreditation, and where it is called back.

    It names no person: a single point of contact has a number.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="contacts")
    code = models.SlugField(max_length=40)
    kind = models.CharField(max_length=12)
    desk = models.CharField(max_length=80)
    accreditation = models.CharField(max_length=40, blank=True)
    phone = models.CharField(max_length=24)
    method = models.CharField(max_length=24, default="call_back")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "code"], name="one_contact_per_code")]

    def __str__(self) -> str:
        return f"{self.agency_id}/{self.code}"


class DisclosureRequest(Tracked):
    """What a public authority or a court asks for, on which ground, and how we made sure that it was they.

    `items` are codes of the catalogue; `refused_items` says of those that were refused why; `allowed_items` were opened
    by counsel and an approver. `urn_token` finds a second request of the same number of theirs. Times are aware UTC.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="disclosure_request")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    request_type = models.CharField(max_length=32)
    came_by = models.CharField(max_length=16, blank=True)
    authority_code = models.CharField(max_length=40, blank=True)
    authority_kind = models.CharField(max_length=12, blank=True)
    grade = models.PositiveSmallIntegerField(default=3)
    gateway = models.CharField(max_length=32, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    is_serious_crime = models.BooleanField(default=False)
    granted_date = models.DateField(null=True, blank=True)
    items = models.JSONField(default=list)
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    is_compliance_required = models.BooleanField(default=False)
    has_sensitive_profession = models.BooleanField(default=False)
    is_person_at_risk = models.BooleanField(default=False)
    may_tell_subject = models.BooleanField(default=False)
    are_costs_agreed = models.BooleanField(default=False)
    urn_token = models.BinaryField(null=True, db_index=True)
    urn = SealedTextField(null=True)
    asked_by = SealedTextField(null=True)
    authoriser = SealedTextField(null=True)
    particulars = SealedTextField(null=True)
    contact_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    called_back_at = models.DateTimeField(null=True, blank=True, editable=False)
    spoken_to = SealedTextField(null=True)
    refused_items = models.JSONField(default=dict, editable=False)
    allowed_items = models.JSONField(default=list, editable=False)
    question = SealedTextField(null=True)
    answer = SealedTextField(null=True)
    refusal_code = models.CharField(max_length=32, blank=True, editable=False)
    cancellation = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=3), name="disclosure_grades_are_three"),
            models.CheckConstraint(
                condition=Q(contact_code="", called_back_at=None) | Q(called_back_at__isnull=False),
                name="disclosure_verified_by_a_call",
            ),
        ]

    def __str__(self) -> str:
        return str(self.case_id)
