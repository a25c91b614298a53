"""Invented debts for a demonstration, made by the verbs that billing, collections, agencies and the register use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from cases.accounts import reading, storing
from cases.debt import batches, callbacks
from cases.debt.moratorium import callbacks as moratoria
from cases.kernel import calendars, intake
from cases.kernel.actors import Actor
from cases.kernel.background import jobrun
from cases.kernel.casetypes import Content
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["Cast", "tell"]

AGENCY = "sandbox-recoveries"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration. `deliver` lets whatever waits for the agencies of debts arrive."""

    billing: Actor
    analyst: Actor
    manager: Actor
    agency: Actor
    register: Actor
    deliver: Callable[[datetime], None]


# Number, product, part of the United Kingdom, pence, first and last name, date of birth, and what differs.
_ACCOUNTS: tuple[tuple[str, str, str, int, tuple[str, str, str], dict[str, str]], ...] = (
    ("8002223334", "mobile", "eaw", 31246, ("Cerys", "Oyelaran-Pugh", "1988-04-17"), {}),
    ("8002223342", "broadband", "eaw", 4120, ("Cerys", "Oyelaran-Pugh", "1988-04-17"), {}),
    ("8002223350", "landline", "eaw", 8810, ("Tomos", "Aberfal", "1974-09-02"), {}),
    ("8002223369", "tv", "eaw", 15_000, ("Ffion", "Marchbanks", "1991-01-30"), {"flags": "complaint"}),
    ("8002223377", "mobile", "sct", 20_510, ("Ailsa", "Kinloch", "1969-06-11"), {"oldest_unpaid": "1910"}),
    ("8002223385", "broadband", "eaw", 9940, ("Bryn", "Trevethan", "1983-12-05"), {}),
    ("8002223393", "mobile", "eaw", 12_775, ("Delyth", "Quarrington", "1996-03-21"), {}),
    ("8002223407", "mobile", "eaw", 27_300, ("Idwal", "Penhaligon", "1979-10-14"), {}),
)
_HOME = {"line_1": "4 Example Terrace", "town": "Swansea", "postcode": "SA1 0ZZ"}
_ADVISER = {
    "role": "adviser",
    "is_innocent": False,
    "values": {"surname": "Swansea Debt Advice"},
    "addresses": [{"kind": "current", "line_1": "1 Example Street", "town": "Swansea", "postcode": "SA1 0ZZ"}],
}


def tell(cast: Cast, *, now: datetime) -> int:
    """Take the accounts in, place two batches, let one be answered, and let three notices come. Returns how many cases
    there are."""
    began = now - timedelta(days=6)
    _bill(cast, at=began)
    sent = _batch(cast, ("8002223334", "8002223350", "8002223369", "8002223377", "8002223407"), at=began)
    batches.release(sent, digest=sent.digest, actor=cast.manager, at=began + timedelta(hours=1))
    jobrun.work(clock=lambda: began + timedelta(hours=1))
    cast.deliver(began + timedelta(hours=2))
    lines = [line.case for line in batches.lines_of(sent) if line.case.state == "sent"]
    for case in lines:
        _say(cast, case, "placement.answered", at=began + timedelta(hours=3))
    _pay(cast, lines[1], at=began + timedelta(days=3))
    _batch(cast, ("8002223385",), at=now - timedelta(hours=5))
    _notice(cast, 0, "breathing_space", at=now - timedelta(days=2), named=True)
    _notice(cast, 7, "mental_health_crisis", at=now - timedelta(days=1), named=True)
    _notice(cast, 6, "breathing_space", at=now - timedelta(hours=4), named=False)
    return Case.objects.filter(kind__in=["debt_placement", "moratorium"]).count()


def _bill(cast: Cast, *, at: datetime) -> None:
    today = calendars.london_date(at)
    rows = [reading.read(_row(*each, today=today), today=today) for each in _ACCOUNTS]
    with ledger.action(uuid4(), "accounts.told", actor=cast.billing.label, at=at, source=cast.billing.source):
        storing.store(rows, at=at)


def _row(
    number: str,
    product: str,
    place: str,
    pence: int,
    who: tuple[str, str, str],
    differs: dict[str, str],
    *,
    today: date,
) -> dict[str, str]:
    flags = f"{differs['flags']}:{today - timedelta(days=12)}" if "flags" in differs else ""
    forename, surname, born = who
    return {
        "account": number,
        "product": product,
        "jurisdiction": place,
        "as_of": today.isoformat(),
        "balance_pence": str(pence),
        "final_bill_date": (today - timedelta(days=145)).isoformat(),
        "oldest_unpaid_date": (today - timedelta(days=int(differs.get("oldest_unpaid", "206")))).isoformat(),
        "flags": flags,
        "holder_1_forename": forename,
        "holder_1_surname": surname,
        "holder_1_date_of_birth": born,
        "holder_1_phone": f"07700 900{int(number) % 1000:03d}",
        "holder_1_email": f"{forename.lower()}@example.org",
        **{f"holder_1_{name}": value for name, value in _HOME.items()},
    }


def _batch(cast: Cast, numbers: tuple[str, ...], *, at: datetime) -> Any:
    batch = batches.build(list(numbers), agency_code=AGENCY, actor=cast.analyst, at=at)
    jobrun.work(clock=lambda: at)
    batch.refresh_from_db()
    return batch


def _say(cast: Cast, case: Case, kind: str, *, at: datetime, **data: Any) -> None:
    content = Content(
        type=kind,
        agency_code=AGENCY,
        agency_kind="dca",
        agency_reference="",
        agency_sequence=None,
        occurred_at=at,
        data={**callbacks.EXAMPLES[kind], **data},
        message=None,
        callback_uid=None,
    )
    callbacks.CALLBACKS[kind](Case.objects.get(pk=case.pk), content, actor=cast.agency, at=at)


def _pay(cast: Cast, case: Case, *, at: datetime) -> None:
    """What is owed is paid in full; the agency keeps 18 % of it and the tax on that."""
    paid = {"amount_pence": 8810, "commission_pence": 1586, "vat_pence": 317, "net_pence": 6907}
    _say(cast, case, "placement.remitted", at=at, **paid)


def _notice(cast: Cast, place: int, regime: str, *, at: datetime, named: bool) -> None:
    """A notice of the register. One that names no account and withholds the address waits for a person."""
    number, _, _, pence, (forename, surname, born), _ = _ACCOUNTS[place]
    person = {
        "role": "debtor",
        "is_innocent": False,
        "values": {"forename": forename, "surname": surname, "date_of_birth": born},
        "addresses": [{"kind": "current", **_HOME}] if named else [],
    }
    facts = {
        "regime": regime,
        "register_reference": f"BSS-{at.year}-{93157 + place:07d}",
        "start_date": calendars.london_date(at),
        "is_address_withheld": not named,
        "debts": [{"account_reference": number, "amount_pence": pence}] if named else [],
        "notice": "Made for the demonstration.",
        "agency_code": "sandbox-moratorium",
    }
    case = intake.open_case("moratorium", actor=cast.register, at=at, facts=facts, people=[person, _ADVISER])
    moratoria.match(case, case.clocks.get(rule="moratorium_match"), at=at + timedelta(minutes=1))
    cast.deliver(at + timedelta(minutes=2))
