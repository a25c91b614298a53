"""The sandbox buyer of debts: tapes and deed go to its SFTP server, it says what it has received, and puts back."""

from itertools import count

import pytest

from cases.agencies import application, delivery, fetching
from cases.debt.sale.models import DebtSaleAccount, SaleClaim
from cases.kernel.models import BatchFile, Case, Task
from cases.ledger.models import LedgerEvent
from tests import factories, sales
from tests.agencies import stage
from tests.agencies.stage import now

pytestmark = pytest.mark.django_db(transaction=True)
CODE = "sandbox-debt-purchase"


@pytest.fixture
def sold(sandbox, monkeypatch):
    """A sale to the sandbox buyer that is complete, of one account that ends with 99; its lines do not say so yet."""
    monkeypatch.setattr(sales, "BUYER", CODE)
    monkeypatch.setattr(sales, "_numbers", count(99))
    people = factories.office()
    sales.enter()
    return sales.sold(people)


def answered(sandbox, files: int) -> fetching.Fetched:
    """Deliver what is due, wait until the buyer has written so many files, fetch and apply them."""
    delivery.deliver_due(clock=now)
    out = sandbox.folder / "files" / CODE / "out"
    stage.wait_for(lambda: len(list(out.glob("*.pgp"))) == files)
    run = fetching.fetch_due(clock=now)
    application.apply_pending(now=now())
    return run


def test_the_buyer_says_what_it_has_and_puts_back_what_it_has_twice(sandbox, sold):
    line = DebtSaleAccount.objects.get(sale=sold.pk)
    assert line.state == "in_pool"
    run = answered(sandbox, 4)
    assert (run.taken, run.refused) == (4, 0)
    fetched = BatchFile.objects.filter(direction="in").order_by("sequence_no")
    assert list(fetched.values_list("sequence_no", flat=True)) == [1, 2, 3, 4]
    assert set(fetched.values_list("kind", "answers__kind")) == {
        *(("receipt", kind) for kind in ("bid_tape", "final_tape", "assignment")),
        ("claims", None),
    }
    told = LedgerEvent.objects.filter(stream=sold.uid, action="debt_sale.received")
    price = (2 * line.balance_pence * 950 + 10_000) // 20_000
    assert sorted((each.content()["detail"]["lines"], each.content()["detail"]["amount_pence"]) for each in told) == [
        (1, 0),
        (1, price),
        (1, line.balance_pence),
    ]
    line.refresh_from_db()
    assert (line.state, line.price_pence) == ("put_back_requested", price)
    assert SaleClaim.objects.get(line=line).reason == "duplicate"
    sales.work(at=sales.LATER)
    line.refresh_from_db()
    assert (line.state, Case.objects.get(pk=sold.pk).state) == ("put_back_requested", "notices_issued")
    assert not Task.objects.filter(kind="file_refused").exists()


def test_a_receipt_of_another_amount_is_refused_whole_and_a_person_is_told(sandbox, sold):
    BatchFile.objects.filter(kind="final_tape").update(total_pence=1)  # as if another tape had been sent
    run = answered(sandbox, 4)
    assert (run.taken, run.refused) == (3, 1)
    refused = BatchFile.objects.get(direction="in", state="refused")
    assert refused.reason == "differs_from_sent"
    assert Task.objects.filter(kind="file_refused", closed_at=None).count() == 1
    assert LedgerEvent.objects.filter(stream=sold.uid, action="debt_sale.received").count() == 2
