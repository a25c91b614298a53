"""Papers the system makes: letters to people and reports about cases. Their bytes are sealed under their own keys."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.kernel.models.delivery import OutboxMessage
from cases.kernel.models.evidence import StoredBlob
from cases.kernel.models.parties import CaseParty
from cases.ledger.models import DataKey, Tracked

__all__ = ["AuditReport", "Letter"]


class Letter(Tracked):
    """A notice to one person: which template and version, in which language, by which channel, when dispatched."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="letters")
    party = models.ForeignKey(CaseParty, models.PROTECT, related_name="letters")
    template = models.CharField(max_length=40)
    template_version = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=8, default="en-GB")
    channel = models.CharField(max_length=12, default="post", db_default="post")
    state = models.CharField(max_length=12, default="due")
    requested_at = models.DateTimeField()
    blob = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    message = models.ForeignKey(OutboxMessage, models.PROTECT, null=True, related_name="letters")
    dispatched_date = models.DateField(null=True, blank=True)
    retention_class = models.CharField(max_length=60)

    later = {"channel": "post"}

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["due", "rendered", "dispatched", "returned", "withdrawn"]), name="letter_state"
            )
        ]
        indexes = [models.Index("id", name="letter_due", condition=Q(state="due"))]

    def __str__(self) -> str:
        return f"{self.template} of {self.case_id}"


class AuditReport(Tracked):
    """One printed story of a case, made by a task; asking for it and making it are acts on record.

    `level` is internal for the audit report, else the kind's own paper; `data_blob` is such a paper as plain data. Of
    one that was erased what it was stays.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="reports")
    level = models.CharField(max_length=12, default="internal")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="queued")
    head_seq = models.BigIntegerField(null=True, blank=True)
    head_hash = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    blob = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, related_name="+")
    data_blob = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)
    dispose_after_date = models.DateField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    later = {"data_blob_id": None, "erased_at": None}

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["queued", "running", "done", "failed"]), name="report_state")
        ]
        indexes = [
            models.Index("id", name="report_due", condition=Q(state="queued")),
            models.Index(
                "dispose_after_date",
                "id",
                name="report_to_erase",
                condition=Q(erased_at=None, dispose_after_date__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"report {self.pk} of {self.case_id}"
