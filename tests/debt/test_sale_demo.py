"""The demonstration's sales of debts: one is complete, the other out for bids; what is stopped stays out of both."""

from datetime import date

import pytest

from cases.debt.sale import demo
from cases.debt.sale.models import DebtSaleAccount, SaleNotice
from cases.kernel.models import BatchFile, Case
from cases.ledger.verify import verify_stream
from tests import factories, sales
from tests.factories import AT

pytestmark = pytest.mark.django_db


def test_one_sale_is_complete_and_one_is_out_for_bids(monkeypatch):
    monkeypatch.setattr(demo, "BUYER", sales.BUYER)
    people = factories.office()
    sales.enter()
    cast = demo.Cast(
        billing=people[sales.ANALYST],
        manager=people[sales.MANAGER],
        finance=people[sales.FINANCE],
        protection=people[sales.PROTECTION],
        counsel=people[sales.COUNSEL],
    )
    assert demo.tell(cast, now=AT) == 2
    offered, sold = Case.objects.filter(kind="debt_sale").order_by("pk")
    assert (offered.state, sold.state) == ("bidding", "notices_issued")
    assert (offered.debt_sale.bids.count(), sold.debt_sale.bids.count()) == (1, 1)
    stands = DebtSaleAccount.objects.order_by("pk").values_list("state", "stopped_by", "price_pence")
    assert list(stands.filter(sale=offered.pk)) == [
        ("in_pool", [], None),
        ("in_pool", [], None),
        ("excluded", ["dispute"], None),
    ]
    assert list(stands.filter(sale=sold.pk)) == [
        ("sold", [], 6080),
        ("excluded", ["deceased"], None),
        ("sold", [], 1710),
        ("sold", [], 941),
    ]
    assert sold.debt_sale.funds_pence == 8731
    assert set(SaleNotice.objects.values_list("letter__template", "assigned_date")) == {
        (f"sale_n7_{place}", date(2026, 11, 13)) for place in ("eaw", "sct", "nir")
    }
    kinds = BatchFile.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["bid_tape", "bid_tape", "final_tape", "assignment"]
    assert {each.level for each in verify_stream(sold.uid)} <= {"recorded late"}
