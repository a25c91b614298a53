"""The assessments on which the notice stands: each version approved, sealed, with a day of review."""

from django.db import models
from django.db.models import F, Q

from cases.kernel.models.evidence import StoredBlob
from cases.ledger.models import DataKey, Tracked

__all__ = ["PolicyDocument"]


class PolicyDocument(Tracked):
    """One version of one document that a clause of the notice needs. `sha256` is of the file as received.

    In force is the newest version whose day has come; past `review_by` nothing leaves on it.
    """

    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=24)
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    approved_by = models.CharField(max_length=80)
    valid_from = models.DateField()
    review_by = models.DateField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    media_type = models.CharField(max_length=80)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    blob = models.OneToOneField(StoredBlob, models.PROTECT, related_name="+")
    warned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="one_document_per_code_and_version"),
            models.CheckConstraint(
                condition=Q(kind__in=["lia", "apd", "dpia", "tra", "data_sharing_agreement"]), name="document_kind"
            ),
            models.CheckConstraint(condition=Q(review_by__gt=F("valid_from")), name="document_review_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"
