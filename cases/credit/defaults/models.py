"""Facts of a default: what billing says, the notice that was served, and what the agencies were told."""

from django.db import models
from django.db.models import Q

from cases.accounts.models import Account
from cases.accounts.reading import PRODUCTS
from cases.kernel import money
from cases.kernel.models import Case
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = ["Default"]


class Default(Tracked):
    """One account in arrears. Money is whole pence.

    `payments_behind`, `arrears_pence` and `first_missed_date` are billing's of the day it was looked at last;
    `stopped_by` are the codes of the rules that stopped it then. `notice_pence` is what the notice of intention names,
    `served_date` the day on which it counts as served. `plan_behind` is how many payments it was behind when an
    arrangement was made, on `plan_from_date`; the first instalment is due a month later. A default has a date and a
    balance; the date never moves later, and an account has one. `is_settled` says that less than all of it was accepted
    for all, on `satisfied_date`.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="default")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="defaults")
    account_reference = SealedTextField(null=True)
    first_missed_date = models.DateField(null=True, blank=True)
    payments_behind = models.PositiveSmallIntegerField(default=0)
    arrears_pence = models.BigIntegerField(default=0)
    stopped_by = models.JSONField(default=list)
    notice_asked_at = models.DateTimeField(null=True, blank=True)
    notice_pence = models.BigIntegerField(null=True, blank=True)
    notice_posted_date = models.DateField(null=True, blank=True)
    served_date = models.DateField(null=True, blank=True)
    skipped_for = models.JSONField(default=list)
    plan_pence = models.BigIntegerField(null=True, blank=True)
    plan_from_date = models.DateField(null=True, blank=True)
    plan_until_date = models.DateField(null=True, blank=True)
    plan_behind = models.PositiveSmallIntegerField(null=True, blank=True)
    default_date = models.DateField(null=True, blank=True)
    default_pence = models.BigIntegerField(null=True, blank=True)
    paid_pence = models.BigIntegerField(default=0)
    satisfied_date = models.DateField(null=True, blank=True)
    is_settled = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(default_date__isnull=False), name="one_default_per_account"
            ),
            models.CheckConstraint(
                condition=Q(default_date=None, default_pence=None)
                | Q(default_date__isnull=False, default_pence__isnull=False),
                name="default_has_date_and_balance",
            ),
            models.CheckConstraint(condition=Q(paid_pence__gte=0), name="default_paid_is_not_negative"),
        ]

    def __str__(self) -> str:
        return str(self.case_id)

    @property
    def product_words(self) -> str:
        """The product of the account, as it stands in a sentence. One query."""
        return PRODUCTS.get(self.account.product, self.account.product).lower()

    @property
    def left_pence(self) -> int:
        """What is still owed of the default: nothing once less was accepted for all of it."""
        return 0 if self.is_settled else (self.default_pence or 0) - self.paid_pence

    @property
    def notice_words(self) -> str:
        """What the notice of intention names, in pounds."""
        return money.pounds(self.notice_pence or 0)

    @property
    def paid_words(self) -> str:
        """What was paid of the default, in pounds."""
        return money.pounds(self.paid_pence)

    @property
    def default_words(self) -> str:
        """The balance of the default, in pounds."""
        return money.pounds(self.default_pence or 0)
