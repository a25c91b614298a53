"""A hold that somebody enters after a sale: its buyer collects, and has to stop as an agency of ours would (domain 1.2,
5B.8: what concerns a sold debt goes on to its buyer)."""

import pytest

from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import holds, tasks
from cases.kernel.models import Case, Party, Task
from cases.ledger import api as ledger
from cases.ledger import verify
from tests import factories, sales
from tests.debt.test_put_back import put_back

pytestmark = pytest.mark.django_db
AT = sales.LATER


def stopped(case: Case) -> list[dict]:
    rows = Task.objects.filter(case=case, kind="sold_account_stopped", closed_at=None).order_by("pk")
    return [row.detail for row in rows]


@pytest.mark.parametrize("kind", ["deceased", "vulnerable", "dispute", "complaint", "fraud_victim", "insolvency"])
def test_a_hold_for_one_person_of_a_sale_is_told_to_the_buyer_of_their_account(people, kind):
    case = sales.notices_issued(people)
    holds.enter(case.pk, kind, actor=people[sales.MANAGER], at=AT, source="customer", person=1)
    (told,) = stopped(case)
    assert told == {"line": 1, "flag": kind, "hold": kind, "began": AT.date().isoformat()}
    assert Task.objects.get(case=case, kind="sold_account_stopped").due_at.date() == AT.date()
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_of_a_hold_that_stops_no_collecting_or_that_is_quiet_no_buyer_hears(people):
    case = sales.notices_issued(people)
    for kind in ("legal", "staff_account", "data_protection", "breathing_space"):
        holds.enter(case.pk, kind, actor=people[sales.MANAGER], at=AT, source="customer", person=1)
    holds.enter(case.pk, "deceased", actor=people[sales.MANAGER], at=AT, source="customer")  # of nobody named
    assert stopped(case) == []


def test_a_hold_on_another_case_that_names_the_account_is_told_to_its_buyer(people):
    """Also of an account that no agency ever had."""
    case = sales.notices_issued(people)
    referral = factories.referred(people, account_reference=sales.newest_number().lower())
    other = factories.referred(people, account_reference="NM-9999")
    for each in (referral, other):
        holds.enter(each.pk, "deceased", actor=people["a.byrne"], at=AT, source="customer")
    assert [each["hold"] for each in stopped(case)] == ["deceased"]
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_a_hold_for_a_person_who_was_given_notice_is_told_to_the_buyer_whatever_their_case_names(people):
    case = sales.notices_issued(people)
    referral = factories.referred(people, account_reference="NM-9999")
    mine, theirs = referral.parties.get(number=1), case.parties.get(number=1)
    with ledger.action(case.uid, "test.joined", actor="tests", at=AT):
        same = Party.objects.create()
        for row in (mine, theirs):
            row.party = same
            row.save(update_fields=["party"])
    holds.enter(referral.pk, "vulnerable", actor=people["a.byrne"], at=AT, source="customer", person=1)
    assert [each["hold"] for each in stopped(case)] == ["vulnerable"]


def test_what_came_back_is_held_with_us(people):
    case = sales.notices_issued(people)
    line = DebtSaleAccount.objects.get(sale=case.pk)
    put_back(case, people, "no_documents", at=AT)
    holds.enter(case.pk, "deceased", actor=people[sales.MANAGER], at=AT, source="customer", person=1)
    assert (stopped(case), DebtSaleAccount.objects.get(pk=line.pk).state) == ([], "put_back")


def test_what_the_buyer_was_still_to_be_told_is_asked_of_nobody_once_the_account_came_back(people):
    """A payment that waits to be passed on is asked for still: whose it is, the agreement says. So is what is about
    another account of the sale."""
    case = sales.notices_issued(people)
    holds.enter(case.pk, "deceased", actor=people[sales.MANAGER], at=AT, source="customer", person=1)
    moot = ("sale_held_when_sold", "sale_moved_meanwhile", "sold_default_changed", "sold_account_stopped")
    with ledger.action(case.uid, "test.asked", actor="tests", at=AT):
        for kind in moot[:3]:
            tasks.raise_task(kind, case=case, at=AT, line=1, reason="paid")
        for kind in (*moot, "sold_account_paid"):
            about = {"paid": "2026-11-14", "amount_pence": 1, "is_told": True} if kind == "sold_account_paid" else {}
            line = 1 if about else 11
            tasks.raise_task(kind, case=case, at=AT, line=line, flag="deceased", reason="paid", **about)
    asked = Task.objects.filter(case=case, kind__in=(*moot, "sold_account_paid"), closed_at=None)
    assert asked.filter(detail__line=1).count() == 5
    put_back(case, people, "no_documents", at=AT)
    assert [each.kind for each in asked.filter(detail__line=1)] == ["sold_account_paid"]
    assert asked.filter(detail__line=11).count() == 4
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []
