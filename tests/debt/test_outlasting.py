"""A hold that somebody entered on a placement stops its account until it is released, whatever becomes of the placement
(domain 1.2: an action is blocked while any active hold blocks it; 5A.2, 5B.3)."""

from datetime import timedelta

import pytest

from cases.debt.models import Placement
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import holds, transitions, verdicts
from cases.kernel.models import Case, Hold, Task
from cases.kernel.timing import sweeps
from tests import placements, sales
from tests.factories import AT

pytestmark = pytest.mark.django_db
NEXT = AT + timedelta(days=1)


def recalled(people, case: Case) -> Case:
    transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="They complained.")
    return placements.said(case, "placement.ceased")


def given_back(_people, case: Case) -> Case:
    return placements.said(case, "placement.returned", code="uneconomic")


def again(people, case: Case, *, at=NEXT) -> tuple[str, list[str]]:
    """Put the account in a batch again; return where it stands and what stops it."""
    number = placements.number_of(Placement.objects.select_related("account").get(pk=case.pk))
    _, (new,) = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=at)
    return new.state, Placement.objects.get(pk=new.pk).stopped_by


@pytest.mark.parametrize("kind", ["vulnerable", "dispute", "complaint", "deceased", "fraud_victim", "insolvency"])
@pytest.mark.parametrize("end", [recalled, given_back])
def test_a_hold_goes_on_stopping_the_account_when_the_agency_has_given_it_back(people, end, kind):
    case = placements.active(people)
    holds.enter(case.pk, kind, actor=people[placements.ANALYST], at=AT, source="customer")
    case = end(people, case)
    assert case.is_closed
    assert again(people, case) == ("excluded", [f"hold_{kind}"])
    balance = case.placement.account.balance_pence
    sale = sales.looked(sales.pool_of(people, balance_from=balance, balance_to=balance), people, at=NEXT)
    line = DebtSaleAccount.objects.get(sale=sale.pk, account=case.placement.account_id)
    assert (line.state, line.stopped_by) == ("excluded", [f"hold_{kind}"])


def test_an_account_that_was_taken_out_of_a_file_for_a_hold_is_in_no_later_one(people):
    case = placements.released(people)
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
    assert Case.objects.get(pk=case.pk).state == "excluded"
    assert again(people, case) == ("excluded", ["hold_dispute"])


def test_somebody_looks_at_such_a_hold_again_and_whoever_releases_it_lets_the_account_go(people):
    case = placements.active(people)
    hold = holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    given_back(people, case)
    late = AT + timedelta(days=31)
    assert [holds.ask_for_reviews(now=late) for _ in range(2)] == [1, 0]
    assert Task.objects.get(case=case, kind="hold_review", closed_at=None).detail == {"hold": hold.pk}
    inputs = {"hold": hold.pk}
    transitions.apply(
        case.pk, "release_hold", actor=people[placements.ANALYST], at=late, reason="It was settled.", inputs=inputs
    )
    waiting = case.approvals.get(closed_at=None, act="release_hold")
    verdicts.decide(waiting.uid, "agreed", actor=people[placements.MANAGER], at=late)
    assert Hold.objects.get(pk=hold.pk).released_at == late
    assert not Task.objects.filter(case=case, kind="hold_review", closed_at=None).exists()
    assert again(people, case, at=late) == ("in_batch", [])


def test_of_a_hold_that_has_ended_by_itself_nothing_is_left(people):
    case = placements.active(people)
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer", ends_at=NEXT)
    given_back(people, case)
    assert again(people, case, at=NEXT) == ("in_batch", [])
