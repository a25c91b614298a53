"""What the office words and knows for itself: wordings of letters, entries of code lists, ties of staff to cases."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.kernel.models.proposals import Proposal
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["CodeEntry", "LetterText", "StaffTie", "TieEntry"]


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
    """A member of staff who must have nothing to do with a case, or with a person: relative, neighbour, party to it.

    A tie to a person has no case: `whom` is what they are known by, sealed.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="ties")
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="ties")
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, related_name="+")
    whom = SealedTextField(null=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "case"], condition=Q(ended_at=None), name="one_live_tie"),
            models.CheckConstraint(
                condition=Q(case__isnull=False, whom__isnull=True) | Q(case__isnull=True, whom__isnull=False),
                name="tie_is_to_a_case_or_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"tie of {self.user_id}"


class TieEntry(models.Model):
    """The blind tokens by which a tie to a person finds them in cases. No history: they are made anew at any time."""

    tie = models.OneToOneField(StaffTie, models.PROTECT, related_name="entry")
    tokens = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return f"entry of tie {self.tie_id}"
