"""Facts of a sale of debts, its accounts, each time the exclusions were asked, its tapes and its bids."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.accounts.models import Account
from cases.debt.sale import codes
from cases.kernel import money
from cases.kernel.models import Agency, Case, CaseParty, Letter
from cases.ledger.models import DataKey, Tracked

__all__ = [
    "DebtSale",
    "DebtSaleAccount",
    "SaleBid",
    "SaleClaim",
    "SaleLook",
    "SaleNotice",
    "SaleTape",
    "SaleTapePart",
]

# While a line stands in one of these, its account stands in no other sale.
TAKEN = ("in_pool", "sold", "put_back_requested", "transferred")
LINE_STATES = (*TAKEN, "excluded", "put_back", "bought_back")


class DebtSale(Tracked):
    """One pool of accounts for one buyer. `selection` says by codes, dates and pence which accounts were chosen.

    Money is whole pence; `price_rate` is hundredths of a penny for each pound that is owed. Dates are days in London.
    What a customer pays us after the sale is passed on to the buyer within `pass_on_days` working days.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="debt_sale")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    selection = models.JSONField(default=dict)
    purchaser = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    price_rate = models.PositiveIntegerField(null=True, blank=True)
    diligence = models.JSONField(default=dict)
    agreement_date = models.DateField(null=True, blank=True)
    cut_off_date = models.DateField(null=True, blank=True)
    completion_date = models.DateField(null=True, blank=True)
    put_back_days = models.PositiveSmallIntegerField(null=True, blank=True)
    pass_on_days = models.PositiveSmallIntegerField(null=True, blank=True)
    funds_pence = models.BigIntegerField(null=True, blank=True)
    funds_date = models.DateField(null=True, blank=True)
    completed_date = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.case_id)


class DebtSaleAccount(Tracked):
    """One account in one sale. `number` counts within the sale; `uid` is all that bidders learn of who it is.

    `default_date` is that of the account: a sale never changes it. `stopped_by` are the codes of the rules that took it
    out. Money is whole pence. An account stands in one open sale at a time, and is sold once.
    """

    sale = models.ForeignKey(DebtSale, models.PROTECT, related_name="lines", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="sale_lines")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=20, default="in_pool")
    stopped_by = models.JSONField(default=list)
    balance_pence = models.BigIntegerField()
    fees_pence = models.BigIntegerField(default=0)
    default_date = models.DateField(null=True, blank=True)
    price_pence = models.BigIntegerField(null=True, blank=True)
    refund_pence = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(state__in=TAKEN), name="account_is_sold_once"),
            models.UniqueConstraint(fields=["sale", "account"], name="account_is_in_a_sale_once"),
            models.UniqueConstraint(fields=["sale", "number"], name="one_line_per_number_of_a_sale"),
            models.CheckConstraint(condition=Q(state__in=LINE_STATES), name="sale_line_state"),
        ]
        indexes = [models.Index(fields=["sale", "state", "number"], name="sale_lines_by_state")]

    def __str__(self) -> str:
        return f"line {self.number} of {self.sale_id}"

    @property
    def reference(self) -> str:
        """Return by what its buyer and its holders know a sold account."""
        return f"{self.sale.case.reference}/{self.number}"


class SaleLook(Tracked):
    """One run of every exclusion over a sale, asked for by a person and done by a job.

    `digest` is the hash of the lines that are left: which account, at how much. Times are aware UTC.
    """

    sale = models.ForeignKey(DebtSale, models.PROTECT, related_name="looks", db_index=False)
    number = models.PositiveIntegerField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    left = models.PositiveIntegerField(default=0)
    left_pence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sale", "number"], name="one_look_per_number_of_a_sale")]

    def __str__(self) -> str:
        return f"look {self.number} at {self.sale_id}"


class SaleTape(Tracked):
    """One bundle of lines for a buyer: what bidders see (no name, no number), or all that the buyer takes over.

    Its lines lie sealed under `key` in parts. `sha256` is that of the whole file, `manifest_sha256` that of the list of
    each line's hash, `lines_digest` says which lines at how much it was made of. Money is whole pence.
    """

    sale = models.ForeignKey(DebtSale, models.PROTECT, related_name="tapes", db_index=False)
    kind = models.CharField(max_length=8)
    number = models.PositiveIntegerField()
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    people_count = models.PositiveIntegerField(default=0)
    total_pence = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="")
    lines_digest = models.CharField(max_length=64, blank=True, default="")
    is_withdrawn = models.BooleanField(default=False)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sale", "number"], name="one_tape_per_number_of_a_sale"),
            models.CheckConstraint(condition=Q(kind__in=["bid", "final"]), name="sale_tape_kind"),
        ]

    def __str__(self) -> str:
        return f"tape {self.number} of {self.sale_id}"


class SaleTapePart(models.Model):
    """Some lines of a tape, sealed under the tape's key."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    tape = models.ForeignKey(SaleTape, models.PROTECT, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    people_count = models.PositiveIntegerField(default=0)
    rows = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tape", "number"], name="one_part_per_sale_tape")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.tape_id}"


class SaleBid(Tracked):
    """What one buyer offers for a pool, in hundredths of a penny for each pound that is owed."""

    sale = models.ForeignKey(DebtSale, models.PROTECT, related_name="bids", db_index=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    rate = models.PositiveIntegerField()
    received_date = models.DateField()
    noted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sale", "number"], name="one_bid_per_number_of_a_sale"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="sale_bid_is_for_something"),
        ]

    def __str__(self) -> str:
        return f"bid {self.number} for {self.sale_id}"


class SaleNotice(Tracked):
    """One notice of an assignment to one person who holds a sold account: by which letter, of which day.

    The letter knows to which address it went and what came of it. An earlier notice stays beside a later one.
    """

    line = models.ForeignKey(DebtSaleAccount, models.PROTECT, related_name="notices")
    party = models.ForeignKey(CaseParty, models.PROTECT, related_name="+")
    letter = models.OneToOneField(Letter, models.PROTECT, related_name="sale_notice")
    assigned_date = models.DateField()
    address_source = models.CharField(max_length=40, blank=True, default="")

    def __str__(self) -> str:
        return f"notice of line {self.line_id}"

    @property
    def back(self) -> "SaleClaim | None":
        """Return the claim by which the debt came back, where this notice says that, as every notice that was asked for
        since does. One query."""
        return self.line.claims.filter(outcome="accepted", decided_at__lte=self.letter.requested_at).first()

    # What a later wording names: each is empty where the notice says something else, and its line is left out.

    @property
    def buyer(self) -> str:
        """Whom to pay now: the buyer, unless the debt came back."""
        return "" if self.back else self._purchaser

    @property
    def owed_words(self) -> str:
        """What was assigned, in pounds, unless the debt came back."""
        return "" if self.back else money.pounds(self.line.balance_pence)

    @property
    def back_from(self) -> str:
        """The buyer that assigned the debt back to us, where it is owed to us again."""
        return self._purchaser if self.back and not self.back.asks_nothing else ""

    @property
    def ended_by(self) -> str:
        """The buyer that assigned the debt back to us, where nobody is asked to pay it."""
        return self._purchaser if self.back and self.back.asks_nothing else ""

    @property
    def _purchaser(self) -> str:
        firm = self.line.sale.purchaser
        return firm.display_name if firm else ""


class SaleClaim(Tracked):
    """What brings a sold line back: a claim of the buyer, or our own wish to buy it back; who asked, and who agreed.

    `outcome` is empty while it is open; `is_stopped` says that the gate stopped the debt when it came back;
    `collected_pence` is what the buyer says that it collected, none where it did not say. Money is whole pence.
    """

    line = models.ForeignKey(DebtSaleAccount, models.PROTECT, related_name="claims", db_index=False)
    number = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    is_buy_back = models.BooleanField(default=False)
    came_at = models.DateTimeField()
    came_from = models.CharField(max_length=20)
    outcome = models.CharField(max_length=12, blank=True, default="")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    refund_pence = models.BigIntegerField(null=True, blank=True)
    is_stopped = models.BooleanField(default=False)
    collected_pence = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(collected_pence=None) | Q(collected_pence__gte=0), name="claim_collected_is_not_negative"
            ),
            models.UniqueConstraint(fields=["line", "number"], name="one_claim_per_number_of_a_line"),
            models.UniqueConstraint(fields=["line"], condition=Q(outcome=""), name="one_open_claim_per_line"),
            models.CheckConstraint(
                condition=~Q(outcome="accepted")
                | Q(proposed_by__isnull=False, decided_by__isnull=False) & ~Q(decided_by=models.F("proposed_by")),
                name="claim_is_accepted_by_two",
            ),
            models.CheckConstraint(condition=Q(outcome__in=["", "refused", "accepted"]), name="claim_outcome"),
        ]

    def __str__(self) -> str:
        return f"claim {self.number} on line {self.line_id}"

    @property
    def asks_nothing(self) -> bool:
        """Say whether the reason, or what stopped us when the debt came back, forbids asking for payment."""
        return self.is_stopped or self.reason in codes.STOPS
