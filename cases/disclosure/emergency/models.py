"""Facts of an emergency disclosure. Everything that somebody said or typed about a person is sealed."""

from django.db import models

from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["EmergencyDisclosure"]


class EmergencyDisclosure(Tracked):
    """Who rang us about which call, what they were told and when, and what was written up afterwards.

    Times are aware UTC and are what somebody said; when it was typed the ledger knows. `is_from_sheet` says that it was
    entered afterwards from a sheet of paper. `given_at` is the last time something was given.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="emergency_disclosure")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    control_room = models.CharField(max_length=40)
    risk = models.CharField(max_length=24)
    call_began_at = models.DateTimeField(null=True, blank=True)
    call_ended_at = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField()
    is_from_sheet = models.BooleanField(default=False)
    operator = SealedTextField(null=True)
    incident = SealedTextField(null=True)
    caller = SealedTextField(null=True)
    contact_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    called_back_at = models.DateTimeField(null=True, blank=True, editable=False)
    given_at = models.DateTimeField(null=True, blank=True, editable=False)
    spoken_to = SealedTextField(null=True)
    subscriber = SealedTextField(null=True)
    address = SealedTextField(null=True)
    position = SealedTextField(null=True)
    cell = SealedTextField(null=True)
    radius_m = models.PositiveIntegerField(null=True, blank=True, editable=False)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    located_at = models.DateTimeField(null=True, blank=True, editable=False)
    location_source = models.CharField(max_length=16, blank=True, default="", editable=False)
    refusal_code = models.CharField(max_length=32, blank=True, default="", editable=False)
    written_up = SealedTextField(null=True)
    over_disclosed = SealedTextField(null=True)
    settled = SealedTextField(null=True)

    def __str__(self) -> str:
        return str(self.case_id)
