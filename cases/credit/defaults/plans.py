"""Whether an arrangement is kept: by what was paid since it began, not by how many full payments are behind.

Under an agreed reduced payment more full payments fall behind each month although the customer pays as agreed.
"""

from __future__ import annotations

from datetime import date

from cases.accounts.models import Account
from cases.credit.defaults.models import Default
from cases.kernel import calendars

__all__ = ["why_over"]


def _due(row: Default, *, by: date) -> int:
    """Return how many instalments were due before a day: one each month from when the arrangement was made."""
    count, last = 0, min(by, row.plan_until_date or by)
    while row.plan_from_date and calendars.add_months(row.plan_from_date, count + 1) < last:
        count += 1
    return count


def _paid_pence(row: Default) -> int | None:
    """Return what billing told of as paid since the arrangement was made: each payment that was the last one on some
    day, or as much as less is owed. None where it does not say how much. Two queries."""
    history = Account.history_model.objects.filter(  # type: ignore[attr-defined]  # -- made by the ledger
        id=row.account_id, last_payment_date__gte=row.plan_from_date
    )
    payments = set(history.values_list("last_payment_date", "last_payment_pence"))
    amounts = [pence for _, pence in payments]
    return None if None in amounts else max(sum(amounts), _fallen_pence(row))


def _fallen_pence(row: Default) -> int:
    """Return by how much less is owed than when the arrangement was made: billing tells only the last payment of a
    feed, and its balance of those before. One query."""
    history = Account.history_model.objects.filter(  # type: ignore[attr-defined]  # -- made by the ledger
        id=row.account_id
    )
    owed = dict(history.order_by("history_id").values_list("as_of", "balance_pence"))
    before = [day for day in owed if row.plan_from_date and day <= row.plan_from_date]
    return owed[max(before)] - owed[max(owed)] if before else 0


def why_over(row: Default, *, today: date) -> str | None:
    """Return why an arrangement no longer holds (missed, ended), or None while it does. What billing has not told of
    yet counts as not due yet."""
    if row.plan_until_date is not None and row.plan_until_date < today:
        return "ended"
    if row.plan_from_date is None or row.plan_pence is None:  # made before instalments were counted
        return None
    due = _due(row, by=min(today, Account.objects.values_list("as_of", flat=True).get(pk=row.account_id)))
    paid = _paid_pence(row) if due else None
    return "missed" if paid is not None and paid < due * row.plan_pence else None
