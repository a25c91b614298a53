"""Who may look into a compartment from outside, whom a broken glass let in, and holds that no other case shows."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.kernel.models.people import Team
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["BreakGlass", "CompartmentGrant", "QuietHold"]


class CompartmentGrant(Tracked):
    """Lets one person of oversight read a restricted team's cases, from one moment to another, for a reason."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="reading_grants")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="compartment_grants")
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    reason = SealedTextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "reader"], condition=Q(revoked_at=None), name="one_live_compartment_grant"
            ),
            models.CheckConstraint(condition=~Q(granted_by=F("reader")), name="nobody_lets_themselves_in"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("granted_at")), name="compartment_grant_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.reader_id} in {self.team_id}"


class BreakGlass(Tracked):
    """One person's emergency look at one case of another team. `alert_reference` is all that others are told."""

    alert_reference = models.CharField(max_length=24, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="broken_glass")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="broken_glass", db_index=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    reason = SealedTextField()
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    review_due_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=24, blank=True)
    finding = SealedTextField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=F("user")), name="nobody_reviews_their_own_glass"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, outcome="")
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False, outcome__in=["justified", "not_justified"]),
                name="broken_glass_outcome",
            ),
        ]
        indexes = [models.Index("user", "ends_at", name="glass_of_a_person")]

    def __str__(self) -> str:
        return self.alert_reference


class QuietHold(Tracked):
    """A hold of a restricted case on somebody else's case or account. It names what it blocks by a keyed token alone,
    so that nothing leads from there to here."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="quiet_holds")
    token = models.BinaryField()
    blocks = models.JSONField(default=list)
    began_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index("token", name="quiet_hold_active", condition=Q(released_at=None))]

    def __str__(self) -> str:
        return str(self.uid)
