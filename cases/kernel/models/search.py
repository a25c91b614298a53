"""What search and matching stand on: blind tokens beside the sealed rows, and pairs that may be one person.

Neither has history: tokens are made anew from the sealed values at any time, and what was decided about a pair is in
the ledger of both cases.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.kernel.models.parties import CaseParty
from cases.kernel.models.work import Note

__all__ = ["PersonPair", "SearchEntry"]


class SearchEntry(models.Model):
    """The blind tokens of one person of a case, of one note, or of the case's own facts (neither person nor note).

    `space` says who can make these tokens at all: the office, or one restricted team. `version` is that of the index
    key. `layout` names the runs of `tokens` in their order, as "surname.word 2 surname.start 9".
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="search_entries")
    party = models.OneToOneField(CaseParty, models.PROTECT, null=True, related_name="search_entry")
    note = models.OneToOneField(Note, models.PROTECT, null=True, related_name="search_entry")
    space = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    tokens = ArrayField(models.BigIntegerField(), default=list)
    layout = models.TextField(blank=True)
    compared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(party=None) | Q(note=None), name="search_entry_is_of_one_thing"),
            models.UniqueConstraint("case", condition=Q(party=None, note=None), name="one_search_entry_of_case_facts"),
        ]
        indexes = [
            GinIndex(fields=["tokens"], name="search_tokens", fastupdate=False),
            models.Index("id", name="search_not_compared", condition=Q(compared_at=None, party__isnull=False)),
            models.Index("version", "case", name="search_version", condition=Q(party=None, note=None)),
        ]

    def __str__(self) -> str:
        return f"search entry {self.pk}"


class PersonPair(models.Model):
    """Two people of two cases who may be one. `parts` says what agreed and what spoke against it: codes and points.

    `first` has the lower id, so that a pair is one row. Nobody is joined but by a person's decision.
    """

    first = models.ForeignKey(CaseParty, models.PROTECT, related_name="+", db_index=False)
    second = models.ForeignKey(CaseParty, models.PROTECT, related_name="+", db_index=False)
    score = models.SmallIntegerField()
    parts = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="offered")
    offered_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="one_pair_of_two_people"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="pair_is_in_order"),
            models.CheckConstraint(condition=Q(state__in=["offered", "joined", "rejected"]), name="pair_state"),
        ]
        indexes = [models.Index("second", name="pair_second")]

    def __str__(self) -> str:
        return f"pair {self.pk}"
