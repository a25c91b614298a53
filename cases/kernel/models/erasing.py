"""What two people decided to erase before its time, and that it happened."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.ledger.models import Tracked

__all__ = ["Erasure"]


class Erasure(Tracked):
    """One decision that all a closed case holds is erased. `asked_in` is the case in which a person asked for it.

    It waits until nothing of the case is on its way to anybody; `erased_at` says that it happened, `ended_at` that it
    came to nothing because the case was opened again. The row outlives what was erased: it is the proof of it.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="erasures")
    asked_in = models.ForeignKey(Case, models.PROTECT, related_name="erasures_asked")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(ended_at=None), name="one_erasure_of_a_case"),
            models.CheckConstraint(condition=Q(erased_at=None) | Q(ended_at=None), name="erasure_is_done_or_ended"),
            models.CheckConstraint(condition=~Q(proposed_by=models.F("agreed_by")), name="two_people_decide_to_erase"),
            models.CheckConstraint(condition=~Q(case=models.F("asked_in")), name="no_case_erases_itself"),
        ]
        indexes = [models.Index("id", name="erasure_waits", condition=Q(erased_at=None, ended_at=None))]

    def __str__(self) -> str:
        return str(self.case_id)
