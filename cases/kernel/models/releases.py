"""The register of what left the firm: to whom, on which ground, why."""

from django.db import models

from cases.kernel.models.agencies import Agency, Channel
from cases.kernel.models.cases import Case
from cases.kernel.models.delivery import OutboxMessage
from cases.kernel.models.parties import CaseParty
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Release", "ReleasedItem", "ReleasedPerson"]


class Release(Tracked):
    """One message of personal data that the firm decided to give to one recipient."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="releases")
    recipient = models.ForeignKey(Agency, models.PROTECT, related_name="releases")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    message = models.ForeignKey(OutboxMessage, models.PROTECT, null=True, related_name="releases")
    message_kind = models.CharField(max_length=60)
    released_at = models.DateTimeField()
    released_by = models.CharField(max_length=80)
    retention_class = models.CharField(max_length=60)

    def __str__(self) -> str:
        return f"{self.message_kind} to {self.recipient_id}"


class ReleasedItem(Tracked):
    """One data category of a release, with its legal gateway and the clause of the privacy notice. `documents` are the
    code and version of each paper that the clause stood on; none was kept of what left before they were."""

    release = models.ForeignKey(Release, models.PROTECT, related_name="items")
    category = models.CharField(max_length=40)
    fields = models.JSONField(default=list)
    gateway = models.CharField(max_length=40)
    clause = models.CharField(max_length=40)
    subject_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    necessity = SealedTextField()
    documents = models.JSONField(blank=True, default=list, db_default=[])

    later = {"documents": []}

    def __str__(self) -> str:
        return self.category


class ReleasedPerson(Tracked):
    """A person whom a release was about, or whom a correction took out of it. A release without any was about all."""

    release = models.ForeignKey(Release, models.PROTECT, related_name="people", db_index=False)
    party = models.ForeignKey(CaseParty, models.PROTECT, related_name="releases")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "party"], name="one_entry_per_release_and_person"),
        ]

    def __str__(self) -> str:
        return f"{self.party_id} in {self.release_id}"
