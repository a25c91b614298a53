"""Facts of a personal data breach. Everything that somebody typed is sealed under the case's key."""

from django.db import models
from django.db.models import Q

from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Breach"]


class Breach(Tracked):
    """What went wrong, whom it touches, who has to be told, and what is done about it.

    `aware_at` is when the first colleague knew, aware UTC: K09 counts from it. `about_reference` and `about_token` name
    the case it came from, one way: a sealed word and a keyed token, so that nothing leads back. `once_token` makes a
    report that is sent twice the same one. `route` says which Commissioner is told; empty until it is assessed.
    `what` is told to the Commissioner word for word; what came from a case of a compartment stands in `told_inside` and
    goes nowhere. `told_how` says how a person told them where the notice could not be delivered.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="breach")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    aware_at = models.DateTimeField()
    nature = models.CharField(max_length=16)
    people_count = models.PositiveIntegerField(null=True, blank=True)
    is_from_secrecy = models.BooleanField(default=False, editable=False)
    once_token = models.BinaryField(null=True, unique=True)
    about_token = models.BinaryField(null=True)
    about_reference = SealedTextField(null=True)
    what = SealedTextField(null=True)
    told_inside = SealedTextField(null=True)
    risk = models.CharField(max_length=16, blank=True, default="", editable=False)
    route = models.CharField(max_length=8, blank=True, default="", editable=False)
    secrecy = SealedTextField(null=True)
    consequences = SealedTextField(null=True)
    measures = SealedTextField(null=True)
    delay = SealedTextField(null=True)
    untold = SealedTextField(null=True)
    told_how = SealedTextField(null=True)
    notified_at = models.DateTimeField(null=True, blank=True, editable=False)
    regulator_reference = models.CharField(max_length=80, blank=True, default="", editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(notified_at=None) | Q(route__in=["ico", "ipc"]), name="breach_is_told_to_a_commissioner"
            )
        ]

    def __str__(self) -> str:
        return str(self.case_id)
