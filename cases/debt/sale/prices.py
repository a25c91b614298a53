"""What debts cost, in whole pence, at a rate in hundredths of a penny for each pound that is owed."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Sum

from cases.debt.sale import looking
from cases.debt.sale.models import DebtSale

__all__ = ["in_words", "price_of", "total"]


def price_of(balance_pence: Any, rate: int) -> Any:
    """Return the price of what is owed on one account, a number or a column; half a penny is rounded up."""
    price = balance_pence * (2 * rate) + 10_000
    return price // 20_000 if isinstance(price, int) else price / 20_000  # a database divides whole numbers so


def total(sale: DebtSale) -> int:
    """Return what the buyer pays for the lines that are left: the sum of their prices. One query."""
    price = Sum(price_of(F("balance_pence"), sale.price_rate or 0))
    return looking.left(sale).order_by().aggregate(total=price)["total"] or 0


def in_words(rate: int) -> str:
    """Return a rate as people say it."""
    return f"{rate / 100:g}p for each £1"
