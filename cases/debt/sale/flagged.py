"""What billing learns of the holder of a sold account that would stop collecting it: its buyer collects, and must know.

A death, an insolvency, a dispute, a need for support: the buyer has to stop as an agency of ours would. A person tells
it, by the code alone and never with what is behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from cases.accounts.models import AccountFlag
from cases.accounts.reading import FLAGS
from cases.accounts.storing import SOURCE
from cases.debt.sale import codes
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import calendars, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Task

__all__ = ["TASK", "accounts_changed"]

TASK = "sold_account_stopped"
_STOPS = frozenset(
    {"deceased", "bankruptcy", "iva", "debt_relief_order", "sequestration", "protected_trust_deed"}
    | {"dispute", "complaint", "adr", "fraud_victim", "minor", "vulnerable", "prison", "hospital"}
)


def _in_words(detail: Mapping[str, Any]) -> str:
    return f"line {detail['line']}: {FLAGS.get(detail['flag'], detail['flag']).lower()}"


tasks.declare(
    {TASK: "Billing says of a sold account what stops collecting it: tell the buyer today"}, more={TASK: _in_words}
)


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Have somebody tell the buyer the same day of each thing that billing says of an account that is theirs, once.
    Inside the caller's transaction; locks the cases. One query where nothing is said of a sold one."""
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, account__in=accounts, sale__case__is_erased=False)
    said = AccountFlag.objects.filter(account__in=rows.values("account"), source=SOURCE, ended_date=None)
    flags: dict[int, list[AccountFlag]] = {}
    for flag in said.filter(code__in=_STOPS).order_by("code"):
        flags.setdefault(flag.account_id, []).append(flag)
    for line in rows.filter(account__in=flags).order_by("sale_id", "number") if flags else ():
        for flag in flags[line.account_id]:
            _note(line, flag, at=at)


def _note(line: DebtSaleAccount, flag: AccountFlag, *, at: datetime) -> None:
    case = locks.case_for_update(line.sale_id)
    said: dict[str, Any] = {"line": line.number, "flag": flag.code, "began": flag.began_date.isoformat()}
    if Task.objects.filter(case=case, kind=TASK, detail__contains=said).exists():
        return
    actor, until = system("debt_sale", source=case.source), calendars.end_of_day(calendars.london_date(at))
    with record.act(case, "debt_sale_account.stopped", actor=actor, at=at, detail=said):
        tasks.raise_task(TASK, case=case, at=at, due_at=until, **said)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])
