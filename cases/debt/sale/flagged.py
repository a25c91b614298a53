"""What is learned of the holder of a sold account that would stop collecting it: its buyer collects, and must know.

A death, an insolvency, a dispute, a need for support: the buyer has to stop as an agency of ours would. A person tells
it, by the code alone and never with what is behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.accounts import naming
from cases.accounts.models import AccountFlag
from cases.accounts.reading import FLAGS
from cases.accounts.storing import SOURCE
from cases.debt.moratorium import codes as regimes
from cases.debt.sale import codes
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import calendars, holdkinds, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, Hold, Task

__all__ = ["TASK", "accounts_changed", "hold_began", "hold_elsewhere"]

TASK = "sold_account_stopped"
_STOPS = frozenset(
    {"deceased", "bankruptcy", "iva", "debt_relief_order", "sequestration", "protected_trust_deed"}
    | {"dispute", "complaint", "adr", "fraud_victim", "minor", "vulnerable", "prison", "hospital"}
)


def _in_words(detail: Mapping[str, Any]) -> str:
    code = detail["flag"]
    what = holdkinds.shown_label(detail["hold"]) if "hold" in detail else FLAGS.get(code, code)
    return f"line {detail['line']}: {what.lower()}"


tasks.declare(
    {TASK: "We learned of a sold account what stops collecting it: tell the buyer today"}, more={TASK: _in_words}
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


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """Have somebody tell the buyer of a hold that is entered on a sale for one of its people: their sold accounts.
    Inside the current ledger action on the locked case."""
    if hold.party_id is None or not _is_stop(hold):
        return
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, sale=case.pk, notices__party=hold.party_id)
    for number in rows.order_by("number").values_list("number", flat=True).distinct():
        _raise(case, {"line": number, "flag": hold.kind, "hold": hold.kind, "began": _day(hold)}, at=at)


def hold_elsewhere(case: Case, hold: Hold, *, at: datetime) -> None:
    """Have somebody tell the buyer of a hold on another case that names a sold account, or that is for a person who was
    given notice of a sale. Inside the current ledger action; a sale that somebody is working on at this moment is tried
    again with the hold. Raises locks.CaseBusy."""
    if case.kind == "debt_sale" or not _is_stop(hold):
        return
    named = naming.named_by(case, actor=system("debt_sale", source=case.source), purpose="debt_sale", at=at)
    whose = Q(account__in=named)
    if hold.party is not None and hold.party.party_id is not None:  # somebody has said that they are the same person
        whose |= Q(notices__party__party=hold.party.party_id, notices__party__is_detached=False)
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, whose, sale__case__is_erased=False)
    for line in rows.order_by("sale_id", "number").distinct():
        sale = locks.another_for_update(line.sale_id)
        said = {"line": line.number, "flag": hold.kind, "hold": hold.kind, "began": _day(hold)}
        with record.act(sale, "debt_sale_account.stopped", actor=system("debt_sale", source=sale.source), at=at):
            _raise(sale, said, at=at)
            sale.version += 1
            sale.save(update_fields=["version", "is_dormant"])


def _is_stop(hold: Hold) -> bool:
    """Say whether whoever collects has to stop for it. Of a moratorium the notice itself goes on to the buyer; a quiet
    hold is told to nobody."""
    known = holdkinds.KINDS.get(hold.kind)
    is_told = known is not None and not known.is_quiet and hold.kind not in dict(regimes.REGIMES)
    return is_told and not {"contact", "enforce"}.isdisjoint(hold.blocks)


def _day(hold: Hold) -> str:
    return calendars.london_date(hold.began_at).isoformat()


def _raise(case: Case, said: dict[str, Any], *, at: datetime) -> None:
    if not Task.objects.filter(case=case, kind=TASK, detail__contains=said).exists():
        tasks.raise_task(TASK, case=case, at=at, due_at=calendars.end_of_day(calendars.london_date(at)), **said)


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
