"""What billing tells of the account of a default is heeded at once: a payment is work, and a flag takes back what has
not left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from cases.credit.defaults import looking
from cases.credit.defaults.effects import PAID
from cases.credit.defaults.models import Default
from cases.kernel import calendars, locks, record, tasks
from cases.kernel.actors import system

__all__ = ["accounts_changed"]


def _in_words(detail: Mapping[str, Any]) -> str:
    if "balance_pence" in detail:
        return f"£{detail['balance_pence'] / 100:,.2f} is owed on the account"
    day = date.fromisoformat(detail["paid"])
    return f"£{detail['amount_pence'] / 100:,.2f} of {day:%-d %B %Y}"


tasks.declare(
    {PAID: "Billing tells that less is owed of a default: record what was paid of it, or say why nothing was"},
    more={PAID: _in_words},
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


def _paid(row: Default) -> dict[str, Any] | None:
    """Return what was paid since the notice named what is owed, as billing tells of it: its newest payment, or else
    that less is owed on the account than is left of the default."""
    account, asked = row.account, row.notice_asked_at
    day, pence = account.last_payment_date, account.last_payment_pence
    if row.default_date is None or asked is None:
        return None
    if day is not None and pence and day >= row.default_date and day > calendars.london_date(asked):
        return {"paid": day.isoformat(), "amount_pence": pence}
    return {"balance_pence": account.balance_pence} if account.balance_pence < row.left_pence else None


def _ask_to_record(row: Default, *, at: datetime) -> None:
    """The letter about a default promises that the agencies hear of a payment on the same day. What is owed may hold
    later charges, so a person says how much of it was for the default."""
    case, said = locks.case_for_update(row.case_id), _paid(row)
    if said is None or case.state != "filed" or case.tasks.filter(kind=PAID, detail__contains=said).exists():
        return
    actor, until = system("arrears", source=case.source), calendars.end_of_day(calendars.london_date(at))
    with record.act(case, "default.payment_told", actor=actor, at=at, detail=said):
        tasks.raise_task(PAID, case=case, at=at, due_at=until, **said)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])
