"""What a customer pays us for a debt that was sold: the buyer hears of it the same day, the money is passed on in time.

Billing tells of the newest payment on an account, and of its balance: where less is owed than was sold, the buyer has
to hear of it, and part of the price is not ours. Whoever has paid must not be asked for it again by the buyer; in
Scotland a debtor who pays the old creditor in good faith owes it no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from cases.accounts.models import Account
from cases.debt.sale import codes, messages, prices
from cases.debt.sale.models import TAKEN, DebtSale, DebtSaleAccount
from cases.kernel import calendars, locks, money, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Task

__all__ = ["LESS", "TASK", "accounts_changed", "came_back", "paid_back"]

TASK, LESS = "sold_account_paid", "sold_account_less"


def _in_words(detail: Mapping[str, Any]) -> str:
    day = date.fromisoformat(detail["paid"])
    told = "" if detail["is_told"] else "; the buyer could not be told, so tell it too"
    if detail.get("came_back"):
        told = "; the account is ours again since: keep it, unless the agreement says otherwise, and tell the buyer"
    return f"line {detail['line']}, {money.pounds(detail['amount_pence'])} of {day:%-d %B %Y}{told}"


def _less_in_words(detail: Mapping[str, Any]) -> str:
    less, price = (money.pounds(detail[name]) for name in ("less_pence", "price_pence"))
    return f"line {detail['line']}, {less} less in all, {price} of the price"


tasks.declare(
    {
        TASK: "A customer paid us for a sold debt: pass it on to the buyer",
        LESS: "Less was owed than was sold: tell the buyer today, and pay that part of the price back",
    },
    more={TASK: _in_words, LESS: _less_in_words},
)


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Tell buyers of payments since the completion on accounts that are theirs, each payment once, and raise the task
    to pass it on; have somebody tell them where less is owed than was sold for another reason. Inside the caller's
    transaction; locks the cases. Two queries where nothing was paid on a sold one."""
    rows = DebtSaleAccount.objects.filter(
        account__in=accounts,
        state__in=TAKEN,
        sale__case__is_erased=False,
        account__last_payment_pence__gt=0,
        account__last_payment_date__gte=F("sale__completed_date"),
    )
    for line in rows.select_related("account", "sale__purchaser").order_by("sale_id", "number"):
        _note(line, at=at)
    less = DebtSaleAccount.objects.filter(
        account__in=accounts,
        state__in=TAKEN,
        sale__completed_date__isnull=False,
        sale__case__is_erased=False,
        account__balance_pence__lt=F("balance_pence"),
    )
    for line in less.select_related("account", "sale").order_by("sale_id", "number"):
        _note_less(line, at=at)


def _less(line: DebtSaleAccount) -> int:
    """Return how much less is owed than was sold, beside what the buyer was told was paid to us since, in whole pence.

    Billing writes the whole of a sold debt off its own books: nothing left to pay says nothing but for a payment of
    before the completion that was news after it.
    """
    if line.account.balance_pence == 0:
        return min(_paid_before(line), line.balance_pence)
    paid = Task.objects.filter(case=line.sale_id, kind=TASK, detail__line=line.number)
    told = sum(paid.values_list("detail__amount_pence", flat=True))
    return line.balance_pence - max(line.account.balance_pence, 0) - told


def paid_back(line: DebtSaleAccount) -> int:
    """Return how much of the price of a line the buyer has again because less was owed than was sold, in whole pence:
    each sum was told in all, so the largest that was seen to counts. One query."""
    done = Task.objects.filter(case=line.sale_id, kind=LESS, detail__line=line.number, closed_at__isnull=False)
    return max(done.values_list("detail__price_pence", flat=True), default=0)


def came_back(line: DebtSaleAccount) -> None:
    """Have whoever is to pass payments on see that the account is ours again, its price refunded. Inside the current
    ledger action."""
    for task in Task.objects.filter(case=line.sale_id, kind=TASK, detail__line=line.number, closed_at=None):
        task.detail = {**task.detail, "came_back": True}
        task.save(update_fields=["detail"])


def _paid_before(line: DebtSaleAccount) -> int:
    """Return what was paid on an account before its sale was complete where we did not know of it then, in whole pence.
    Two queries."""
    account, day = line.account, line.account.last_payment_date
    if day is None or line.sale.completed_date is None or day >= line.sale.completed_date:
        return 0
    completed = DebtSale.history.filter(case_id=line.sale_id, completed_date__isnull=False).order_by("history_id")
    known = Account.history.filter(id=account.pk, history_date__lte=completed.values("history_date")[:1])
    before = known.order_by("-history_id").values_list("last_payment_date", "last_payment_pence").first()
    return 0 if before == (day, account.last_payment_pence) else account.last_payment_pence or 0


def _note_less(line: DebtSaleAccount, *, at: datetime) -> None:
    """Have somebody tell the buyer by how much less is owed than was sold, each sum once."""
    case, less = locks.case_for_update(line.sale_id), _less(line)
    about: dict[str, Any] = {"line": line.number, "less_pence": less}
    if less <= 0 or Task.objects.filter(case=case, kind=LESS, detail__contains=about).exists():
        return
    said = {**about, "price_pence": prices.price_of(less, line.sale.price_rate or 0)}
    actor, until = system("debt_sale", source=case.source), calendars.end_of_day(calendars.london_date(at))
    with record.act(case, "debt_sale_account.less_owed", actor=actor, at=at, detail=said):
        tasks.raise_task(LESS, case=case, at=at, due_at=until, **said)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


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
