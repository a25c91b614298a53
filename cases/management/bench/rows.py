"""Tables of the arms `ref` and `floor`. Their app is not installed: no migration, no check and no page knows them."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

__all__ = [
    "TABLES",
    "RefAddress",
    "RefAgency",
    "RefCallback",
    "RefCase",
    "RefClock",
    "RefEvent",
    "RefFacts",
    "RefMessage",
    "RefPerson",
]


class RefAgency(models.Model):
    """What a case points to."""

    name = models.CharField(max_length=80)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.name


class RefCase(models.Model):
    """A case as one would first write it."""

    reference = models.CharField(max_length=24, unique=True)
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=40, db_index=True)
    topic = models.CharField(max_length=120)
    account = models.CharField(max_length=20)
    summary = models.TextField(blank=True)
    agency = models.ForeignKey(RefAgency, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    version = models.PositiveIntegerField(default=1)
    assignee = models.ForeignKey("cases.User", models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, db_index=True)
    amount_pence = models.BigIntegerField(null=True)
    is_closed = models.BooleanField(default=False, db_index=True)
    history = HistoricalRecords()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.reference


class RefFacts(models.Model):
    """Facts in clear."""

    case = models.OneToOneField(RefCase, models.CASCADE, primary_key=True, related_name="facts")
    product = models.CharField(max_length=24)
    sales_channel = models.CharField(max_length=24)
    discovered_date = models.DateField()
    narrative = models.TextField()
    account_reference = models.CharField(max_length=40)
    history = HistoricalRecords()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class RefPerson(models.Model):
    """A person in clear."""

    case = models.ForeignKey(RefCase, models.CASCADE, related_name="people")
    role = models.CharField(max_length=40)
    forename = models.CharField(max_length=80)
    surname = models.CharField(max_length=80, db_index=True)
    date_of_birth = models.DateField(null=True)
    phone = models.CharField(max_length=24, db_index=True)
    history = HistoricalRecords()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class RefAddress(models.Model):
    """An address in clear."""

    person = models.ForeignKey(RefPerson, models.CASCADE, related_name="addresses")
    line_1 = models.CharField(max_length=120)
    town = models.CharField(max_length=60)
    postcode = models.CharField(max_length=10)
    history = HistoricalRecords()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


class RefClock(models.Model):
    """A period."""

    case = models.ForeignKey(RefCase, models.CASCADE, related_name="clocks")
    rule = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.rule


class RefEvent(models.Model):
    """A line of an audit log."""

    case = models.ForeignKey(RefCase, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.verb


class RefCallback(models.Model):
    """A call of an agency, in clear."""

    message_id = models.CharField(max_length=128, unique=True)
    body = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.message_id


class RefMessage(models.Model):
    """A promise to an agency, in clear."""

    case = models.ForeignKey(RefCase, models.CASCADE, related_name="messages")
    body = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="pending", db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return str(self.pk)


_PLAIN = (RefAgency, RefCase, RefFacts, RefPerson, RefAddress, RefClock, RefEvent, RefCallback, RefMessage)
TABLES: tuple[type[models.Model], ...] = (
    *_PLAIN,
    *(model.history.model for model in _PLAIN if hasattr(model, "history")),
)
