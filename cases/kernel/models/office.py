"""What the office words and knows for itself: wordings of letters, entries of code lists, ties of staff to cases."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.kernel.models.proposals import Proposal
from cases.ledger.models import Tracked

__all__ = ["CodeEntry", "LetterText", "StaffTie"]


class LetterText(Tracked):
    """One version of a letter's wording, in force from a date until a later one is. Never changed; names nobody."""

    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    effective_from = models.DateField()
    body = models.TextField()
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="one_letter_text_per_version")]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"


class CodeEntry(Tracked):
    """What people read for a stored code, in which place, and from when until when it can be chosen."""

    list_code = models.CharField(max_length=40)
    code = models.CharField(max_length=60)
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    active_from = models.DateField(null=True, blank=True)
    active_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list_code", "code"], name="one_entry_per_code"),
            models.CheckConstraint(
                condition=Q(active_from=None) | Q(active_until=None) | Q(active_until__gte=F("active_from")),
                name="code_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list_code} {self.code}"


class StaffTie(Tracked):
    """A member of staff who must have nothing to do with a case: relative, neighbour, party to it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="ties")
    case = models.ForeignKey(Case, models.PROTECT, related_name="ties")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "case"], condition=Q(ended_at=None), name="one_live_tie")
        ]

    def __str__(self) -> str:
        return f"tie of {self.user_id}"
