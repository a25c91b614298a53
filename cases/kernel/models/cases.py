"""A tracked matter and what orders it: reference, state, assignment, clocks."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.people import Team
from cases.ledger.models import DataKey, Tracked

__all__ = ["Case", "Clock", "ReferenceCounter"]


class Case(Tracked):
    """One matter. Holds only what every queue needs; the rest is the kind's facts row.

    `uid` names the case's ledger stream, its URL and its sealing. `topic` is a code made by the kind, never typed.
    `due_at` repeats the earliest running clock or open task so that a queue needs no join. A dormant case waits for
    time alone; a snoozed one for its own date. `merged_into` is where the reference of a duplicate leads. `is_erased`
    says that its keys are destroyed.
    """

    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=24, unique=True)
    state = models.CharField(max_length=40)
    topic = models.CharField(max_length=120, blank=True)
    version = models.PositiveIntegerField(default=1)
    team = models.ForeignKey(Team, models.PROTECT, related_name="cases")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False, related_name="assigned_cases"
    )
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    amount_pence = models.BigIntegerField(null=True, blank=True)
    is_restricted = models.BooleanField(default=False)
    is_closed = models.BooleanField(default=False)
    is_dormant = models.BooleanField(default=False, db_default=False)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    retention_class = models.CharField(max_length=60)
    closed_date = models.DateField(null=True, blank=True)
    dispose_after_date = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=20, blank=True)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    is_erased = models.BooleanField(default=False, db_default=False)

    later = {"is_dormant": False, "snoozed_until": None, "merged_into_id": None, "is_erased": False}

    class Meta:
        indexes = [
            models.Index("team", "due_at", "id", name="case_queue", condition=Q(is_closed=False, is_restricted=False)),
            models.Index("assignee", "due_at", "id", name="case_assignee", condition=Q(is_closed=False)),
            # Whose a case is and who may see it, from this index alone: their tasks are counted from here.
            models.Index(fields=["assignee", "id"], include=["kind", "team", "is_restricted"], name="case_whose"),
            models.Index("kind", "state", "id", name="case_kind_state"),
            models.Index(fields=["-changed_at", "-id"], name="case_changed"),
            models.Index("due_at", "id", name="case_due", condition=Q(is_closed=False)),
            models.Index("opened_at", "id", name="case_opened", condition=Q(is_closed=False)),
            models.Index(
                fields=["-amount_pence", "id"],
                name="case_amount",
                condition=Q(is_closed=False, amount_pence__isnull=False),
            ),
            models.Index("team", name="case_waiting", condition=Q(is_closed=False, is_dormant=True)),
            models.Index(
                "kind",
                "dispose_after_date",
                "id",
                name="case_kept_until",
                condition=Q(is_closed=True, is_erased=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_closed=False) | Q(closed_date__isnull=False, dispose_after_date__isnull=False),
                name="closed_case_has_its_dates",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class ReferenceCounter(models.Model):
    """The last number given out for a prefix and year; locked while the next is taken."""

    prefix = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prefix", "year"], name="one_counter_per_prefix_and_year")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}"


class Clock(Tracked):
    """A period that runs on a case. The sentence says how it was counted.

    `rule` and `version` name the clock rule it keeps, whatever comes after; `stops` are the times it stood still, as
    pairs; `named_date` is the end that an order named; `warned_at` says that a task has asked for it.
    """

    later = {"version": 1, "stops": [], "named_date": None, "warned_at": None}

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks")
    rule = models.CharField(max_length=40)
    party = models.ForeignKey("cases.CaseParty", models.PROTECT, null=True, blank=True, related_name="clocks")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    due_date = models.DateField()
    jurisdiction = models.CharField(max_length=3, default="eaw")
    state = models.CharField(max_length=12, default="running")
    paused_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    explanation = models.CharField(max_length=400)
    version = models.PositiveSmallIntegerField(default=1)
    stops = models.JSONField(default=list)
    named_date = models.DateField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("due_at", name="clock_running", condition=Q(state="running")),
            models.Index("rule", "due_at", name="clock_unwarned", condition=Q(state="running", warned_at=None)),
            models.Index("jurisdiction", "id", name="clock_open", condition=Q(ended_at=None)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "paused", "met", "breached", "cancelled"]), name="clock_state"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.due_date}"
