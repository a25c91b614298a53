"""What ties one case to another. A case of a compartment names a case outside by a sealed word, never by a key."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.kernel.models.cases import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["CaseLink"]


class CaseLink(Tracked):
    """One typed link, from `case` to `other`: both show it. A one-way link names the other case in `outside`, sealed
    under the restricted case's key; nothing leads back from there. A removed link stays on record."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="links")
    other = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="links_here")
    kind = models.CharField(max_length=24)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    outside = SealedTextField(null=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "other", "kind"], condition=Q(removed_at=None), name="one_live_link"
            ),
            models.CheckConstraint(
                condition=Q(other__isnull=False, outside__isnull=True) | Q(other__isnull=True, outside__isnull=False),
                name="link_names_one_case",
            ),
            models.CheckConstraint(condition=Q(other=None) | ~Q(case=F("other")), name="no_case_links_to_itself"),
        ]

    def __str__(self) -> str:
        return self.kind
