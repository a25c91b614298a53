"""What debts cost, in whole pence, at a rate in hundredths of a penny for each pound that is owed."""

from __future__ import annotations

from cases.debt.sale import looking
from cases.debt.sale.models import DebtSale

__all__ = ["in_words", "price_of", "total"]


def price_of(balance_pence: int, rate: int) -> int:
    """Return the price of what is owed on one account; half a penny is rounded up."""
    return (2 * balance_pence * rate + 10_000) // 20_000


def total(sale: DebtSale) -> int:
    """Return what the buyer pays for the lines that are left: the sum of their prices. One query."""
    owed = looking.left(sale).values_list("balance_pence", flat=True)
    return sum(price_of(pence, sale.price_rate or 0) for pence in owed)


def in_words(rate: int) -> str:
    """Return a rate as people say it."""
    return f"{rate / 100:g}p for each £1"
