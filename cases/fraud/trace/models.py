"""Facts of a trace of calls. What somebody typed is sealed under the case's key."""

from django.db import models
from django.db.models import Q

from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Trace", "TraceHop"]


class Trace(Tracked):
    """Which line complains of which calls, what harm they do, and who made them as far as it is found.

    `incident_reference` is that of the incident of malware or of an attack of which the calls come.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="trace")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    line = SealedTextField(null=True)
    calls = SealedTextField(null=True)
    call_count = models.PositiveIntegerField(default=0)
    harm = SealedTextField(null=True)
    police_reference = models.CharField(max_length=80, blank=True, default="")
    incident_reference = models.CharField(max_length=40, blank=True, default="", db_default="")
    is_expedient = models.BooleanField(default=False, editable=False)
    result = SealedTextField(null=True)

    def __str__(self) -> str:
        return str(self.case_id)


class TraceHop(Tracked):
    """One provider on the way back to the caller: asked (`out`) or answering (`in`), when, and with what result."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="trace_hops", db_index=False)
    number = models.PositiveSmallIntegerField()
    provider = models.CharField(max_length=80)
    direction = models.CharField(max_length=3)
    happened_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(direction__in=["in", "out"]), name="trace_hop_direction"),
            models.UniqueConstraint(fields=["case", "number"], name="one_trace_hop_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.number}"
