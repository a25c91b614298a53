"""A moratorium of whoever owes on accounts of which some were sold: the buyer is told of what a notice names, the
register of what is ours and of nothing else (SI 2020/1311 regs 12, 14 and 15; domain 5A.6: if a debt was sold, forward
to the purchaser and tell the adviser)."""

from datetime import date

import pytest

from cases.debt.moratorium import searching
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel.models import Case, OutboxMessage, Task
from tests import moratoria, placements, sales
from tests.accounts import portfolio
from tests.debt.test_moratorium import answers, told

pytestmark = pytest.mark.django_db
AT = sales.LATER
OWN = "8700009999"


def both(people):
    """Return the rows of an account that was sold and of one of the same person that is ours."""
    sales.notices_issued(people)
    sold = portfolio.row(0, account=sales.newest_number())
    own = portfolio.row(0, account=OWN, balance_pence="4120", default_pence="4120")
    placements.accounts(people, own)
    moratoria.enter()
    return sold, own


def opened(*rows) -> Case:
    start = date(2026, 11, 14)
    return moratoria.matched(moratoria.opened(*rows, person=moratoria.debtor(rows[0]), at=AT, start_date=start), at=AT)


def standing(case: Case) -> dict[str, str]:
    return {debt.origin: debt.standing for debt in searching.debts_of(case)}


def test_a_debt_that_is_added_and_was_sold_goes_on_to_its_buyer_and_is_not_said_to_be_protected(people):
    sold, own = both(people)
    case = opened(own)
    assert standing(case) == {"notice": "protected", "search": "candidate"}
    moratoria.said(case, "moratorium.debt_added", at=AT, account_reference=sold["account"], effective_date="2026-11-16")
    debt = searching.debts_of(case).get(account=DebtSaleAccount.objects.get().account)
    assert (debt.standing, debt.effective_date) == ("sold", None)
    assert [row["account"] for row in told("moratorium_forward")] == [sold["account"]]
    last = answers()[-1]
    assert (last["outcome"], [each["account"] for each in last["debts"]], last["further"]) == ("sold", [OWN], [])


def test_of_another_debt_that_was_sold_a_person_tells_the_adviser_and_nobody_tells_the_buyer(people):
    _, own = both(people)
    case = opened(own)
    (answer,) = answers()
    assert (answer["outcome"], answer["further"]) == ("found", [])
    asked = Task.objects.get(case=case, kind="moratorium_by_hand", closed_at=None)
    assert asked.detail == {"sold_debt": 2}
    assert not OutboxMessage.objects.filter(kind="moratorium_forward").exists()


def test_where_the_named_debt_was_sold_the_others_of_the_debtor_are_told_and_can_be_added(people):
    sold, _ = both(people)
    case = opened(sold)
    assert (case.state, standing(case)) == ("applied", {"notice": "sold", "search": "told"})
    assert [row["account"] for row in told("moratorium_forward")] == [sold["account"]]
    (answer,) = answers()
    assert (answer["outcome"], answer["debts"]) == ("sold", [])
    assert answer["further"] == [{"account": OWN, "amount_pence": 4120}]
    moratoria.said(case, "moratorium.debt_added", at=AT, account_reference=OWN, effective_date="2026-11-16")
    assert standing(case) == {"notice": "sold", "search": "protected"}
    assert [each["account"] for each in answers()[-1]["debts"]] == [OWN]
