"""How an account stands today in the words of the monthly file, with and without a default."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from cases.accounts.bureaus import Change
from cases.accounts.models import Account, AccountFlag, AccountMonth
from cases.credit.defaults.models import Default
from cases.credit.files.status import DEFAULT, Month, flags_of, status_of
from cases.kernel import calendars

__all__ = ["change_of", "marks_of_default", "month_of", "status_without_default"]

DORMANT_MONTHS = 12


def month_of(account: Account, *, today: date, before: str, flags: Iterable[str], has_default: bool = False) -> Month:
    """Return an account as a month of the file; `flags` are those of it that are open, and what else marks it."""
    ended, paid = account.contract_end_date, account.last_payment_date
    is_closed = ended is not None and ended <= today
    is_quiet = paid is not None and calendars.add_months(paid, DORMANT_MONTHS) < today
    return Month(
        payments_behind=account.payments_behind,
        balance_pence=account.balance_pence,
        is_closed=is_closed,
        is_dormant=not is_closed and is_quiet and account.balance_pence == 0,
        has_default=has_default,
        before=before,
        marks=frozenset(flags),
    )


def status_without_default(row: Default) -> str:
    """Return what would be said of the account today if there were no default. Three queries."""
    account = Account.objects.get(pk=row.account_id)
    flags = AccountFlag.objects.filter(account=account, ended_date=None).values_list("code", flat=True)
    known = AccountMonth.objects.filter(account=account).order_by("-month").values_list("status", flat=True)
    return status_of(month_of(account, today=account.as_of, before=known.first() or "", flags=flags))


def marks_of_default(row: Default) -> tuple[str, ...]:
    """Return what a default adds to the marks of its account."""
    if row.satisfied_date is not None:
        return ("default_satisfied",)
    return ("default_part_satisfied",) if row.paid_pence else ()


def change_of(row: Default, *, old: str, reason: str) -> Change:
    """Return how the account stands now, as agencies are told between two files. Three queries at most."""
    if row.default_date is None:
        return Change(old=old, new=status_without_default(row), reason=reason, balance_pence=row.account.balance_pence)
    month = Month(payments_behind=None, has_default=True, marks=frozenset(marks_of_default(row)))
    return Change(
        old=old,
        new=DEFAULT,
        reason=reason,
        balance_pence=row.left_pence,
        default_date=row.default_date,
        default_pence=row.default_pence,
        satisfied_date=row.satisfied_date,
        flags=flags_of(month),
    )
