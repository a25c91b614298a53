"""What a customer pays us for a debt that was sold: the buyer hears of it the same day, the money is passed on in time.

Billing tells of the newest payment on an account. Whoever has paid must not be asked for it again by the buyer; in
Scotland a debtor who pays the old creditor in good faith owes it no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from cases.debt.sale import codes, messages
from cases.debt.sale.models import TAKEN, DebtSaleAccount
from cases.kernel import calendars, locks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Task

__all__ = ["TASK", "accounts_changed"]

TASK = "sold_account_paid"


def _in_words(detail: Mapping[str, Any]) -> str:
    day = date.fromisoformat(detail["paid"])
    told = "" if detail["is_told"] else "; the buyer could not be told, so tell it too"
    return f"line {detail['line']}, £{detail['amount_pence'] / 100:,.2f} of {day:%-d %B %Y}{told}"


tasks.declare({TASK: "A customer paid us for a sold debt: pass it on to the buyer"}, more={TASK: _in_words})


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Tell buyers of payments since the completion on accounts that are theirs, each payment once, and raise the task
    to pass it on. Inside the caller's transaction; locks the cases. One query where nothing was paid on a sold one."""
    rows = DebtSaleAccount.objects.filter(
        account__in=accounts,
        state__in=TAKEN,
        sale__case__is_erased=False,
        account__last_payment_pence__gt=0,
        account__last_payment_date__gte=F("sale__completed_date"),
    )
    for line in rows.select_related("account", "sale__purchaser").order_by("sale_id", "number"):
        _note(line, at=at)


def _note(line: DebtSaleAccount, *, at: datetime) -> None:
    account = line.account
    if account.last_payment_date is None or account.last_payment_pence is None:
        return
    said: dict[str, Any] = {
        "line": line.number,
        "paid": account.last_payment_date.isoformat(),
        "amount_pence": account.last_payment_pence,
    }
    case = locks.case_for_update(line.sale_id)
    if Task.objects.filter(case=case, kind=TASK, detail__contains=said).exists():
        return
    actor = system("debt_sale", source=case.source)
    days = line.sale.pass_on_days or codes.PASSED_ON_WITHIN
    last = calendars.add_working_days(calendars.london_date(at), days)
    with record.act(case, "debt_sale_account.paid_us", actor=actor, at=at, detail=said):
        is_told = _tell(case, line, said, last, actor=actor, at=at)
        tasks.raise_task(TASK, case=case, at=at, due_at=calendars.end_of_day(last), **said, is_told=is_told)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


def _tell(case: Case, line: DebtSaleAccount, said: dict[str, Any], last: date, *, actor: Actor, at: datetime) -> bool:
    """Promise the buyer word of a payment; say whether that could be done."""
    if line.sale.purchaser is None:
        return False
    row = {
        "reference": f"{case.reference}/{line.number}",
        "paid_date": said["paid"],
        "amount_pence": said["amount_pence"],
        "passed_on_by": last.isoformat(),
    }
    try:
        with transaction.atomic():
            people = line.account.holders.count()
            messages.send_paid(case, line.sale.purchaser, row, people=people, actor=actor, at=at)
    except CaseError:
        return False
    return True
