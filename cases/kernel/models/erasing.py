"""What two people decided to erase, before its time or when that was over, and that it happened."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.kernel.models.jobs import Job
from cases.ledger.models import Tracked

__all__ = ["Disposal", "Erasure"]


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


class Disposal(Tracked):
    """One decision of two people that closed cases of a kind are erased whose time ended on a day or before, and people
    whose own time did, out of cases that are kept longer.

    `counted` is how many cases there were when it was proposed, `people` how many people. Rows of its job say what
    became of each: what is held or waits for something stays, and is due again afterwards.
    """

    kind = models.CharField(max_length=40)
    last_date = models.DateField()
    counted = models.PositiveIntegerField()
    people = models.PositiveIntegerField(default=0, db_default=0)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="open")
    why_not = models.CharField(max_length=40, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(Job, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "agreed", "refused", "withdrawn"]), name="disposal_state"
            ),
            models.UniqueConstraint(fields=["kind"], condition=Q(state="open"), name="one_open_disposal_of_a_kind"),
            models.CheckConstraint(
                condition=~Q(state__in=["agreed", "refused"]) | ~Q(decided_by=models.F("proposed_by")),
                name="two_people_decide_on_a_disposal",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | (~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="disposal_is_open_or_decided",
            ),
            models.CheckConstraint(
                condition=Q(state="agreed", job__isnull=False) | (~Q(state="agreed") & Q(job=None)),
                name="what_is_agreed_is_done",
            ),
        ]
        indexes = [models.Index(fields=["kind", "-id"], name="disposal_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.last_date}"
