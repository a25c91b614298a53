"""Mirrors of customer accounts: holders, money, dates, flags, what bureaus were told, and the files they came in."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from cases.kernel.models import Agency
from cases.ledger.models import DataKey, Tracked
from cases.ledger.sealing import SealedTextField

__all__ = [
    "Account",
    "AccountFault",
    "AccountFlag",
    "AccountHolder",
    "AccountMonth",
    "AccountUpload",
    "AccountUploadPart",
    "BureauTold",
]


class Account(Tracked):
    """One account as of a day. Money is whole pence; a balance below nought is a credit.

    `payments_behind` are whole monthly payments that are due and unpaid; nothing where billing does not say.
    `token` is the keyed hash of the number; `content` that of all that the feed said last, so that the same row again
    changes nothing. `fees_date` is the day of the newest of the fees, where billing says it; `paid_by` how it is
    usually paid, a code of `reading.PAID_BY`. The default's date and
    balance, once there, never change: sale and payment leave them as they are.
    """

    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    number = SealedTextField(null=True)
    product = models.CharField(max_length=24)
    jurisdiction = models.CharField(max_length=3)
    as_of = models.DateField()
    balance_pence = models.BigIntegerField()
    fees_pence = models.BigIntegerField(default=0)
    final_bill_date = models.DateField(null=True, blank=True)
    oldest_unpaid_date = models.DateField(null=True, blank=True)
    last_payment_date = models.DateField(null=True, blank=True)
    last_payment_pence = models.BigIntegerField(null=True, blank=True)
    acknowledged_date = models.DateField(null=True, blank=True)
    contract_end_date = models.DateField(null=True, blank=True)
    default_date = models.DateField(null=True, blank=True)
    default_pence = models.BigIntegerField(null=True, blank=True)
    is_regulated_credit = models.BooleanField(default=False)
    is_business = models.BooleanField(default=False)
    contract_start_date = models.DateField(null=True, blank=True)
    payment_pence = models.BigIntegerField(null=True, blank=True)
    payments_behind = models.PositiveSmallIntegerField(null=True, blank=True)
    token = models.BinaryField(unique=True, editable=False)
    content = models.BinaryField(editable=False)

    fees_date = models.DateField(null=True, blank=True)
    paid_by = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 -- nothing where billing does not say

    untracked = ("token", "content")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(jurisdiction__in=["eaw", "sct", "nir"]), name="account_jurisdiction"),
            models.CheckConstraint(condition=Q(fees_pence__gte=0), name="account_fees_are_not_negative"),
            models.CheckConstraint(
                condition=Q(default_date=None, default_pence=None)
                | Q(default_date__isnull=False, default_pence__isnull=False),
                name="account_default_has_date_and_balance",
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"


class AccountHolder(Tracked):
    """One person who holds an account, sealed under a key of their own and found by blind tokens. `phone_date` is the
    day on which they were last known to have the number, `address_date` that since which they live there: as billing
    tells it, else the day of the balance with which it told the number or the address first; none where neither is
    known.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="holders", db_index=False)
    ordinal = models.PositiveSmallIntegerField(default=1)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    forename = SealedTextField(null=True)
    surname = SealedTextField(null=True)
    date_of_birth = SealedTextField(null=True)
    line_1 = SealedTextField(null=True)
    town = SealedTextField(null=True)
    postcode = SealedTextField(null=True)
    phone = SealedTextField(null=True)
    email = SealedTextField(null=True)
    tokens = ArrayField(models.BigIntegerField(), default=list, editable=False)
    index_version = models.PositiveIntegerField(default=1, editable=False)
    ended_date = models.DateField(null=True, blank=True)
    phone_date = models.DateField(null=True, blank=True)
    address_date = models.DateField(null=True, blank=True)

    untracked = ("tokens", "index_version")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "ordinal"], name="one_account_holder_per_ordinal"),
        ]
        indexes = [GinIndex(fields=["tokens"], name="account_holder_tokens", fastupdate=False)]

    def __str__(self) -> str:
        return f"holder {self.ordinal} of account {self.account_id}"


class AccountFlag(Tracked):
    """Something that stands against collecting: what, from which source, since when and until when."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="flags")
    code = models.CharField(max_length=32)
    source = models.CharField(max_length=40)
    began_date = models.DateField()
    ended_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "code", "source"], condition=Q(ended_date=None), name="one_open_flag_per_account"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} of account {self.account_id}"


class BureauTold(Tracked):
    """What one credit bureau was last told about an account."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="told", db_index=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    told_at = models.DateTimeField()
    status = models.CharField(max_length=24)
    balance_pence = models.BigIntegerField()
    default_date = models.DateField(null=True, blank=True)
    message_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "agency"], name="bureau_is_told_of_an_account_once")]

    def __str__(self) -> str:
        return f"account {self.account_id} at agency {self.agency_id}"


class AccountMonth(models.Model):
    """How an account was kept in one month, as it was reported: status, flags and balance. `month` is its first day,
    `file_uid` the report's. Written once, by COPY; the hash of all of a report stands in its event."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="months", db_index=False)
    month = models.DateField()
    status = models.CharField(max_length=1)
    flags = ArrayField(models.CharField(max_length=24), default=list)
    balance_pence = models.BigIntegerField()
    file_uid = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "month"], name="one_month_of_an_account")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of account {self.account_id}"


class AccountUpload(models.Model):
    """One file of accounts. `uid` is its ledger stream; `content` a keyed hash of its bytes. Counts are of its rows."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    content = models.BinaryField(unique=True, editable=False)
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    given_at = models.DateTimeField()
    lines = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"accounts {self.uid}"


class AccountUploadPart(models.Model):
    """Some rows of a file as they came, sealed under the file's key until they are taken in."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    upload = models.ForeignKey(AccountUpload, models.PROTECT, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    rows = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="one_part_per_account_upload")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"


class AccountFault(models.Model):
    """A row of a file that was not taken in: its line, the column and the code of the reason, never the value."""

    upload = models.ForeignKey(AccountUpload, models.PROTECT, related_name="faults", db_index=False)
    line = models.PositiveIntegerField()
    column = models.CharField(max_length=40)
    code = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "line", "column"], name="one_fault_per_cell")]

    def __str__(self) -> str:
        return f"line {self.line} {self.column} {self.code}"
