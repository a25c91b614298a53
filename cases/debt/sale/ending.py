"""When a sale is over: the window for claims has ended, and no claim is open."""

from __future__ import annotations

from datetime import datetime

from cases.debt.sale.models import SaleClaim
from cases.kernel import transitions
from cases.kernel.actors import system
from cases.kernel.models import Case

__all__ = ["WINDOW", "close_if_over", "has_open_claim", "is_window_open"]

WINDOW = "k26_put_back"


def is_window_open(case: Case) -> bool:
    return case.clocks.filter(rule=WINDOW, ended_at=None).exists()


def has_open_claim(case: Case) -> bool:
    return SaleClaim.objects.filter(line__sale=case.pk, outcome="").exists()


def close_if_over(case: Case, *, at: datetime) -> None:
    """Close a sale whose window is over and on which nothing is open. Locks the case."""
    if case.state == "warranty_open" and not is_window_open(case) and not has_open_claim(case):
        transitions.apply(case.pk, "close", actor=system("debt_sale", source=case.source), at=at)
