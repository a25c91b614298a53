"""Facts of a placement with a recovery agency, and the batches in which accounts are handed over."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from cases.accounts.models import Account
from cases.kernel.models import Agency, Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["DebtFigure", "Placement", "PlacementBatch", "Remittance", "RemittanceLine"]


class PlacementBatch(Tracked):
    """Accounts that one analyst puts together for one agency, and one manager releases. `chosen` are the ids of the
    accounts; `digest` is the hash of its sorted lines as they were built, nothing until then; `file_uid` is the file of
    a batch that left in one, before each account named its own. Commission is in hundredths of a percent of what the
    agency collects, without VAT. Times are aware UTC.
    """

    reference = models.CharField(max_length=20, unique=True)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    commission_rate = models.PositiveIntegerField(default=1800)
    digest = models.CharField(max_length=64, blank=True, default="")
    built_at = models.DateTimeField()
    built_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    file_uid = models.UUIDField(null=True, blank=True)
    chosen = ArrayField(models.BigIntegerField(), default=list, editable=False)

    untracked = ("chosen",)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=models.F("built_by")),
                name="batch_is_released_by_another",
            )
        ]

    def __str__(self) -> str:
        return self.reference


class Placement(Tracked):
    """One account at one agency. `stopped_by` are the codes of the rules that stopped it when the gate was asked last,
    at `gate_at`. `is_told_of_hold`: the agency was told to stop and not yet that it may go on. `tier` says how many
    agencies have had it by now, this one counted. `told_digest` is the keyed hash of the people whom the case names
    and the agency was told of, `file_uid` the file in which it leaves, `seen_pence` what was owed when the agency was
    last brought up to date, `booked_pence` how much of what it collected billing has booked by then. `ceased_at`: it
    gave the account up. Money is whole pence.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="placement")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="placements")
    account_reference = SealedTextField(null=True)
    batch = models.ForeignKey(PlacementBatch, models.PROTECT, null=True, blank=True, related_name="lines")
    balance_pence = models.BigIntegerField()
    collected_pence = models.BigIntegerField(default=0)
    commission_pence = models.BigIntegerField(default=0)
    vat_pence = models.BigIntegerField(default=0)
    stopped_by = models.JSONField(default=list)
    gate_at = models.DateTimeField(null=True, blank=True)
    is_told_of_hold = models.BooleanField(default=False)
    tier = models.PositiveSmallIntegerField(default=1)
    told_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    seen_pence = models.BigIntegerField(null=True, blank=True, editable=False)
    booked_pence = models.BigIntegerField(default=0, editable=False)
    ceased_at = models.DateTimeField(null=True, blank=True, editable=False)
    file_uid = models.UUIDField(null=True, blank=True, db_index=True, editable=False)

    untracked = ("file_uid",)

    def __str__(self) -> str:
        return str(self.case_id)


class DebtFigure(Tracked):
    """A number that counts from a day on (Europe/London): the rate of VAT in hundredths of a percent, or with how many
    percent of a debt one agency may be content by itself. Never changed once its day has come: what comes after is
    another row.
    """

    code = models.CharField(max_length=24)
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    value = models.PositiveIntegerField()
    effective_from = models.DateField()
    source = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "agency", "effective_from"], nulls_distinct=False, name="one_debt_figure_per_day"
            ),
            models.CheckConstraint(
                condition=Q(code="vat_standard", agency=None, value__lte=5000)
                | Q(code="settlement_authority", agency__isnull=False, value__lte=100),
                name="debt_figure_is_of_its_kind",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="debt_figure_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.code} from {self.effective_from}"


class Remittance(Tracked):
    """What one agency says it collected: in a file, or by messages of one London day. One that is refused was taken in
    no part. `outcome` says what becomes of what differs, once somebody has closed it. Times are aware UTC.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", db_index=False)
    file_uid = models.UUIDField(null=True, blank=True, db_index=True)
    name = models.CharField(max_length=200, blank=True, default="")
    day = models.DateField(null=True, blank=True)
    told_at = models.DateTimeField(db_index=True)
    is_refused = models.BooleanField(default=False)
    outcome = models.CharField(max_length=20, blank=True, default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "day"], name="one_remittance_by_messages_a_day"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.day)


class RemittanceLine(Tracked):
    """What an agency says of one account, as it says it, and commission and VAT as they were agreed; what of it we
    booked. `case` is none where the agency has no such account; `why` says why it differs. Money is whole pence.
    """

    remittance = models.ForeignKey(Remittance, models.PROTECT, related_name="lines", db_index=False)
    number = models.PositiveIntegerField()
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="+")
    callback_uid = models.UUIDField(null=True, blank=True, unique=True)
    amount_pence = models.BigIntegerField()
    commission_pence = models.BigIntegerField()
    vat_pence = models.BigIntegerField()
    net_pence = models.BigIntegerField()
    due_commission_pence = models.BigIntegerField()
    due_vat_pence = models.BigIntegerField()
    booked_pence = models.BigIntegerField(default=0)
    booked_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=24, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["remittance", "number"], name="one_line_of_a_remittance_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.remittance_id}/{self.number}"

    @property
    def due_net_pence(self) -> int:
        """What should reach us of what was collected."""
        return self.amount_pence - self.due_commission_pence - self.due_vat_pence

    @property
    def apart_pence(self) -> int:
        """What was said and not booked."""
        return self.amount_pence - self.booked_pence

    @property
    def short_pence(self) -> int:
        """By how much less reaches us than was agreed: nothing where nothing was."""
        return 0 if self.case_id is None else self.due_net_pence - self.net_pence
