"""What people owe a case (Task, Hold) and what they say about it (Note)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.kernel.models.people import Team
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Hold", "Note", "Task"]


class Task(Tracked):
    """Something a team must do. The words come from `kind` and `detail`, which are codes: never personal data."""

    kind = models.CharField(max_length=60)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="tasks")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="tasks")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="tasks")
    detail = models.JSONField(default=dict)
    raised_by_event = models.UUIDField(null=True, blank=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=40, blank=True)

    later = {"assignee_id": None}

    class Meta:
        indexes = [
            models.Index("team", "due_at", "id", name="task_open", condition=Q(closed_at=None)),
            models.Index("due_at", "id", name="task_due", condition=Q(closed_at=None)),
            models.Index(
                fields=["case"], include=["kind"], name="task_of_case", condition=Q(closed_at=None, assignee=None)
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Hold(Tracked):
    """What blocks a case. Several overlap; an act is blocked while any active hold blocks it.

    It was heard of at `received_at` and counts from `began_at` to `ends_at`. Its reference elsewhere is sealed.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=40)
    blocks = models.JSONField(default=list)
    source = models.CharField(max_length=60)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    review_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    received_at = models.DateTimeField(null=True, blank=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    party = models.ForeignKey("cases.CaseParty", models.PROTECT, null=True, blank=True, related_name="holds")
    evidence = models.ForeignKey("cases.Evidence", models.PROTECT, null=True, blank=True, related_name="+")
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, related_name="+")
    reference = SealedTextField(null=True)

    later = {
        "received_at": None,
        "entered_by_id": None,
        "party_id": None,
        "evidence_id": None,
        "key_id": None,
        "reference": None,
    }

    class Meta:
        indexes = [
            models.Index("case", name="hold_active", condition=Q(released_at=None)),
            models.Index("kind", "case", name="hold_kind", condition=Q(released_at=None)),
            models.Index("review_at", name="hold_review", condition=Q(released_at=None)),
        ]

    def __str__(self) -> str:
        return self.kind


class Note(Tracked):
    """A sealed remark under a key of its own. Corrected by a later note; changed only to take somebody out who alone is
    erased."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField()
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="corrections")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    text = SealedTextField()

    def __str__(self) -> str:
        return f"note {self.pk}"
