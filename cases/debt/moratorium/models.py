"""Facts of a moratorium: what the notice says, the debts it names or we found, and the charges we gave back."""

from django.db import models

from cases.accounts.models import Account, AccountHolder
from cases.accounts.reading import PRODUCTS
from cases.debt.moratorium import codes
from cases.kernel import money
from cases.kernel.finding import matching
from cases.kernel.models import Agency, Case, Hold
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["FeeReversal", "Moratorium", "MoratoriumDebt"]


class Moratorium(Tracked):
    """One notice. `start_date` is its first protected day, `last_date` the last one as soon as it is known; both are
    days in London. `agency` notified us; none where a person typed it. The notice is kept as it came.
    `register_token` is the keyed hash of the register's reference.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="moratorium")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    regime = models.CharField(max_length=24)
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    register_reference = SealedTextField(null=True)
    register_token = models.BinaryField(editable=False)
    start_date = models.DateField()
    is_address_withheld = models.BooleanField(default=False)
    notice = SealedTextField(null=True)
    last_date = models.DateField(null=True, blank=True, editable=False)
    review_ground = models.CharField(max_length=24, blank=True, default="", editable=False)
    review_particulars = SealedTextField(null=True)

    untracked = ("register_token",)

    class Meta:
        indexes = [models.Index("register_token", name="moratorium_register_token")]

    def __str__(self) -> str:
        return str(self.case_id)

    @property
    def protected(self) -> list["MoratoriumDebt"]:
        """What the letter to the adviser names as protected."""
        return self._debts("protected")

    @property
    def further(self) -> list["MoratoriumDebt"]:
        """What it names as the debtor's other debts."""
        return self._debts("told")

    @property
    def sold(self) -> list["MoratoriumDebt"]:
        """What it names as sold."""
        return self._debts("sold")

    @property
    def undecided(self) -> list["MoratoriumDebt"]:
        """What may be the debtor's, and nobody has said."""
        found = self._debts("candidate")
        return [debt for debt in found if debt.origin == "search" and matching.ASKED <= debt.score < matching.CERTAIN]

    def _debts(self, standing: str) -> list["MoratoriumDebt"]:
        rows = MoratoriumDebt.objects.filter(case_id=self.case_id, standing=standing).select_related("account")
        return list(rows.order_by("number"))

    @property
    def taken_back(self) -> list["FeeReversal"]:
        """Charges that billing takes back, by debt and day."""
        rows = FeeReversal.objects.filter(debt__case_id=self.case_id).select_related("debt__account")
        return list(rows.order_by("debt__number", "posted_date", "pk"))

    @property
    def ground_words(self) -> str:
        return dict(codes.GROUNDS).get(self.review_ground, self.review_ground)


class MoratoriumDebt(Tracked):
    """One debt of a moratorium, by its number within the case.

    `origin`: the notice names it, a search found it, or it was added later. `standing` says what it is to us: see
    codes.STANDINGS. `score` and `parts` say how far `holder` is the debtor (kernel/finding/matching.py). `hold` is
    the one on its placement. A joint debt has another holder, who is in no moratorium. Money is whole pence.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="moratorium_debts", db_index=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    origin = models.CharField(max_length=12)
    standing = models.CharField(max_length=12)
    account_reference = SealedTextField(null=True)
    claimed_pence = models.BigIntegerField(null=True, blank=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="moratorium_debts")
    holder = models.ForeignKey(AccountHolder, models.PROTECT, null=True, blank=True, related_name="+")
    score = models.PositiveSmallIntegerField(default=0)
    parts = models.JSONField(default=dict)
    is_joint = models.BooleanField(default=False)
    effective_date = models.DateField(null=True, blank=True)
    hold = models.ForeignKey(Hold, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="one_moratorium_debt_per_number"),
            models.UniqueConstraint(fields=["case", "account"], name="one_moratorium_debt_per_account"),
            models.CheckConstraint(
                condition=~models.Q(standing="protected")
                | models.Q(account__isnull=False, effective_date__isnull=False),
                name="protected_debt_has_account_and_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.number}"

    @property
    def product(self) -> str:
        return PRODUCTS.get(self.account.product, self.account.product) if self.account else "Unknown"

    @property
    def pounds(self) -> str:
        return money.pounds(self.account.balance_pence) if self.account else ""


class FeeReversal(Tracked):
    """A charge of a protected debt that billing takes back, in whole pence: its day as billing tells it, else the day
    of the balance that first showed it. `confirmed_date` is the day of the balance that no longer had it.
    """

    debt = models.ForeignKey(MoratoriumDebt, models.PROTECT, related_name="reversals")
    posted_date = models.DateField()
    amount_pence = models.PositiveBigIntegerField()
    asked_at = models.DateTimeField()
    confirmed_date = models.DateField(null=True, blank=True)
    is_day_told = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_pence__gt=0), name="reversal_is_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.debt_id} {self.posted_date}"

    @property
    def pounds(self) -> str:
        return money.pounds(self.amount_pence)
