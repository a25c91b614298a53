"""What becomes of the default of a sold account is told to its buyer, who must not hold against the customer what no
longer stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.debt.sale import codes
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import calendars, locks, record, tasks
from cases.kernel.actors import system

__all__ = ["TASK", "default_changed"]

TASK = "sold_default_changed"
_SAID = {
    "part_satisfied": "a part of it was paid",
    "satisfied": "it was paid in full",
    "settled": "less was accepted for all of it",
    "corrected": "its date or its balance was corrected",
    "removed": "it was taken off the customer's files",
}


def _in_words(detail: Mapping[str, Any]) -> str:
    return f"line {detail['line']}: {_SAID.get(detail['reason'], detail['reason'])}"


tasks.declare({TASK: "The default of a sold account has changed: tell the buyer"}, more={TASK: _in_words})


def default_changed(account: int, reason: str, *, at: datetime) -> None:
    """Have somebody tell the buyer of a sold account the same day what the credit agencies are told of its default.
    Inside the caller's transaction; locks the case of the sale. One query where it is not sold."""
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, account=account, sale__case__is_erased=False)
    for line in rows.order_by("pk"):
        case = locks.case_for_update(line.sale_id)
        detail: dict[str, Any] = {"line": line.number, "reason": reason}
        actor, until = system("debt_sale", source=case.source), calendars.end_of_day(calendars.london_date(at))
        with record.act(case, "debt_sale_account.default_changed", actor=actor, at=at, detail=detail):
            tasks.raise_task(TASK, case=case, at=at, due_at=until, **detail)
            case.version += 1
            case.save(update_fields=["version", "is_dormant"])
