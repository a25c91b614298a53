"""Rows of the monthly file: what was taken, its sealed parts, what was found wrong, and what each agency said of it."""

from django.db import models

from cases.accounts.models import Account
from cases.kernel.models import Agency, Case
from cases.ledger.models import DataKey, Tracked

__all__ = ["CreditFile", "CreditFileCopy", "CreditFileFault", "CreditFilePart", "CreditFileReject"]


class CreditFile(Tracked):
    """One month's file: the day of which it tells, and its control totals. `month` is the month's first day.

    `round` counts how often it was taken anew; parts and faults of earlier rounds are gone. `digest` is the hash over
    the parts' hashes in their order: whoever signs and approves is bound to it. Money is whole pence. `extracted_at` is
    when the round began: what an agency was told of an account since is newer than its row. `taken_rows` and
    `taken_pence` are of every account that was taken, `rows` and `total_pence` of those that are told.
    """

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="credit_file")
    key = models.ForeignKey(DataKey, models.PROTECT, related_name="+")
    month = models.DateField()
    effective_date = models.DateField(null=True, blank=True)
    round = models.PositiveSmallIntegerField(default=0)
    is_taken = models.BooleanField(default=False)
    extracted_at = models.DateTimeField(null=True, blank=True)
    taken_rows = models.PositiveIntegerField(default=0, db_default=0)
    taken_pence = models.BigIntegerField(default=0, db_default=0)
    rows = models.PositiveIntegerField(default=0)
    total_pence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class CreditFilePart(models.Model):
    """Some rows of a file as they will leave: CSV without a heading, sealed under the file's key."""

    uid = models.UUIDField(unique=True, editable=False)
    file = models.ForeignKey(CreditFile, models.PROTECT, related_name="parts", db_index=False)
    round = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    taken_rows = models.PositiveIntegerField(default=0, db_default=0)
    taken_pence = models.BigIntegerField(default=0, db_default=0)
    rows = models.PositiveIntegerField()
    total_pence = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "round", "number"], name="one_credit_file_part")]

    def __str__(self) -> str:
        return f"part {self.number}"


class CreditFileFault(models.Model):
    """Something wrong with an account as it would be told: the code of a rule, never the value. A `core` fault stops
    the file, a `field` fault leaves the account out, a `warn` is looked at."""

    file = models.ForeignKey(CreditFile, models.PROTECT, related_name="faults", db_index=False)
    round = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    level = models.CharField(max_length=5)
    code = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "round", "account", "code"], name="one_credit_file_fault")
        ]

    def __str__(self) -> str:
        return self.code


class CreditFileCopy(Tracked):
    """The file as one agency got it, and what it reported. `batch_uid` is the file of the exchange; `sha256` the hash
    of its rows, which is equal for all."""

    file = models.ForeignKey(CreditFile, models.PROTECT, related_name="copies", db_index=False)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    batch_uid = models.UUIDField(unique=True)
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default="promised")
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "agency"], name="one_credit_file_copy_per_agency")]

    def __str__(self) -> str:
        return f"copy {self.batch_uid}"


class CreditFileReject(models.Model):
    """An account that one agency did not take, with its code of the reason. `message_id` is the message by which that
    agency was told of it since. `left_out_at` is when somebody decided that the files leave it out until billing tells
    of its people anew."""

    copy = models.ForeignKey(CreditFileCopy, models.PROTECT, related_name="rejects", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    code = models.CharField(max_length=32)
    message_id = models.UUIDField(null=True, blank=True)
    left_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["copy", "account"], name="one_credit_file_reject")]

    def __str__(self) -> str:
        return self.code
