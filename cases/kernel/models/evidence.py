"""Documents of a case: sealed bytes with the hash taken when they came in."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Evidence", "StoredBlob"]


class StoredBlob(models.Model):
    """Sealed bytes, addressed by uid. Kept apart so that no list page ever reads them.

    `kept` says where they are: in this row, or in the store of that name under the uid. Of documents: when the scanner
    is asked next, how often it failed on this one, and when its hash was last taken again.
    """

    uid = models.UUIDField(unique=True)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    size = models.PositiveIntegerField()
    kept = models.CharField(max_length=10, default="row")
    scan_due_at = models.DateTimeField(null=True, blank=True)
    scan_tries = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["scan_due_at"], name="documents_to_scan", condition=Q(scan_due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return str(self.uid)


class Evidence(Tracked):
    """One document. `sha256` is of the bytes as received; the file name is sealed, since names are people's, and so is
    what is said of its worth as evidence when it is taken in.

    `redacts` is the document of the same case of which this is a copy with parts made unreadable.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence", db_index=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=40)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    file_name = SealedTextField()
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    blob = models.OneToOneField(StoredBlob, models.PROTECT, related_name="+")
    scan = models.CharField(max_length=12, default="pending")
    obtained_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    obtained_at = models.DateTimeField()
    redacts = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="redacted_copies"
    )

    admissibility = SealedTextField(null=True)

    later = {"redacts_id": None, "admissibility": None}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="one_document_per_number"),
            models.CheckConstraint(condition=Q(size__gte=0), name="document_size_is_known"),
        ]

    def __str__(self) -> str:
        return f"document {self.number}"
