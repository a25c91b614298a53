"""A customer pays us for a debt that was sold (domain 5B.5, 5B.8): the buyer hears of it, the money is passed on."""

import csv
import io
from datetime import timedelta

import pytest

from cases.debt.sale import lines, prices
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import actors, edits, outbox
from cases.kernel.exchange import agencies, batchformat
from cases.kernel.models import Agency, Case, Channel, OutboxMessage, Release, Task
from cases.ledger import verify
from cases.ledger.reads import Reader
from tests import sales
from tests.accounts import portfolio
from tests.debt.test_put_back import put_back
from tests.factories import AT
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
READER = Reader(actor="tests", verb="read", purpose="tests")
# Sold and complete on Saturday 14 November 2026; billing tells of it on Monday.
MONDAY = AT + timedelta(days=2)


def pays(case: Case, people, day: str, pence: int, *, at=MONDAY, **changes: str) -> None:
    """Let billing tell of the newest payment on the account of a sale."""
    line = DebtSaleAccount.objects.get(sale=case.pk)
    told = {
        "as_of": at.date().isoformat(),
        "last_payment_date": day,
        "last_payment_pence": str(pence),
        "balance_pence": str(line.balance_pence),
        "default_pence": str(line.balance_pence),
    }
    sales.take_in(people, portfolio.row(0, account=sales.newest_number(), **{**told, **changes}), at=at)


def asked(case: Case) -> list[Task]:
    return list(Task.objects.filter(case=case, kind="sold_account_paid").order_by("pk"))


def told() -> list[dict[str, str]]:
    """Return the one row of each file in which the buyer was told of a payment."""
    rows = []
    for message in OutboxMessage.objects.filter(kind="sold_account_paid").order_by("pk"):
        body = batchformat.read(outbox.open_body(message, reader=READER, at=AT)).body
        rows += csv.DictReader(io.StringIO(body.decode()))
    return rows


@pytest.mark.parametrize("sold", [sales.completed, sales.sold, sales.warranty_open, sales.closed])
def test_a_payment_after_the_sale_is_told_to_the_buyer_and_passed_on_in_time(people, sold):
    case = sold(people)
    pays(case, people, "2026-11-15", 2500)
    (task,) = asked(case)
    # The fifth working day after Monday 16 November 2026.
    assert task.due_at.isoformat() == "2026-11-23T23:59:59+00:00"
    assert task.detail == {"line": 1, "paid": "2026-11-15", "amount_pence": 2500, "is_told": True}
    (row,) = told()
    assert row == {
        "reference": f"{case.reference}/1",
        "paid_date": "2026-11-15",
        "amount_pence": "2500",
        "passed_on_by": "2026-11-23",
    }
    assert Release.objects.filter(case=case, message_kind="sold_account_paid").count() == 1
    # Whatever else billing tells, the same payment is told once; another one is another.
    pays(case, people, "2026-11-15", 2500, at=MONDAY + timedelta(days=1), balance_pence="0")
    assert (len(asked(case)), len(told())) == (1, 1)
    pays(case, people, "2026-11-18", 2500, at=MONDAY + timedelta(days=3), balance_pence="0")
    assert (len(asked(case)), len(told())) == (2, 2)
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def less(case: Case) -> list[tuple[int, int]]:
    """Return each task that less was owed than was sold: by how much, and how much of the price."""
    rows = Task.objects.filter(case=case, kind="sold_account_less").order_by("pk")
    return [(each.detail["less_pence"], each.detail["price_pence"]) for each in rows]


def test_what_was_paid_before_the_completion_is_not_the_buyers(people):
    """Where it was off the balance that was sold, nobody has to be told."""
    case = sales.completed(people)
    pays(case, people, "2026-11-13", 2500)
    assert (asked(case), told(), less(case)) == ([], [], [])


def test_what_was_paid_before_the_completion_and_told_after_it_is_less_than_was_sold(people):
    case = sales.completed(people)
    line = DebtSaleAccount.objects.select_related("sale").get(sale=case.pk)
    pays(case, people, "2026-11-13", 2500, balance_pence=str(line.balance_pence - 2500))
    assert (asked(case), told()) == ([], [])
    assert less(case) == [(2500, prices.price_of(2500, line.sale.price_rate))]
    (task,) = Task.objects.filter(case=case, kind="sold_account_less")
    assert task.due_at.isoformat() == "2026-11-16T23:59:59+00:00"
    # The same sum is asked for once; what billing writes off since the debt is not ours says nothing.
    for day, balance in enumerate((line.balance_pence - 2500, 0), start=1):
        pays(case, people, "2026-11-13", 2500, at=MONDAY + timedelta(days=day), balance_pence=str(balance))
    assert len(less(case)) == 1
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def stopped(case: Case) -> list[tuple[str, str, str]]:
    """Return each thing that stops collecting of which somebody has to tell the buyer: what, since when, by when."""
    rows = Task.objects.filter(case=case, kind="sold_account_stopped").order_by("pk")
    return [(each.detail["flag"], each.detail["began"], each.due_at.date().isoformat()) for each in rows]


@pytest.mark.parametrize("sold", [sales.completed, sales.sold, sales.warranty_open, sales.closed])
def test_what_stops_collecting_is_told_to_the_buyer_the_same_day_each_thing_once(people, sold):
    case = sold(people)
    pays(case, people, "2026-11-13", 2500, flags="deceased:2026-11-15;promise:2026-11-15")
    assert stopped(case) == [("deceased", "2026-11-15", "2026-11-16")]
    both = "deceased:2026-11-15;vulnerable:2026-11-17"
    for day in (1, 2):
        pays(case, people, "2026-11-13", 2500, at=MONDAY + timedelta(days=day), flags=both)
    assert [flag for flag, *_ in stopped(case)] == ["deceased", "vulnerable"]
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_of_an_account_that_came_back_and_of_one_in_the_pool_no_buyer_hears_what_stops_it(people):
    for case in (sales.approved(people), sales.warranty_open(people)):
        if case.state == "warranty_open":
            put_back(case, people, "no_documents")
        pays(case, people, "2026-11-13", 2500, flags="deceased:2026-11-15")
        assert stopped(case) == []


@pytest.mark.parametrize("sold", [sales.completed, sales.warranty_open])
def test_what_was_paid_in_full_before_the_completion_and_told_after_it_is_less_than_was_sold(people, sold):
    case = sold(people)
    owed = DebtSaleAccount.objects.get(sale=case.pk).balance_pence
    for day in (0, 1):  # told twice, asked for once
        pays(case, people, "2026-11-13", owed, at=MONDAY + timedelta(days=day), balance_pence="0")
    assert (asked(case), told(), [each for each, _ in less(case)]) == ([], [], [owed])


def test_a_payment_of_before_the_completion_that_we_knew_of_then_is_no_news_when_billing_writes_the_debt_off(people):
    case = sales.ready(people)
    pays(case, people, "2026-11-12", 2500, at=AT)
    case = sales.moved(case, "complete", people[sales.FINANCE], at=sales.LATER, **sales.paid(case))
    pays(case, people, "2026-11-12", 2500, balance_pence="0")
    assert (asked(case), less(case)) == ([], [])


@pytest.mark.parametrize("sold", [sales.warranty_open, sales.closed])
def test_a_credit_after_the_sale_is_told_beside_what_was_paid_since(people, sold):
    case = sold(people)
    owed = DebtSaleAccount.objects.get(sale=case.pk).balance_pence
    pays(case, people, "2026-11-15", 2500, balance_pence=str(owed - 2500))
    assert (len(asked(case)), less(case)) == (1, [])
    pays(case, people, "2026-11-15", 2500, at=MONDAY + timedelta(days=1), balance_pence=str(owed - 6000))
    assert (len(asked(case)), [each for each, _ in less(case)]) == (1, [3500])
    pays(case, people, "2026-11-15", 2500, at=MONDAY + timedelta(days=2), balance_pence="-100")
    assert [each for each, _ in less(case)] == [3500, owed - 2500]


def test_of_what_came_back_or_is_not_sold_yet_nobody_is_told(people):
    case = sales.approved(people)
    pays(case, people, "2026-11-13", 2500, balance_pence="2500")
    assert less(case) == []


def test_what_came_back_is_paid_to_us(people):
    case = sales.completed(people)
    put_back(case, people, "duplicate")
    pays(case, people, "2026-11-15", 2500)
    assert (asked(case), told()) == ([], [])


def credited(case: Case, people, *pence: int) -> DebtSaleAccount:
    """Let billing tell of credits that were missed, each in all; return the line."""
    line = DebtSaleAccount.objects.get(sale=case.pk)
    for day, less_pence in enumerate(pence):
        at = MONDAY + timedelta(days=day)
        pays(case, people, "", 0, at=at, last_payment_pence="", balance_pence=str(line.balance_pence - less_pence))
    return line


def test_a_price_is_not_refunded_in_part_and_then_in_whole(people):
    """Nothing of it was paid back yet: all of it is, once, and nobody is asked for the part any more."""
    case = sales.warranty_open(people)
    price = credited(case, people, 1800).price_pence
    assert less(case) == [(1800, 171)]
    line = put_back(case, people, "wrong_balance", at=MONDAY)
    assert line.refund_pence == price
    assert not Task.objects.filter(case=case, kind="sold_account_less", closed_at=None).exists()


def test_what_of_a_price_was_paid_back_is_not_refunded_again(people):
    """S-1's figures: 18.00 and then 25.00 less in all were 1.71 and then 2.38 of the price; the second is still to do,
    and again once both were paid."""
    for done, left in ((1, 171), (2, 238)):
        case = sales.warranty_open(people)
        line = credited(case, people, 1800, 2500)
        assert less(case) == [(1800, 171), (2500, 238)]
        for task in Task.objects.filter(case=case, kind="sold_account_less").order_by("pk")[:done]:
            edits.close_task(case.pk, task.pk, actor=people[sales.FINANCE], at=MONDAY, reason="Paid back.")
        later = MONDAY + timedelta(days=2)
        lines.claim(case, 1, "wrong_balance", actor=actors.agency(Agency.objects.get(code=sales.BUYER)), at=later)
        lines.propose(case, 1, actor=people[sales.MANAGER], at=later)
        refund = line.price_pence - left
        page = client_of(sales.FINANCE).get(f"/debt/sales/{case.uid}/accounts/1/").text
        assert f"Agree: refund £{refund / 100:,.2f}" in page
        lines.agree(case, 1, actor=people[sales.FINANCE], at=later)
        line.refresh_from_db()
        assert line.refund_pence == refund
        assert f"Ours again, for £{refund / 100:,.2f}" in lines.chain(line)[-1][1]


def test_a_payment_that_waits_to_be_passed_on_is_ours_once_the_account_came_back(people):
    """Who has the whole price again is not given the customer's payment as well without a look at the agreement."""
    case = sales.completed(people)
    pays(case, people, "2026-11-15", 2500)
    client, words = client_of(sales.FINANCE), "keep it, unless the agreement says otherwise"
    assert words not in client.get(f"/cases/{case.uid}/").text
    put_back(case, people, "wrong_balance", at=MONDAY + timedelta(days=1))
    (task,) = asked(case)
    assert (task.closed_at, task.detail["came_back"]) == (None, True)
    assert words in client.get(f"/cases/{case.uid}/").text
    pays(case, people, "2026-11-15", 2500, at=MONDAY + timedelta(days=2))
    assert asked(case) == [task]
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_where_the_buyer_cannot_be_told_the_task_says_so(people):
    case = sales.completed(people)
    channel = Channel.objects.get(agency__code=sales.BUYER, direction="out")
    agencies.change_channel(channel, "agency.channel_off", actor=actors.system("tests"), at=AT, state="disabled")
    pays(case, people, "2026-11-15", 2500)
    (task,) = asked(case)
    assert task.detail["is_told"] is False
    assert told() == []
