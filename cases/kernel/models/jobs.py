"""Long work in the background, row by row. These rows are their own log; starts and ends are in the ledger."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

__all__ = ["Job", "JobRow"]


class Job(models.Model):
    """One piece of long work. `params` and rows hold codes and ids, never personal data; `uid` is its ledger stream.

    The table is the queue: a job whose lease has lapsed is due. `claims` counts takings-up since the last row that was
    done, so that work which kills its worker every time ends as failed. `key` makes a second start the same job.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=120, blank=True)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="queued")
    reason = models.CharField(max_length=60, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="jobs", db_index=False
    )
    asked_at = models.DateTimeField()
    turn_at = models.DateTimeField(db_default=Now())
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    lease = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claims = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=~Q(key=""), name="one_job_per_kind_and_key"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "stopping", "stopped", "done", "failed"]), name="job_state"
            ),
            models.CheckConstraint(
                condition=Q(lease=None, lease_until=None)
                | Q(lease__isnull=False, lease_until__isnull=False, state__in=["running", "stopping"]),
                name="job_lease_while_it_runs",
            ),
        ]
        indexes = [
            models.Index("turn_at", name="job_due", condition=Q(state__in=["queued", "running", "stopping"])),
            models.Index(fields=["asked_by", "-id"], name="job_mine"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def handled(self) -> int:
        return self.done + self.skipped + self.failed

    @property
    def is_over(self) -> bool:
        return self.state in {"stopped", "done", "failed"}


class JobRow(models.Model):
    """One thing that a job does. It is marked in the transaction that does it, so that nothing is done twice."""

    job = models.ForeignKey(Job, models.PROTECT, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=80)
    state = models.CharField(max_length=12, default="pending")
    reason = models.CharField(max_length=60, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "subject"], name="one_row_per_subject"),
            models.UniqueConstraint(fields=["job", "number"], name="one_row_per_number"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "done", "skipped", "failed"]), name="job_row_state"
            ),
        ]
        indexes = [models.Index("job", "number", name="job_row_pending", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"
