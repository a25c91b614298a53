"""Tables of the ledger: events and heads, who looked, what was refused, and the keys of what is sealed.

Append-only where it says so; migration 0002 makes PostgreSQL refuse the rest.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Value

from cases.ledger.tracking import Tracked, TrackedHistory

__all__ = [
    "AccessEvent",
    "Checkpoint",
    "DataKey",
    "LedgerEvent",
    "LedgerHead",
    "LedgerLeaf",
    "SecurityEvent",
    "Tracked",
    "TrackedHistory",
]


def _from_body(place: int) -> Func:
    """Return what stands at this place between the quotes of a body, which begins {"action":"…","actor":"…","at":"…".

    To make JSON of a body twice for each event costs four times all else that an event costs to write. The function
    that appends refuses a body that begins otherwise, and verification compares the columns with the body.
    """
    text = models.CharField(max_length=80)
    return Func(F("body"), Value('"'), Value(place), function="split_part", output_field=text)


class DataKey(models.Model):
    """A key of what is sealed, itself wrapped. Destroying it (`wrapped` gone) is what erases."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=20)
    label = models.CharField(max_length=40, blank=True)
    wrapped = models.BinaryField(null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    kek_id = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)
    destroyed_by = models.CharField(max_length=80, blank=True)
    destroyed_reason = models.CharField(max_length=80, blank=True)
    retention_class = models.CharField(max_length=40, blank=True)

    class Meta:
        app_label = "cases"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wrapped__isnull=True, destroyed_at__isnull=False)
                | models.Q(wrapped__isnull=False, destroyed_at__isnull=True),
                name="datakey_destroyed_when_unwrappable",
            ),
            models.UniqueConstraint(
                fields=("scope", "label"), condition=models.Q(scope="inbox"), name="datakey_one_inbox_key_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} key {self.uid}"


class Tombstone(models.Model):
    """A key that was destroyed and does not stand in the list beside the database yet. A trigger adds it, whoever
    writes the list removes it."""

    key = models.OneToOneField(DataKey, primary_key=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        app_label = "cases"

    def __str__(self) -> str:
        return f"Tombstone of {self.key_id}"


class LedgerHead(models.Model):
    """The last event of a stream; locked for the moment in which the next one is appended."""

    stream = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        app_label = "cases"

    def __str__(self) -> str:
        return f"{self.stream} at {self.seq}"


class LedgerEvent(models.Model):
    """One act: who, what, when, why, and what it changed. Written only by ledger.action(); append-only."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(unique=True)
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.GeneratedField(
        expression=_from_body(8), output_field=models.CharField(max_length=80), db_persist=True
    )
    action = models.GeneratedField(
        expression=_from_body(4), output_field=models.CharField(max_length=80), db_persist=True
    )
    body = models.TextField()
    reason = models.BinaryField(null=True)
    prev = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        app_label = "cases"
        constraints = [models.UniqueConstraint(fields=("stream", "seq"), name="ledgerevent_stream_seq")]
        indexes = [
            models.Index(fields=("actor", "at"), name="ledgerevent_actor_at"),
            models.Index(fields=("at", "id"), name="ledgerevent_at"),
            models.Index(fields=("action", "at", "id"), name="ledgerevent_action_at"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"

    def content(self) -> dict[str, Any]:
        """Return the body as data."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def reason_key(self) -> uuid.UUID | None:
        """Return the uid of the key that seals the reason, if one was given."""
        name = self.content().get("reason_key")
        return uuid.UUID(name) if name else None


class LedgerLeaf(models.Model):
    """That a stream ended with an event when a checkpoint was made: one leaf of the tree over all. Append-only."""

    idx = models.BigIntegerField(primary_key=True)
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        app_label = "cases"
        constraints = [models.UniqueConstraint(fields=("stream", "seq"), name="ledgerleaf_stream_seq")]

    def __str__(self) -> str:
        return f"{self.idx}: {self.stream} {self.seq}"


class Checkpoint(models.Model):
    """The signed root over so many leaves. Append-only.

    `frontier` is what the next one goes on from; `last_event` the newest event there was, 0 where more had moved than
    one round takes, and `last_look` the newest entry of the read log. `public` is the public half of the key that
    signed it.
    """

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    at = models.DateTimeField()
    last_event = models.BigIntegerField()
    frontier = models.JSONField(default=list)
    note = models.TextField()
    public = models.CharField(max_length=120, default="", db_default="")
    last_look = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        app_label = "cases"

    def __str__(self) -> str:
        return f"{self.size} leaves"


class AccessEvent(models.Model):
    """Who looked at what, for which purpose. Partitioned by month in SQL (migration 0002); append-only."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    streams = ArrayField(models.UUIDField(), default=list)
    verb = models.CharField(max_length=80)
    fields = ArrayField(models.CharField(max_length=80), default=list)
    purpose = models.CharField(max_length=60)
    note = models.BinaryField(null=True)
    break_glass = models.BooleanField(default=False)
    request_id = models.CharField(max_length=80, blank=True)
    result_count = models.IntegerField()
    query_hash = models.BinaryField(null=True)

    class Meta:
        app_label = "cases"
        managed = False
        db_table = "cases_accessevent"
        indexes = [
            GinIndex(fields=("streams",), name="accessevent_streams"),
            models.Index(fields=("actor", "at"), name="accessevent_actor_at"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor}"


class SecurityEvent(models.Model):
    """A refusal, sign-in or other matter of security, in codes and ids; append-only, never case content."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=60)
    act = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        app_label = "cases"
        indexes = [
            models.Index(fields=("kind", "at"), name="securityevent_kind_at"),
            models.Index(fields=("actor", "at"), name="securityevent_actor_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
