"""An account that anything stops never reaches a file: random histories against an oracle written apart.

The suite runs 40 of them, `make soak` all 2,000; BACKOFFICE_HISTORIES says another number.
"""

import os
import random
from datetime import date

import pytest

from cases.debt import batches
from cases.kernel import holds
from tests import factories, placements
from tests.accounts import portfolio
from tests.debt import oracle
from tests.debt.test_placement import told
from tests.factories import AT
from tests.length import times

pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("BACKOFFICE_HISTORIES", times(40, 2000)))
AT_ONCE = 100
TODAY = date(2026, 11, 14)
HARMLESS = ["legal"]


def draw(chance: random.Random) -> oracle.History:
    """Return one history; about half have nothing that stops them when they are chosen."""
    is_plain = chance.random() < 0.6
    return oracle.History(
        jurisdiction=chance.choice(["eaw", "sct", "nir"]),
        balance_pence=5000 if is_plain else chance.choice([999, 1000, 5000]),
        final_bill=date(2025, 11, 30),
        oldest_unpaid=date(2025, 9, 30) if is_plain else date(chance.choice([2019, 2020, 2021, 2022]), 11, 20),
        born=date(1970, 1, 1) if is_plain else date(chance.choice([1970, 2008]), chance.choice([11, 12]), 10),
        flags=set() if is_plain else set(chance.sample(sorted(oracle.FLAGS), chance.choice([0, 0, 1]))),
    )


def row(number: int, one: oracle.History) -> dict[str, str]:
    return portfolio.row(
        1,
        account=f"82{number:08d}",
        jurisdiction=one.jurisdiction,
        balance_pence=str(one.balance_pence),
        default_pence="",
        default_date="",
        final_bill_date=one.final_bill.isoformat(),
        oldest_unpaid_date=one.oldest_unpaid.isoformat(),
        holder_1_date_of_birth=one.born.isoformat(),
        flags="".join(f"{flag}:2026-02-10" for flag in one.flags),
        as_of="2026-03-01",
    )


@pytest.mark.timeout(9000)
def test_what_anything_stops_never_reaches_a_file():
    people, chance = factories.office(), random.Random(20261114)  # noqa: S311 -- a fixed draw
    left = wanted = stopped_late = 0
    for first in range(0, HISTORIES, AT_ONCE):
        histories = {number: draw(chance) for number in range(first, min(first + AT_ONCE, HISTORIES))}
        batch = placements.built(people, *(row(number, one) for number, one in histories.items()))
        lines = {line.account_id: line for line in batches.lines_of(batch)}
        named = {}
        for number, (_, line) in zip(histories, sorted(lines.items()), strict=True):
            one = histories[number]
            named[line.case.reference] = one
            assert (line.case.state == "in_batch") == oracle.may_leave(one, today=TODAY), (one, line.stopped_by)
            if line.case.state == "in_batch" and chance.random() < 0.5:
                kind = chance.choice([*sorted(oracle.HOLDS), *HARMLESS])
                one.holds.add(kind)
                holds.enter(line.case_id, kind, actor=people[placements.ANALYST], at=AT, source="customer")
                stopped_late += kind in oracle.HOLDS
        placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
        gone = {each["reference"] for each in told("dca_place")} & set(named)
        assert gone == {name for name, one in named.items() if oracle.may_leave(one, today=TODAY)}
        left, wanted = left + len(gone), wanted + len(named)
    print(f"\n{wanted} histories, {left} in a file, {stopped_late} stopped after they were chosen")
    assert wanted == HISTORIES
    assert left >= HISTORIES // 5
    assert stopped_late >= HISTORIES // 10
