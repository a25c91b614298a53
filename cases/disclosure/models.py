"""Facts of a disclosure request, what is given on it and what went wrong, and the contacts of those who ask.

Everything that somebody typed about a person or an investigation is sealed under the case's key.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from cases.kernel.evidence.filetypes import TYPES
from cases.kernel.models import Agency, Case, StoredBlob
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = [
    "AddressHolder",
    "AuthorityContact",
    "DisclosureError",
    "DisclosureRequest",
    "DisclosureStatistics",
    "ItemGround",
    "PackagePart",
    "RequestEntry",
]


# The first ending of each kind of file that is taken.
_ENDINGS = {each.media_type: each.endings[0] for each in reversed(TYPES)}


class AuthorityContact(Tracked):
    """A desk of a requesting authority, under maker and checker: its accreditation, and where it is called back.

    It names no person: a single point of contact has a number.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="contacts", db_index=False)
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
    by counsel and an approver. `urn_token` finds a second request of the same number of theirs. `oral_given_at` is when
    it was asked for by word of mouth, `order_until` the day that an order names. `package_sha256` is of the manifest
    that was sent to be checked, `checked` what its maker ticked. `cancelled_at` is when a cancellation was put on
    record. Times are aware UTC.
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
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    oral_given_at = models.DateTimeField(null=True, blank=True)
    order_until = models.DateField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked = models.JSONField(default=list, editable=False)
    package_sha256 = models.CharField(max_length=64, blank=True, default="", editable=False)
    released_at = models.DateTimeField(null=True, blank=True, editable=False)
    receipted_at = models.DateTimeField(null=True, blank=True, editable=False)
    purged_at = models.DateTimeField(null=True, blank=True, editable=False)
    receipt_how = SealedTextField(null=True)
    difference = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=3), name="disclosure_grades_are_three"),
            models.CheckConstraint(
                condition=Q(contact_code="", called_back_at=None)
                | Q(called_back_at__isnull=False)
                | Q(came_by="portal"),
                name="disclosure_verified_by_a_call",
            ),
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class RequestEntry(models.Model):
    """The blind tokens by which what is held of those whom a request is about is found, in every space. No history:
    they are made anew at any time.

    One of `tokens` is enough; of a list of `names`, all. `numbers` are what changes of a SIM are kept under.
    `has_devices` says that somebody is known by a handset or an IP address, `all_numbers` that everybody is known by a
    number.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="request_entry")
    tokens = ArrayField(models.BigIntegerField(), default=list)
    names = models.JSONField(default=list, db_default=[])
    numbers = ArrayField(models.CharField(max_length=64), default=list, db_default=[])
    has_devices = models.BooleanField(default=False, db_default=False)
    all_numbers = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return str(self.case_id)


class ItemGround(Tracked):
    """Why one item of a request is given: necessity, proportionality, collateral intrusion, and what was left out.

    Where nothing is held of it, it says so instead.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="item_grounds", db_index=False)
    item = models.CharField(max_length=40)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    minimised = models.JSONField(default=list)
    is_nothing_held = models.BooleanField(default=False)
    necessity = SealedTextField(null=True)
    proportionality = SealedTextField(null=True)
    collateral = SealedTextField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "item"], name="one_ground_per_item")]

    def __str__(self) -> str:
        return self.item


class AddressHolder(Tracked):
    """Who held an asked address from when until when, as our records say: `subject` is a letter, never a name."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="address_holders", db_index=False)
    number = models.PositiveSmallIntegerField()
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    subject = models.CharField(max_length=1)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    is_removed = models.BooleanField(default=False)
    address = SealedTextField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="one_holder_per_number")]

    def __str__(self) -> str:
        return f"holder {self.number}"


class PackagePart(Tracked):
    """One file of what is given on a request: one item, of one subject where an address changed hands.

    `sha256` is of the bytes and `fields` its columns; both stay when the bytes are destroyed. `row_count` is empty
    where no machine can read it. `original_sha256` is of the document of which it is a redacted copy, if it is one.
    `pieces` are the hashes of the pieces in which a large one goes, each PIECE_BYTES long but the last.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="package_parts", db_index=False)
    number = models.PositiveSmallIntegerField()
    item = models.CharField(max_length=40)
    subject = models.CharField(max_length=1, blank=True)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    row_count = models.PositiveIntegerField(null=True, blank=True)
    fields = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64)
    blob = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    is_removed = models.BooleanField(default=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    original_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    pieces = models.JSONField(default=list, db_default=[], blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="one_part_per_number")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name of the file, made of codes: it holds nothing of a person."""
        ending = _ENDINGS.get(self.media_type, "bin")
        return f"{self.number:02}-{self.item}{f'-{self.subject}' if self.subject else ''}.{ending}"


class DisclosureError(Tracked):
    """One error of a request, ours or the authority's: recordable when it was caught before anything left, reportable
    when data was wrongly disclosed. Empty kind: it is not decided yet.

    `breach_route` says who else is told: the Commissioner for information, or, where secrecy forbids that, the
    Investigatory Powers Commissioner (s.235A).
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="disclosure_errors", db_index=False)
    number = models.PositiveSmallIntegerField()
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, blank=True)
    fault = models.CharField(max_length=24)
    is_ours = models.BooleanField(default=True)
    found_at = models.DateTimeField()
    cause = models.CharField(max_length=24, blank=True)
    breach_route = models.CharField(max_length=12, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    destroy_asked_at = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)
    how = SealedTextField(null=True)
    collateral = SealedTextField(null=True)
    prevention = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="one_error_per_number"),
            models.CheckConstraint(
                condition=Q(kind__in=["", "recordable", "reportable"]), name="disclosure_errors_are_of_two_kinds"
            ),
        ]

    def __str__(self) -> str:
        return f"error {self.number}"


class DisclosureStatistics(Tracked):
    """The public counts of the requests of a quarter that is over, as they were first made; `lines` are in words.

    There is one row of a quarter, for ever: counts made again later would tell by their difference what became of few.
    """

    quarter = models.CharField(max_length=8, unique=True)
    made_at = models.DateTimeField()
    lines = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.quarter
