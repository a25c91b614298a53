"""Whom the firm talks to, how, and with which keys."""

from django.db import models
from django.db.models import F, Q

from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Agency", "AgencyTerms", "Channel", "ChannelKey", "PartnerKey"]


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


class AgencyTerms(Tracked):
    """On which terms we deal with an agency: where we stand, contract, data-sharing agreement, safeguard, contact.

    `mailbox` is an organisation's role mailbox; a contact that names a person is sealed under a key of its own.
    Safeguard, assessment and `transfer_*` are written by the cases of transfers abroad alone (agreements.Standing).
    """

    agency = models.OneToOneField(Agency, models.PROTECT, related_name="terms")
    state = models.CharField(max_length=12, default="proposed")
    contract_reference = models.CharField(max_length=60, blank=True)
    contract_from_date = models.DateField(null=True, blank=True)
    contract_until_date = models.DateField(null=True, blank=True)
    contract_review_date = models.DateField(null=True, blank=True)
    sharing_reference = models.CharField(max_length=60, blank=True)
    sharing_from_date = models.DateField(null=True, blank=True)
    sharing_until_date = models.DateField(null=True, blank=True)
    sharing_review_date = models.DateField(null=True, blank=True)
    safeguard = models.CharField(max_length=40, blank=True)
    tra_reference = models.CharField(max_length=60, blank=True)
    mailbox = models.EmailField(max_length=120, blank=True)
    takes_chasers = models.BooleanField(default=False)
    key = models.ForeignKey(DataKey, models.PROTECT, null=True, blank=True, related_name="+")
    contact = SealedTextField(null=True)
    transfer_waits_for = models.CharField(max_length=2, blank=True, default="", db_default="")
    transfer_until_date = models.DateField(null=True, blank=True)
    transfer_covers_home = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "active", "suspended", "ended"]), name="agency_terms_state"
            ),
            models.CheckConstraint(
                condition=Q(sharing_until_date=None) | Q(sharing_until_date__gte=F("sharing_from_date")),
                name="agency_sharing_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(contract_until_date=None) | Q(contract_until_date__gte=F("contract_from_date")),
                name="agency_contract_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"terms of {self.agency_id}"


class Channel(Tracked):
    """One way of talking to one agency, in one direction. `answers_folder` is where a partner leaves files for us."""

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
    answers_folder = models.CharField(max_length=200, blank=True, default="")

    later = {"answers_folder": ""}

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
    """A secret of a channel, sealed. Two may be live while one replaces the other.

    Of kind `hmac` it is shared with the agency; of kind `ssh` or `openpgp` it is the private half of a pair of ours,
    whose `public` half the agency has.
    """

    channel = models.ForeignKey(Channel, models.PROTECT, related_name="keys")
    key_name = models.CharField(max_length=40)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    secret = SealedTextField()
    active_from = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    shown_at = models.DateTimeField(null=True, blank=True)

    kind = models.CharField(max_length=12, default="hmac")
    public = models.TextField(blank=True, default="")

    later = {"shown_at": None, "kind": "hmac", "public": ""}

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["hmac", "ssh", "openpgp"]), name="channel_key_kind"),
        ]

    def __str__(self) -> str:
        return self.key_name


class PartnerKey(Tracked):
    """A public key of an agency that exchanges files: `ssh_host`, which its server must prove, or `openpgp`, to which
    files are encrypted and with which its own are signed. What is not entered here by two people is not believed."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="partner_keys")
    kind = models.CharField(max_length=12)
    public = models.TextField()
    fingerprint = models.CharField(max_length=80)
    expires_at = models.DateTimeField(null=True, blank=True)
    active_from = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["ssh_host", "openpgp"]), name="partner_key_kind"),
            models.UniqueConstraint(
                fields=["agency", "kind", "fingerprint"],
                condition=Q(revoked_at=None),
                name="one_live_partner_key_per_fingerprint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"
