"""The promise to an agency, each try to keep it, and what agencies tell us. These rows are their own log."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from cases.kernel.models.agencies import Agency, Channel
from cases.kernel.models.cases import Case
from cases.ledger.models import DataKey

__all__ = [
    "BatchFile",
    "Callback",
    "ChannelHealth",
    "DeliveryAttempt",
    "IntakeRequest",
    "OutboxMessage",
    "RateBucket",
    "RefusedCalls",
    "Stream",
]


class ChannelHealth(models.Model):
    """How a channel fares: written by delivery on every try, so it is no part of the channel's history.

    The row is locked while a batch is claimed for the channel. `minute_*` count tries for its rate; `pause_reason`
    is set by a try that shows a wrong key, certificate or address, until the channel is paused on record. A pause
    with `paused_until` ends by itself. `fetched_at`: when its folder of answers was last read.
    """

    channel = models.OneToOneField(Channel, models.PROTECT, primary_key=True, related_name="health")
    consecutive_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    circuit_open_until = models.DateTimeField(null=True, blank=True)
    consecutive_rejections = models.PositiveIntegerField(default=0)
    pause_reason = models.CharField(max_length=40, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    minute_began_at = models.DateTimeField(null=True, blank=True)
    minute_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.channel_id)


class Stream(models.Model):
    """One ordered conversation: a case on a channel, or the files of a channel. `next_seq` is taken under its lock."""

    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="streams", db_index=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="streams")
    next_seq = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "channel"], name="one_stream_per_case_and_channel"),
            models.UniqueConstraint(fields=["channel"], condition=Q(case=None), name="one_stream_of_files_per_channel"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.channel_id}"


class OutboxMessage(models.Model):
    """A promise. `public_id` is the webhook-id of every try; `sealed_body` holds the exact bytes under their own key.

    `receipt_at` is when the recipient said that it arrived, `acknowledged_at` when it answered. `settled_at`
    is set once the case has taken note of the outcome (delivered, refused, dead or unknown). A file of many cases
    belongs to none. Of one that takes bytes of a large file the body has an empty text where `load_bytes` of `load`
    go, from the byte `load_from` on: they are read at each try.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    stream = models.ForeignKey(Stream, models.PROTECT, related_name="messages", db_index=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="messages", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="messages")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed_body = models.BinaryField(null=True)
    body_sha256 = models.CharField(max_length=64)
    load = models.ForeignKey("cases.StoredBlob", models.SET_NULL, null=True, blank=True, related_name="+")
    load_from = models.BigIntegerField(null=True, blank=True)
    load_bytes = models.PositiveIntegerField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=120)
    is_ordered = models.BooleanField(default=True)
    priority = models.SmallIntegerField(default=5)
    state = models.CharField(max_length=12, default="pending")
    due_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    lease = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    receipt_at = models.DateTimeField(null=True, blank=True)
    chased_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    agency_reference = models.CharField(max_length=80, blank=True)
    errors = models.JSONField(default=list)
    caused_by_event = models.UUIDField(null=True, blank=True)
    resolved_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="one_message_per_place"),
            models.UniqueConstraint(fields=["channel", "dedupe_key"], name="one_message_per_promise"),
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state="sending", is_ordered=True), name="one_in_flight_per_stream"
            ),
            models.CheckConstraint(
                condition=Q(state="sending", lease__isnull=False) | (~Q(state="sending") & Q(lease__isnull=True)),
                name="lease_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "pending",
                        "sending",
                        "delivered",
                        "acknowledged",
                        "refused",
                        "withdrawn",
                        "superseded",
                        "unknown",
                        "dead",
                        "skipped",
                    ]
                ),
                name="message_state",
            ),
        ]
        indexes = [
            models.Index("channel", "priority", "due_at", "id", name="message_due", condition=Q(state="pending")),
            models.Index(
                "stream", "seq", name="message_open", condition=Q(state__in=["pending", "sending", "unknown", "dead"])
            ),
            models.Index("lease_until", name="message_lease", condition=Q(state="sending")),
            models.Index(
                "id",
                name="message_unsettled",
                condition=Q(settled_at=None, state__in=["delivered", "refused", "dead", "unknown"]),
            ),
            models.Index("channel", "agency_reference", name="message_agency_ref"),
            models.Index("agency_reference", name="message_found_by_ref", condition=~Q(agency_reference="")),
            models.Index(
                "delivered_at",
                name="message_unanswered",
                condition=Q(state="delivered", acknowledged_at=None, chased_at=None),
            ),
            models.Index(
                Coalesce("acknowledged_at", "settled_at"),
                "id",
                name="message_to_erase",
                condition=Q(sealed_body__isnull=False, settled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class BatchFile(models.Model):
    """A file sent to an agency or fetched from one, as it was carried: encrypted, signed, and sealed besides.

    `sha256` is of the file as written, `carried_sha256` of the encrypted bytes under `name`. Of a sent file, which has
    its `message`, those bytes are made once, before the first try, and are the same at each. A fetched file is kept
    before it is opened: `stored`, then `taken` or `refused` with the reason; `tries` counts how often that was begun,
    which is more than once where a worker died of it. `answers` is the sent file it speaks of; `written_at`, no column,
    is when a fetched one says that it was written, known while it is taken.
    Of a large sent file the store has the `rows`, equal for all agencies, between a first and a last line that the
    message has, and the encrypted bytes as `carried`.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="files")
    direction = models.CharField(max_length=3)
    kind = models.CharField(max_length=40, blank=True)
    sequence_no = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200)
    message = models.OneToOneField(OutboxMessage, models.PROTECT, null=True, blank=True, related_name="file")
    answers = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="answered_by")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed_bytes = models.BinaryField(null=True)
    rows = models.ForeignKey("cases.StoredBlob", models.PROTECT, null=True, blank=True, related_name="+")
    carried = models.ForeignKey("cases.StoredBlob", models.PROTECT, null=True, blank=True, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True)
    carried_sha256 = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=80, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    total_pence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="stored")
    reason = models.CharField(max_length=60, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    remote_size = models.BigIntegerField(null=True, blank=True)
    remote_changed_at = models.BigIntegerField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    written_at: datetime | None = None

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(direction="out", state__in=["promised", "answered"], message__isnull=False)
                | Q(direction="in", state__in=["stored", "taken", "refused"], message=None),
                name="batch_file_state",
            ),
            models.UniqueConstraint(
                fields=["channel", "name"], condition=Q(direction="out"), name="one_sent_file_per_name"
            ),
            models.UniqueConstraint(
                fields=["channel", "name", "carried_sha256"],
                condition=Q(direction="in"),
                name="one_fetched_file_per_content",
            ),
            models.UniqueConstraint(
                fields=["channel", "name"],
                condition=Q(direction="in", state="taken"),
                name="one_taken_file_per_name",
            ),
        ]
        indexes = [
            models.Index("id", name="batch_file_stored", condition=Q(state="stored")),
            models.Index(
                "ended_at", "id", name="file_to_erase", condition=Q(direction="in", sealed_bytes__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DeliveryAttempt(models.Model):
    """One try, written before it is made. No `ended_at` after its lease means: outcome unknown."""

    message = models.ForeignKey(OutboxMessage, models.PROTECT, related_name="tries", db_index=False)
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=80, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    remote_ip = models.CharField(max_length=45, blank=True)
    key_names = models.CharField(max_length=120, blank=True)
    request_sha256 = models.CharField(max_length=64, blank=True)
    response_sha256 = models.CharField(max_length=64, blank=True)
    sealed_excerpt = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="one_try_per_number")]
        indexes = [
            models.Index("ended_at", "id", name="excerpt_to_erase", condition=Q(sealed_excerpt__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.number}"


class Callback(models.Model):
    """What an agency told us, stored before anything is done about it. Unique per agency for ever."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="callbacks", db_index=False)
    message_id = models.CharField(max_length=128)
    received_at = models.DateTimeField()
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    sealed_body = models.BinaryField(null=True)
    body_sha256 = models.CharField(max_length=64)
    key_name = models.CharField(max_length=40)
    remote_ip_token = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=60, blank=True)
    agency_reference = models.CharField(max_length=80, blank=True)
    agency_sequence = models.BigIntegerField(null=True, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=12, default="received")
    reason = models.CharField(max_length=120, blank=True)
    tries = models.PositiveIntegerField(default=0)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="callbacks")
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "message_id"], name="one_callback_per_message_id"),
            models.CheckConstraint(
                condition=Q(state__in=["received", "applied", "ignored", "unmatched", "failed"]),
                name="callback_state",
            ),
        ]
        indexes = [
            models.Index("received_at", "id", name="callback_pending", condition=Q(state="received")),
            models.Index("agency", "agency_reference", name="callback_unmatched", condition=Q(state="unmatched")),
            models.Index("agency_reference", name="callback_found_by_ref", condition=~Q(agency_reference="")),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class RefusedCalls(models.Model):
    """How often a call in the name of an agency was refused for its signature, and the last time. Nothing it said."""

    agency = models.OneToOneField(Agency, models.PROTECT, primary_key=True, related_name="refused_calls")
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()
    last_reason = models.CharField(max_length=40)

    def __str__(self) -> str:
        return str(self.agency_id)


class IntakeRequest(models.Model):
    """A request of one of the firm's own systems, and the bytes it was answered with, so that a repeat is equal."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="intake_requests", db_index=False)
    message_id = models.CharField(max_length=128)
    received_at = models.DateTimeField()
    body_sha256 = models.CharField(max_length=64)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="intake_requests")
    status = models.PositiveSmallIntegerField()
    answer = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "message_id"], name="one_intake_per_message_id")]

    def __str__(self) -> str:
        return self.message_id


class RateBucket(models.Model):
    """How many calls one caller made in the current window. Rows, so that every web process sees the same count."""

    name = models.CharField(max_length=80, unique=True)
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
