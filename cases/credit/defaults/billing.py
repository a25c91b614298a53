"""What billing tells of the account of a default is heeded at once: a payment is work, and a flag takes back what has
not left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from cases.credit.defaults import effects, guards, looking
from cases.credit.defaults.models import Default
from cases.kernel import locks, money, record, tasks
from cases.kernel.actors import system

__all__ = ["accounts_changed"]


def _in_words(detail: Mapping[str, Any]) -> str:
    if "balance_pence" in detail:
        return f"{money.pounds(detail['balance_pence'])} is owed on the account"
    day = date.fromisoformat(detail["paid"])
    return f"{money.pounds(detail['amount_pence'])} of {day:%-d %B %Y}"


tasks.declare(
    {effects.PAID: "Billing tells that less is owed of a default: record what was paid of it, or say why nothing was"},
    more={effects.PAID: _in_words},
)


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Take back what waits to leave of a default that is stopped now, and have somebody record what was paid of one on
    file, each payment once. Inside the caller's transaction; locks the cases. One query where none is concerned."""
    states = (*looking.WAITING, "filed")
    rows = Default.objects.filter(account__in=accounts, case__state__in=states).select_related("case", "account")
    for row in rows.order_by("case_id"):
        if row.case.state == "filed":
            _ask_to_record(row, at=at)
        else:
            looking.take_back(row.case_id, at=at)


def _ask_to_record(row: Default, *, at: datetime) -> None:
    """The letter about a default promises that the agencies hear of a payment on the same day. What is owed may hold
    later charges, so a person says how much of it was for the default."""
    case, said = locks.case_for_update(row.case_id), guards.paid_since_notice(row)
    if said is None or case.state != "filed" or case.tasks.filter(kind=effects.PAID, detail__contains=said).exists():
        return
    with record.act(case, "default.payment_told", actor=system("arrears", source=case.source), at=at, detail=said):
        effects.ask_to_record(case, said, at=at)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])
