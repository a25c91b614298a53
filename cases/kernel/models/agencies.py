"""Whom the firm talks to, how, and with which keys."""

from django.db import models
from django.db.models import Q

from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Agency", "Channel", "ChannelKey"]


class Agency(Tracked):
    """An organisation that exchanges messages with us; `uid` is its ledger stream. Own systems are kind own_system."""

    code = models.SlugField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    display_name = models.CharField(max_length=80)
    formerly = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, default="GB")
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.display_name


class Channel(Tracked):
    """One way of talking to one agency, in one direction."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="channels")
    direction = models.CharField(max_length=3)
    transport = models.CharField(max_length=12, default="https")
    address = models.CharField(max_length=400, blank=True)
    allowed_cidrs = models.JSONField(default=list)
    ca_file = models.CharField(max_length=400, blank=True)
    is_ordered = models.BooleanField(default=True)
    receiver_dedupes = models.BooleanField(default=True)
    retry_profile = models.CharField(max_length=12, default="standard")
    timeout_seconds = models.PositiveSmallIntegerField(default=15)
    max_in_flight = models.PositiveSmallIntegerField(default=5)
    rate_per_minute = models.PositiveIntegerField(default=600)
    state = models.CharField(max_length=12, default="active")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agency"], condition=Q(direction="in"), name="one_inbound_channel_per_agency"
            ),
            models.CheckConstraint(condition=Q(direction__in=["in", "out"]), name="channel_direction"),
            models.CheckConstraint(condition=Q(state__in=["active", "paused", "disabled"]), name="channel_state"),
        ]

    def __str__(self) -> str:
        return f"{self.agency_id} {self.direction} {self.transport}"


class ChannelKey(Tracked):
    """A shared secret of a channel, sealed. Two may be live while one replaces the other."""

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="keys")
    key_name = models.CharField(max_length=40)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    secret = SealedTextField()
    active_from = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key_name
