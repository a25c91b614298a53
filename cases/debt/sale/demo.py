"""Invented sales of debts for a demonstration: one that is complete, one out for bids. The sandbox buyer answers over
SFTP, and puts back the account of the first that it has twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from cases.accounts import reading, storing
from cases.debt.sale import bids, codes, looking, prices, tapes
from cases.kernel import calendars, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.background import jobrun
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["Cast", "tell"]

BUYER = "sandbox-debt-purchase"
RATE = 950
WINDOW = 180


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration."""

    billing: Actor
    manager: Actor
    finance: Actor
    protection: Actor
    counsel: Actor


# Number, product, part of the United Kingdom, pence, first and last name, date of birth, and a flag, if any.
_Account = tuple[str, str, str, int, tuple[str, str, str], str]
_SOLD: tuple[_Account, ...] = (
    ("8003334415", "mobile", "eaw", 64_000, ("Tamsin", "Vellacott", "1984-02-11"), ""),
    ("8003334423", "broadband", "eaw", 21_010, ("Rhodri", "Achterberg", "1958-07-30"), "deceased"),
    ("8003334431", "mobile", "sct", 18_000, ("Mairi", "Strathcarron", "1990-05-19"), ""),
    ("8003334499", "landline", "nir", 9_900, ("Conall", "Quillfeather", "1977-11-02"), ""),
)
_OFFERED: tuple[_Account, ...] = (
    ("8003335512", "mobile", "eaw", 31_480, ("Elowen", "Tregarthen", "1993-08-08"), ""),
    ("8003335520", "tv", "eaw", 7_265, ("Gwydion", "Marrable", "1969-01-24"), ""),
    ("8003335539", "broadband", "sct", 15_540, ("Isla", "Corrievreck", "1986-12-15"), "dispute"),
)


def tell(cast: Cast, *, now: datetime) -> int:
    """Sell one pool and offer another. Returns how many sales there are."""
    offered = _pool(
        cast, _OFFERED, defaulted=calendars.london_date(now) - timedelta(days=130), at=now - timedelta(days=2)
    )
    came = now - timedelta(hours=3)
    bids.note(offered, BUYER, RATE - 75, calendars.london_date(came), actor=cast.manager, at=came)
    began = now - timedelta(days=1)
    case = _pool(cast, _SOLD, defaulted=calendars.london_date(now) - timedelta(days=250), at=began)
    _sell(cast, case, at=began + timedelta(hours=2))
    return Case.objects.filter(kind="debt_sale").count()


def _pool(cast: Cast, accounts: tuple[_Account, ...], *, defaulted: date, at: datetime) -> Case:
    """Take accounts in that fell into default on one day, and offer a pool of them to the buyer."""
    today = calendars.london_date(at)
    rows = [reading.read(_row(*each, defaulted=defaulted, today=today), today=today) for each in accounts]
    with ledger.action(uuid4(), "accounts.told", actor=cast.billing.label, at=at, source=cast.billing.source):
        storing.store(rows, at=at)
    facts = {
        "products": list(reading.PRODUCTS),
        "jurisdictions": list(calendars.JURISDICTIONS),
        "balance_from": 2500,
        "defaulted_from": defaulted,
        "defaulted_until": defaulted,
    }
    case = intake.open_case("debt_sale", actor=cast.manager, at=at, facts=facts)
    looking.ask(case, actor=cast.manager, at=at)
    _work(at)
    _move(cast.manager, case, "run_exclusions", at=at)
    tapes.ask(case, actor=cast.manager, at=at)
    _work(at)
    at += timedelta(minutes=30)
    _move(cast.manager, case, "publish", at=at, bidders=[BUYER])
    return _agree(case, cast.protection, at=at + timedelta(minutes=10))


def _row(
    number: str,
    product: str,
    place: str,
    pence: int,
    who: tuple[str, str, str],
    flag: str,
    *,
    defaulted: date,
    today: date,
) -> dict[str, str]:
    forename, surname, born = who
    return {
        "account": number,
        "product": product,
        "jurisdiction": place,
        "as_of": today.isoformat(),
        "balance_pence": str(pence),
        "final_bill_date": (defaulted - timedelta(days=14)).isoformat(),
        "oldest_unpaid_date": (defaulted - timedelta(days=90)).isoformat(),
        "default_date": defaulted.isoformat(),
        "default_pence": str(pence),
        "flags": f"{flag}:{today - timedelta(days=9)}" if flag else "",
        "holder_1_forename": forename,
        "holder_1_surname": surname,
        "holder_1_date_of_birth": born,
        "holder_1_line_1": f"{int(number) % 100} Example Parade",
        "holder_1_town": "Cardiff",
        "holder_1_postcode": "CF1 0ZZ",
        "holder_1_email": f"{forename.lower()}@example.org",
    }


def _sell(cast: Cast, case: Case, *, at: datetime) -> None:
    """Prefer a bid, sign, cut off, approve the tape by three, and complete for its price."""
    today = calendars.london_date(at)
    bids.note(case, BUYER, RATE, today, actor=cast.manager, at=at)
    shown = {**dict.fromkeys(codes.DILIGENCE, True), "diligence_until": today + timedelta(days=365)}
    _move(cast.manager, case, "prefer", at=at, bid="1", **shown)
    days = dict.fromkeys(("agreement_date", "cut_off_date", "completion_date"), today)
    _move(cast.counsel, case, "sign", at=at, put_back_days=WINDOW, pass_on_days=5, **days)
    _agree(case, cast.finance, at=at)
    _move(cast.manager, case, "cut_off", at=at)
    tapes.ask(case, actor=cast.manager, at=at)
    _work(at)
    at += timedelta(minutes=20)
    _move(cast.manager, case, "build_tape", at=at)
    _move(cast.manager, case, "approve", at=at)
    _agree(case, cast.finance, at=at)
    case = _agree(case, cast.protection, at=at)
    looking.ask(case, actor=cast.manager, at=at)
    _work(at)
    at += timedelta(minutes=20)
    funds = {"funds_pence": prices.total(case.debt_sale), "funds_date": calendars.london_date(at)}
    _move(cast.finance, case, "complete", at=at, **funds)
    _work(at)


def _work(at: datetime) -> None:
    """Do what was asked for in the background."""
    jobrun.work(clock=lambda: at)


def _move(actor: Actor, case: Case, name: str, *, at: datetime, **inputs: Any) -> None:
    transitions.apply(case.pk, name, actor=actor, at=at, inputs=inputs)


def _agree(case: Case, actor: Actor, *, at: datetime) -> Case:
    waiting = case.approvals.get(closed_at=None, mode="before")
    verdicts.decide(waiting.uid, "agreed", actor=actor, at=at)
    return Case.objects.get(pk=case.pk)
