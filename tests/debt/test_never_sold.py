"""An account that anything keeps out of a sale never reaches a tape: random histories against the oracle written apart.

What stops an account comes before the first look, after the tape for bidders, or between approval and completion. The
suite runs 40 histories, `make soak` all 2,000; BACKOFFICE_HISTORIES says another number.
"""

import os
import random
from datetime import date, timedelta

import pytest

from cases.debt.sale import bids, looking, tapes
from cases.kernel.restricted import quietholds
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.reads import Reader
from tests import factories, sales
from tests.accounts import portfolio
from tests.debt import oracle
from tests.debt.test_placement import told
from tests.factories import AT
from tests.length import times

pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("BACKOFFICE_HISTORIES", times(40, 2000)))
AT_ONCE = 200
TODAY = date(2026, 11, 14)
READER = Reader(actor="tests", verb="read", purpose="tests")


def draw(chance: random.Random) -> oracle.Offered:
    """Return one history; more than half have nothing that keeps them out at first."""
    is_plain = chance.random() < 0.6
    return oracle.Offered(
        jurisdiction=chance.choice(["eaw", "sct", "nir"]),
        balance_pence=5000 if is_plain else chance.choice([2499, 2500, 5000]),
        final_bill=date(2025, 11, 30) if is_plain else chance.choice([None, date(2026, 8, 25)]),
        oldest_unpaid=date(2025, 9, 30) if is_plain else date(chance.choice([2019, 2020, 2021, 2022]), 11, 20),
        born=date(1970, 1, 1) if is_plain else chance.choice([None, date(1970, 1, 1), date(2008, 11, 14)]),
        street="1 Example Terrace" if is_plain or chance.random() < 0.8 else "",
        flags=set() if chance.random() < 0.8 else {chance.choice(sorted(oracle.KEEPS_OUT | {"promise", "gone_away"}))},
    )


def row(number: int, one: oracle.Offered, defaulted: date, as_of: date) -> dict[str, str]:
    home = {} if one.street else dict.fromkeys(("holder_1_line_1", "holder_1_town", "holder_1_postcode"), "")
    return portfolio.row(
        1,
        account=f"87{number:08d}",
        jurisdiction=one.jurisdiction,
        balance_pence=str(one.balance_pence),
        default_date=defaulted.isoformat(),
        default_pence="9000",
        final_bill_date=one.final_bill.isoformat() if one.final_bill else "",
        oldest_unpaid_date=one.oldest_unpaid.isoformat(),
        holder_1_date_of_birth=one.born.isoformat() if one.born else "",
        flags=";".join(f"{flag}:2026-02-10" for flag in sorted(one.flags)),
        as_of=as_of.isoformat(),
        **home,
    )


def something_happens(chance, people, histories, numbers, *, defaulted: date, as_of: date) -> int:
    """Let billing tell of what stops, or of what is over, and a restricted case hold what it names. Returns how many
    are kept out that were not."""
    before = {number for number in numbers if oracle.may_be_sold(histories[number], today=TODAY)}
    changed = [number for number in numbers if chance.random() < 0.3]
    for number in changed:
        one = histories[number]
        what = chance.choice(["flag", "flag", "held", "paid", "over"])
        if what == "flag":
            one.flags.add(chance.choice(sorted(oracle.KEEPS_OUT | {"promise", "gone_away"})))
        elif what == "paid":
            one.balance_pence = chance.choice([2499, 3000])
        elif what == "over":
            one.ended |= dict.fromkeys(one.flags, as_of)
            one.flags.clear()
        else:
            one.is_held_quietly = True
    quiet = [quietholds.account_token(f"87{number:08d}") for number in changed if histories[number].is_held_quietly]
    if quiet:
        secret = factories.referred(people)
        with ledger.action(secret.uid, "test.held", actor="staff:1", at=AT):
            quietholds.place(secret, quiet, blocks=["sell"], at=AT)
    if changed:
        sales.take_in(people, *(row(each, histories[each], defaulted, as_of) for each in changed))
    return sum(not oracle.may_be_sold(histories[number], today=TODAY) for number in before)


def numbers_of(lines) -> set[int]:
    accounts = [line.account for line in lines.select_related("account")]
    opened = sealing.open_rows(accounts, ["number"], reader=READER, at=AT)
    return {int(each["number"][2:]) for each in opened}


def approved(case, people):
    case = sales.moved(sales.taped(case, people), "build_tape", people[sales.MANAGER])
    case = sales.moved(case, "approve", people[sales.MANAGER])
    return sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION)


def sold(case, people):
    """Complete a sale, its tape built again where the accounts are not those of it any more."""
    for hour in (1, 2):
        at = AT + timedelta(hours=hour)
        case = sales.looked(case, people, at=at)
        try:
            return sales.moved(case, "complete", people[sales.FINANCE], at=at, **sales.paid(case))
        except TransitionRefused as refused:
            assert "changed since the tape" in str(refused)
        case = approved(sales.moved(case, "rebuild", people[sales.MANAGER], at=at), people)
    raise AssertionError(case)


@pytest.mark.timeout(9000)
def test_what_anything_keeps_out_never_reaches_a_tape():
    people, chance = factories.office(), random.Random(20261114)  # noqa: S311 -- a fixed draw
    sales.enter()
    manager = people[sales.MANAGER]
    gone: set[str] = set()
    left = late = 0
    for turn, first in enumerate(range(0, HISTORIES, AT_ONCE)):
        defaulted = date(2026, 1, 2) + timedelta(days=turn)
        histories = {number: draw(chance) for number in range(first, min(first + AT_ONCE, HISTORIES))}

        def may(histories=histories) -> set[int]:
            return {number for number, one in histories.items() if oracle.may_be_sold(one, today=TODAY)}

        sales.take_in(people, *(row(n, one, defaulted, date(2026, 9, 1)) for n, one in histories.items()))
        case = sales.pool_of(people, defaulted_from=defaulted, defaulted_until=defaulted)
        case = sales.moved(sales.looked(case, people), "run_exclusions", manager)
        standing = may()
        assert numbers_of(looking.left(case.debt_sale)) == standing
        case = sales.moved(sales.taped(case, people), "publish", manager, bidders=[sales.BUYER])
        case = sales.agreed_to(case, people, sales.PROTECTION)
        bids.note(case, sales.BUYER, 950, AT.date(), actor=manager, at=AT)
        case = sales.moved(case, "prefer", manager, bid="1", **sales.SHOWN)
        case = sales.agreed_to(sales.moved(case, "sign", people[sales.COUNSEL], **sales.SIGNED), people, sales.FINANCE)
        said = {"defaulted": defaulted}
        late += something_happens(chance, people, histories, sorted(standing), as_of=date(2026, 10, 2), **said)
        standing &= may()  # whoever was kept out once stays out of this sale
        case = approved(sales.moved(sales.looked(case, people), "cut_off", manager), people)
        late += something_happens(chance, people, histories, sorted(standing), as_of=date(2026, 11, 2), **said)
        standing &= may()
        case = sold(case, people)
        final = tapes.newest(case.debt_sale, "final")
        assert final.row_count == len(standing)
        new = {each["account"] for each in told("final_tape")} - gone
        assert new == {f"87{number:08d}" for number in standing}
        gone |= new
        left += len(standing)
    print(f"\n{HISTORIES} histories, {left} on a tape, {late} stopped after they were offered")
    assert left >= HISTORIES // 6
    assert late >= HISTORIES // 20
