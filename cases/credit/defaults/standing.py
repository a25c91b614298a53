"""How an account stands today in the words of the monthly file, with and without a default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from cases.accounts.bureaus import Change
from cases.accounts.models import Account, AccountFlag, AccountMonth
from cases.credit.defaults import codes
from cases.credit.defaults.models import Default
from cases.credit.files.status import DEFAULT, OFF_FILE, SOLD, Month, flags_of, status_of
from cases.kernel import accountholds, calendars, casetypes, holds
from cases.kernel.finding import terms
from cases.kernel.models import CaseParty, Hold

__all__ = [
    "DEFAULTING",
    "KEPT_MONTHS",
    "change_of",
    "died",
    "goes_on",
    "is_over",
    "marks_of",
    "marks_of_default",
    "month_of",
    "on_file",
    "status_without_default",
]

DORMANT_MONTHS = 12
DEFAULTING = "cra_default"
# A default is on file for six years from its date, whatever is paid (K21).
KEPT_MONTHS = 72


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


def is_over(day: date, *, today: date) -> bool:
    """Say whether a default, or a debt, of a day is too old to be on file."""
    return calendars.add_months(day, KEPT_MONTHS) <= today


def goes_on(account: Account, *, today: date) -> bool:
    """Say whether an account whose default is six years old is kept on without what was owed then: it is open, and
    what is unpaid of it, if anything, is newer. Of any other nothing is told after six years."""
    if account.contract_end_date is not None and account.contract_end_date <= today:
        return False
    oldest = account.oldest_unpaid_date
    return account.payments_behind == 0 or (oldest is not None and not is_over(oldest, today=today))


def status_without_default(row: Default) -> str:
    """Return what would be said of the account today if there were no default. Three queries."""
    account = Account.objects.get(pk=row.account_id)
    flags = AccountFlag.objects.filter(account=account, ended_date=None).values_list("code", flat=True)
    known = AccountMonth.objects.filter(account=account).order_by("-month").values_list("status", flat=True)
    return status_of(month_of(account, today=account.as_of, before=known.first() or "", flags=flags))


def marks_of(account: Account, *, number: str, at: datetime) -> frozenset[str]:
    """Return what marks an account beside its default, as in the monthly file: what billing flags, what other cases say
    of it, a dispute or complaint that is entered on any case of the office, and a death on its own. Two queries, and
    those of the two others."""
    flags = AccountFlag.objects.filter(account=account, ended_date=None).values_list("code", flat=True)
    said = (each.marks([account.pk]).get(account.pk, frozenset()) for each in casetypes.all_types())
    held = accountholds.entered([number], DEFAULTING, at=at)[terms.account(number)]
    dead = {"deceased"} if died({"account": account.pk}, at=at) else set()
    return frozenset(flags).union(held & {"dispute", "complaint"}, dead, *said)


def died(accounts: Mapping[str, Any], *, at: datetime) -> set[int]:
    """Return of some accounts, named by what a default is found by, those whose customer has died by a hold on a case
    of that account. One on another case may be about somebody else, and one for one holder of several marks no account
    of the living. One query."""
    others = CaseParty.objects.filter(case=OuterRef("case"), is_detached=False).exclude(pk=OuterRef("party"))
    rows = Hold.objects.filter(holds.in_force(at), Q(party=None) | ~Exists(others), kind="deceased")
    rows = rows.filter(**{f"case__default__{name}": value for name, value in accounts.items()})
    return set(rows.values_list("case__default__account", flat=True))


def marks_of_default(row: Default) -> tuple[str, ...]:
    """Return what a default adds to the marks of its account. A payment of a part adds none: what is left says it."""
    if row.is_settled:
        return ("default_settled",)
    return ("default_satisfied",) if row.satisfied_date is not None else ()


def on_file(account: int) -> dict[str, Any] | None:
    """Return what is on file of the default of ours that an account has: its date, its balance and what is left of it,
    when it was paid, and its flags; None where there is none. One query."""
    row = Default.objects.filter(account=account, case__state__in=codes.TOLD).first()
    if row is None:
        return None
    flags = flags_of(Month(payments_behind=None, has_default=True, marks=frozenset(marks_of_default(row))))
    told = ("default_date", "default_pence", "left_pence", "satisfied_date")
    return {"flags": flags, **{name: getattr(row, name) for name in told}}


def change_of(row: Default, *, old: str, reason: str, today: date, marks: frozenset[str]) -> Change:
    """Return how the account stands now, as agencies are told between two files: after six years off the file, unless
    it goes on without what was owed. `marks` show as they do in the file, and freeze what is told: no worse than
    `old`, or than the last file where that was a default. Of what is sold nothing is owed to us. One query at most."""
    if row.case.state == "expired" and not goes_on(row.account, today=today):
        return Change(old=old, new=OFF_FILE, reason=reason, balance_pence=0)
    if row.default_date is None:
        account = Account.objects.get(pk=row.account_id)
        month = month_of(account, today=account.as_of, before=_before(row, old), flags=marks)
        return Change(
            old=old,
            new=status_of(month),
            reason=reason,
            balance_pence=0 if SOLD in marks else account.balance_pence,
            flags=flags_of(month),
        )
    month = Month(payments_behind=None, has_default=True, marks=marks.union(marks_of_default(row)))
    return Change(
        old=old,
        new=DEFAULT,
        reason=reason,
        balance_pence=0 if SOLD in marks else row.left_pence,
        default_date=row.default_date,
        default_pence=row.default_pence,
        satisfied_date=row.satisfied_date,
        flags=flags_of(month),
    )


def _before(row: Default, old: str) -> str:
    if old.isdigit() and old != DEFAULT:
        return old
    known = AccountMonth.objects.filter(account=row.account_id).exclude(status=DEFAULT).order_by("-month")
    return known.values_list("status", flat=True).first() or ""
