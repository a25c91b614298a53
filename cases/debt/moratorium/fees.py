"""Charges of a protected debt: which billing made for a day inside the period, and which it has taken back.

The mirror of an account says how much of a balance is charges. What it rose by is a charge of the day of the balance
that first shows it. The automated charges of a joint debt are for a person to look at: the other holder may owe them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Sum

from cases.accounts.models import Account
from cases.debt.moratorium.models import FeeReversal, MoratoriumDebt

__all__ = ["Charge", "charges", "confirmed", "owed", "reverse"]


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What billing charged: the day in London, and whole pence."""

    posted_date: date
    amount_pence: int


def _steps(account_id: int) -> Iterable[tuple[date, int, datetime]]:
    """Yield by how much the charges of an account rose or fell, with the day of the balance and when billing told us.
    One query."""
    rows = Account.history.filter(id=account_id).order_by("history_id")
    before: int | None = None
    for as_of, fees, told_at in rows.values_list("as_of", "fees_pence", "history_date"):
        if before is not None and fees != before:
            yield as_of, fees - before, told_at
        before = fees


def charges(debt: MoratoriumDebt, *, until: date | None) -> list[Charge]:
    """Return the charges for days from the debt's first protected day to `until` that are not given back yet. Two
    queries."""
    if debt.account_id is None or debt.effective_date is None:
        return []
    given = (
        FeeReversal.objects.filter(debt__account=debt.account_id)
        .values_list("posted_date")
        .annotate(Sum("amount_pence"))
    )
    left = {day: -pence for day, pence in given}
    for day, pence, _ in _steps(debt.account_id):
        if pence > 0 and day >= debt.effective_date and (until is None or day <= until):
            left[day] = left.get(day, 0) + pence
    return [Charge(posted_date=day, amount_pence=pence) for day, pence in sorted(left.items()) if pence > 0]


def reverse(debt: MoratoriumDebt, charge: Charge, *, at: datetime) -> FeeReversal:
    """Have billing take a charge back, inside the current ledger action on the locked case. Billing reads what it owes
    at its own door; until it has done so, the amount does not count as owed."""
    return FeeReversal.objects.create(
        debt=debt, posted_date=charge.posted_date, amount_pence=charge.amount_pence, asked_at=at
    )


def confirmed(debt: MoratoriumDebt) -> list[tuple[FeeReversal, date]]:
    """Return what billing has taken back and is not marked so yet, with the day of the balance that showed it.

    Charges that fell before we asked were no answer to it. Of what fell since, each asked-for charge of the account
    takes its own amount, the oldest first. Three queries at most.
    """
    if debt.account_id is None or not FeeReversal.objects.filter(debt=debt, confirmed_date=None).exists():
        return []
    falls = [(day, -pence, told_at) for day, pence, told_at in _steps(debt.account_id) if pence < 0]
    unclaimed = [pence for _, pence, _ in falls]
    found = []
    for row in FeeReversal.objects.filter(debt__account=debt.account_id).order_by("asked_at", "posted_date", "pk"):
        left, last = row.amount_pence, None
        for place, (day, _, told_at) in enumerate(falls):
            taken = min(left, unclaimed[place]) if told_at > row.asked_at else 0
            if taken:
                left, last = left - taken, day
                unclaimed[place] -= taken
        if not left and last is not None and row.confirmed_date is None and row.debt_id == debt.pk:
            found.append((row, last))
    return found


def owed(accounts: Collection[Account]) -> dict[int, int]:
    """Return what is owed on each account today, by its id: its balance without what billing still has to take back.
    One query."""
    rows = FeeReversal.objects.filter(debt__account__in=[each.pk for each in accounts], confirmed_date=None)
    waiting = dict(rows.values_list("debt__account").annotate(Sum("amount_pence")))
    return {each.pk: each.balance_pence - waiting.get(each.pk, 0) for each in accounts}
