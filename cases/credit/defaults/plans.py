"""Whether an arrangement is kept: by what was paid since it began, not by how many full payments are behind.

Under an agreed reduced payment more full payments fall behind each month although the customer pays as agreed. What is
paid reaches billing some working days later, so an instalment is missed only once its days of grace are over.
"""

from __future__ import annotations

from datetime import date

from cases.accounts.models import Account
from cases.credit.defaults.models import Default
from cases.kernel import calendars

__all__ = ["GRACE_WORKING_DAYS", "why_over"]

# Internal rule: a direct debit or a transfer over a weekend is with billing within five working days.
GRACE_WORKING_DAYS = 5


def _due(account: Account, row: Default, *, by: date) -> int:
    """Return how many instalments were due before a day, with the days of grace of each: one each month from when the
    arrangement was made."""
    calendar, count = calendars.of(account.jurisdiction), 0
    while (day := _day_of(row, count + 1)) is not None and calendar.add_working_days(day, GRACE_WORKING_DAYS) < by:
        count += 1
    return count


def _day_of(row: Default, number: int) -> date | None:
    """Return on which day an instalment is due, or None after the last."""
    day = calendars.add_months(row.plan_from_date, number) if row.plan_from_date else None
    is_within = day is not None and (row.plan_until_date is None or day < row.plan_until_date)
    return day if is_within else None


def _paid_pence(account: Account, since: date) -> int | None:
    """Return what billing told of as paid since a day, from one feed to the next: the last payment, or as much as less
    is owed, for a feed tells only the last of several. None where it does not say how much. One query."""
    history = Account.history_model.objects.filter(id=account.pk)  # type: ignore[attr-defined]  # -- the ledger's
    told = history.order_by("history_id").values_list(
        "as_of", "balance_pence", "last_payment_date", "last_payment_pence"
    )
    paid, owed, seen = 0, 0, set()
    for number, (as_of, balance, day, pence) in enumerate(told):
        is_new = day is not None and day >= since and (day, pence) not in seen
        if is_new and pence is None:
            return None
        fallen = owed - balance if number and as_of > since else 0
        paid += max(pence if is_new else 0, fallen, 0)
        seen.add((day, pence))
        owed = balance
    return paid


def why_over(row: Default, *, today: date) -> str | None:
    """Return why an arrangement no longer holds (missed, ended), or None while it does. What billing has not told of
    yet counts as not due yet."""
    if row.plan_until_date is not None and row.plan_until_date < today:
        return "ended"
    if row.plan_from_date is None or row.plan_pence is None:  # made before instalments were counted
        return None
    account = Account.objects.get(pk=row.account_id)
    due = _due(account, row, by=min(today, account.as_of))
    paid = _paid_pence(account, row.plan_from_date) if due else None
    return "missed" if paid is not None and paid < due * row.plan_pence else None
