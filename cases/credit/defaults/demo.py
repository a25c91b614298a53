"""Invented accounts in arrears for a demonstration, taken as far as their stories go by the verbs that move them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from cases.accounts import reading, storing
from cases.accounts.models import Account
from cases.credit.defaults import looking, opening
from cases.credit.defaults.models import Default
from cases.kernel import calendars, holds, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["Cast", "tell"]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration. `post` has the due letters of a case written and posted, `deliver` lets the
    agencies take what they were told of it."""

    steward: Actor
    approver: Actor
    analyst: Actor
    post: Callable[[Case, datetime], None]
    deliver: Callable[[Case, datetime], None]


# Who is in arrears, how many payments are behind, and what followed.
_STORIES: tuple[tuple[tuple[str, str, str], int, tuple[str, ...]], ...] = (
    (("Nerys", "Abernathy-Cole", "1983-06-02"), 3, ("serve", "dispute", "wait")),
    (("Gwilym", "Thackeray", "1990-10-19"), 3, ("serve", "wait", "approve", "deliver")),
    (("Ottoline", "Marsh", "1975-01-28"), 4, ("serve", "wait", "approve", "deliver", "satisfy")),
    (("Barnaby", "Quill", "1988-03-14"), 3, ("serve", "wait")),
    (("Senara", "Polglaze", "1994-07-07"), 3, ("serve", "arrange")),
    (("Lionel", "Frobisher", "1969-11-11"), 1, ()),
    (("Imogen", "Tallow", "1991-05-23"), 3, ()),
)
_MONTHLY = 3800


def tell(cast: Cast, *, now: datetime) -> int:
    """Let billing tell of the accounts and take each as far as its story goes. Returns how many."""
    for number, (who, behind, moves) in enumerate(_STORIES, start=1):
        at = now - timedelta(days=40 if moves else 1, hours=number)
        account = _told(number, who, behind, at=at)
        case = opening.open_arrears(account.pk, at=at, source="demo")
        looking.look(case.pk, at=at)
        for move in moves:
            at = _step(cast, case.pk, move, at)
    return len(_STORIES)


def _told(number: int, who: tuple[str, str, str], behind: int, *, at: datetime) -> Account:
    today = calendars.london_date(at)
    forename, surname, born = who
    row = {
        "account": f"80012345{number:02d}",
        "product": "mobile",
        "jurisdiction": "eaw",
        "as_of": today.isoformat(),
        "balance_pence": str(behind * _MONTHLY),
        "oldest_unpaid_date": (today - timedelta(days=75)).isoformat(),
        "contract_start_date": "2024-02-01",
        "payment_pence": str(_MONTHLY),
        "payments_behind": str(behind),
        "holder_1_forename": forename,
        "holder_1_surname": surname,
        "holder_1_date_of_birth": born,
        "holder_1_line_1": f"{number} Example Quay",
        "holder_1_town": "Cardiff",
        "holder_1_postcode": "CF10 0ZZ",
    }
    with ledger.action(uuid4(), "accounts.told", actor="system:own-billing", at=at, source="demo"):
        storing.store([reading.read(row, today=today)], at=at)
    account = storing.find(row["account"])
    if account is None:
        raise LookupError(row["account"])
    return account


def _step(cast: Cast, case_id: int, move: str, at: datetime) -> datetime:
    """Take one step of a story; return when the next one is."""
    case = Case.objects.get(pk=case_id)
    if move == "serve":
        cast.post(case, at)
        transitions.apply(case_id, "issue", actor=cast.steward, at=at)
        return at + timedelta(days=20)
    if move == "dispute":
        holds.enter(case_id, "dispute", actor=cast.steward, at=at, source="customer", reference="SVC-771")
    elif move == "wait":
        at += timedelta(days=19)
        looking.look(case_id, at=at)
    elif move == "approve":
        given = {"default_date": calendars.london_date(at)}
        transitions.apply(case_id, move, actor=cast.approver, at=at, inputs=given)
    elif move == "deliver":
        cast.deliver(case, at)
    elif move == "satisfy":
        row = Default.objects.get(pk=case_id)
        paid: dict[str, int | date] = {"amount_pence": row.left_pence, "satisfied_date": calendars.london_date(at)}
        transitions.apply(case_id, move, actor=cast.steward, at=at, inputs=paid)
    elif move == "arrange":
        plan = {"plan_pence": 1500, "plan_until_date": calendars.london_date(at) + timedelta(days=365)}
        transitions.apply(case_id, move, actor=cast.analyst, at=at, inputs=plan)
    return at
