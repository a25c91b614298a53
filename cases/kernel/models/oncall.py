"""Who is rung when something urgent waits for a restricted team, that it waits, and each ring."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.kernel.models.cases import Case
from cases.kernel.models.people import Team
from cases.ledger.models import Tracked

__all__ = ["OnCallAlert", "OnCallRing", "OnCallRoute"]

_LETTERS, _DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", 9


class OnCallRoute(Tracked):
    """One address of a team's route, rung in the order of `position`: a mailbox, or a pager that takes HTTPS."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60)
    method = models.CharField(max_length=8)
    address = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "position"], condition=Q(ended_at=None), name="one_on_call_address_per_position"
            ),
            models.CheckConstraint(condition=Q(method__in=["e_mail", "https"]), name="on_call_method_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.label}"


class OnCallAlert(Tracked):
    """Something urgent waits for a team, until one of it says that they have it; or the test page of a day.

    It is told outside by its short code alone, which says nothing of the case.
    """

    team = models.ForeignKey(Team, models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+")
    why = models.CharField(max_length=40)
    test_date = models.DateField(null=True)
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "test_date"], name="one_on_call_test_a_day"),
            models.UniqueConstraint(
                fields=["case", "why"], condition=Q(acknowledged_at=None), name="one_open_alert_per_case_and_cause"
            ),
        ]
        indexes = [models.Index("team", "raised_at", name="on_call_open", condition=Q(acknowledged_at=None))]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """A letter and a digit by which people speak of it; the same comes again after some two hundred."""
        number = self.pk or 0
        return f"{_LETTERS[number // _DIGITS % len(_LETTERS)]}{number % _DIGITS + 1}"


class OnCallRing(models.Model):
    """One promise to ring one address, with its tries. The table is the queue; a lease is a fence.

    `step` counts the rounds of an alert. `due_at` and `lease_until` are the database's clock.
    """

    alert = models.ForeignKey(OnCallAlert, models.PROTECT, related_name="rings", db_index=False)
    route = models.ForeignKey(OnCallRoute, models.PROTECT, related_name="+")
    step = models.PositiveSmallIntegerField()
    stepped_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="pending")
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=80, blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alert", "route", "step"], name="one_ring_per_address_and_step"),
        ]
        indexes = [
            models.Index("due_at", name="rings_to_send", condition=Q(state__in=["pending", "sending"])),
        ]

    def __str__(self) -> str:
        return f"{self.state} ring of {self.alert_id}"
