"""What the credit agencies are told of a sold account: that it is sold, nothing is owed to us, and since when it is in
default. That day is the original one, whoever owns the debt; what comes back has it still."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from cases.accounts import bureaus
from cases.accounts.models import Account, BureauTold
from cases.debt.moratorium import fees
from cases.debt.sale import codes, looking
from cases.debt.sale.models import DebtSale, DebtSaleAccount
from cases.kernel import casetypes, locks, record
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.models import Case

__all__ = ["KIND", "keeps_default_dates", "marks", "start", "tell"]

SALE_MOVE = "move_sale_at_bureaus"
SOLD = "sold"


def keeps_default_dates(sale: DebtSale) -> bool:
    """Say whether every sold line has the default date of its account. One query."""
    rows = sale.lines.filter(state="sold").values_list("default_date", "account__default_date")
    return all(ours == original for ours, original in rows)


def tell(case: Case, line: DebtSaleAccount, *, to: str, actor: Actor, at: datetime) -> int:
    """Tell every credit agency that has the account whose it is now, inside the current ledger action on a locked case:
    one account in one act. How it stands at each stays as it is there: a sale makes no default, and takes none back.
    What is ours again stands with what is owed today, or what is left of a default of ours. Returns how many are told.
    Raises ReleaseRefused."""
    account = line.account
    rows = list(BureauTold.objects.filter(account=account).select_related("agency__terms").order_by("agency__code"))
    ours = _default_on_file(account) if rows else {}
    owed = ours.get("left_pence", fees.owed([account])[account.pk]) if rows and to == "ours" else 0
    marked = (() if to == "ours" else (SOLD,), ours.get("flags", ()))
    for row in rows:
        change = bureaus.Change(
            old=row.status,
            new=row.status,
            flags=tuple(sorted(chain.from_iterable(marked))),
            reason="sale_reversed" if to == "ours" else "debt_sold",
            balance_pence=owed,
            default_date=row.default_date,
            default_pence=ours.get("default_pence", account.default_pence) if row.default_date else None,
            satisfied_date=ours.get("satisfied_date"),
        )
        for message in bureaus.tell(case, account, change, actor=actor, at=at, to=[row.agency]):
            bureaus.keep_told(account, message, change, at=at)
    return len(rows)


def _default_on_file(account: Account) -> Mapping[str, Any]:
    """Return what the kind that keeps defaults says of one of this account that is on file; nothing where none is."""
    asked = (ask(account.pk) for each in casetypes.all_types() if (ask := each.reacts.get("default_on_file")))
    return next(filter(None, asked), {})


def marks(accounts: Collection[int]) -> dict[int, frozenset[str]]:
    """Return which of these accounts are sold, as the monthly file says it: from the day of the sale until one comes
    back. One query."""
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, account__in=accounts)
    return dict.fromkeys(rows.values_list("account_id", flat=True), frozenset({SOLD}))


def start(sale: DebtSale, *, actor: Actor, at: datetime) -> None:
    """Have the credit agencies told of every sold account in the background, within the act that decides it."""
    jobs.start(SALE_MOVE, actor=actor, at=at, params={"sale": sale.pk}, key=str(sale.uid))


def _rows(job: jobs.Job) -> Iterable[int]:
    sale = DebtSale.objects.get(pk=job.params["sale"])
    known = sale.lines.filter(state__in=codes.SOLD, account__told__isnull=False)
    return known.order_by("number").values_list("number", flat=True).distinct()


def _move(job: jobs.Job, subject: str, at: datetime) -> None:
    case = locks.case_for_update(job.params["sale"])
    line = case.debt_sale.lines.select_related("account").get(number=int(subject))
    if line.state not in codes.SOLD:  # a claim that is refused leaves it sold, one that is agreed tells anew
        raise jobs.Skipped("came_back")
    worker = jobs.worker_of(job)
    with record.act(case, "debt_sale_account.moved", actor=worker, at=at, detail={"line": line.number}) as act:
        act.detail["agencies"] = tell(case, line, to=SOLD, actor=worker, at=at)
        looking.touch(case, at=at)


KIND = jobs.Kind(
    code=SALE_MOVE,
    label="Tell the credit agencies of sold accounts",
    rows=_rows,
    do=_move,
    desk="debt_sale",
    case="sale",
    reasons={"came_back": "It came back meanwhile"},
    names=lambda _actor, subjects: {each: f"Line {each}" for each in subjects},
)
jobs.declare(KIND)
