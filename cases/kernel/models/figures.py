"""Figures over all cases of a quarter that name nobody, and to whom they were given."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.evidence import StoredBlob
from cases.kernel.models.proposals import Proposal
from cases.ledger.models import DataKey, Tracked

__all__ = ["Figures", "FiguresPart", "FiguresRelease"]


class Figures(Tracked):
    """The figures of one quarter. `tables` is what may be read, with what is small pooled; nothing else is kept.

    There is one row of a quarter, for ever: figures made again later would tell by their difference what became of few.
    """

    quarter = models.CharField(max_length=8, unique=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True, blank=True)
    tables = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.quarter


class FiguresPart(models.Model):
    """What was counted of some cases, small counts and all, until the figures are made: then it is deleted."""

    figures = models.ForeignKey(Figures, models.PROTECT, related_name="parts", db_index=False)
    subject = models.CharField(max_length=80)
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["figures", "subject"], name="one_part_of_figures_per_subject")]

    def __str__(self) -> str:
        return self.subject


class FiguresRelease(Tracked):
    """A release of anonymous figures to one organisation, proposed by one person and approved by another.

    The files hold what the approver saw: `sha256` is that of the table. They are there once a task has made them.
    `recipient` and `use` are codes, and text in releases of before there were lists of them.
    """

    figures = models.ForeignKey(Figures, models.PROTECT, related_name="releases")
    profile = models.CharField(max_length=20)
    recipient = models.CharField(max_length=120)
    use = models.CharField(max_length=300)
    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="+")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    released_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default="queued")
    table = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    paper = models.OneToOneField(StoredBlob, models.PROTECT, null=True, related_name="+")
    paper_sha256 = models.CharField(max_length=64, blank=True)
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["queued", "done", "failed"]), name="figures_release_state"),
            models.CheckConstraint(condition=~Q(approver=F("maker")), name="figures_release_by_two"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(table__isnull=False, paper__isnull=False), name="figures_release_files"
            ),
        ]
        indexes = [models.Index("id", name="figures_release_due", condition=Q(state="queued"))]

    def __str__(self) -> str:
        return f"{self.figures_id} to {self.recipient}"
