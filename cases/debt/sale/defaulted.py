"""What becomes of the default of a sold account is told to its buyer, who must not hold against the customer what no
longer stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cases.debt.sale import codes, messages
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import calendars, casetypes, locks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case

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


tasks.declare(
    {TASK: "The default of a sold account has changed and no message can go: tell the buyer"}, more={TASK: _in_words}
)


def default_changed(account: int, reason: str, *, at: datetime) -> None:
    """Tell the buyer of a sold account what the credit agencies are told of its default; where that cannot be, have
    somebody tell it the same day. Inside the caller's transaction; locks the case of the sale. One query where it is
    not sold."""
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, account=account, sale__case__is_erased=False)
    for line in rows.select_related("account", "sale__purchaser").order_by("pk"):
        case = locks.case_for_update(line.sale_id)
        detail: dict[str, Any] = {"line": line.number, "reason": reason}
        actor, until = system("debt_sale", source=case.source), calendars.end_of_day(calendars.london_date(at))
        with record.act(case, "debt_sale_account.default_changed", actor=actor, at=at, detail=detail):
            if not _tell(case, line, reason, actor=actor, at=at):
                tasks.raise_task(TASK, case=case, at=at, due_at=until, **detail)
            case.version += 1
            case.save(update_fields=["version", "is_dormant"])


def _tell(case: Case, line: DebtSaleAccount, reason: str, *, actor: Actor, at: datetime) -> bool:
    """Promise the buyer word of a default as it stands now, and nothing of one that was taken off; say whether that
    could be done."""
    if line.sale.purchaser is None:
        return False
    asked = (ask(line.account_id) for each in casetypes.all_types() if (ask := each.reacts.get("default_on_file")))
    found: Mapping[str, Any] = {} if reason == "removed" else next(filter(None, asked), {})
    told = {name: found.get(name) for name in ("default_date", "default_pence", "satisfied_date")}
    row = {
        "reference": f"{case.reference}/{line.number}",
        "reason": reason,
        **{name: "" if value is None else str(value) for name, value in told.items()},
    }
    try:
        with transaction.atomic():
            people = line.account.holders.count()
            messages.send_default(case, line.sale.purchaser, row, people=people, actor=actor, at=at)
    except CaseError:
        return False
    return True
