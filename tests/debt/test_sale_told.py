"""What a buyer may say of a sale, and what each credit agency is told of it (domain 5B.7: same default date, one
default, put-back reverses it)."""


import pytest

from cases.debt.sale import callbacks, lines
from cases.debt.sale.models import SaleClaim
from cases.kernel.casetypes import Content
from cases.ledger.reads import Reader
from tests import factories, sales
from tests.kernel.snapshots import nothing_written
from tests.sales import LATER

pytestmark = pytest.mark.django_db
READER = Reader(actor="tests", verb="read", purpose="tests")


@pytest.fixture
def people():
    return factories.office()


def said(agency: str, **data: object) -> Content:
    return Content(
        type="sale.claimed",
        agency_code=agency,
        agency_kind="purchaser",
        agency_reference="",
        agency_sequence=None,
        occurred_at=LATER,
        data=data,
        message=None,
        callback_uid=None,
    )


def test_only_the_firm_that_bought_claims_an_account(people):
    case = sales.warranty_open(people)
    claim = callbacks.CALLBACKS["sale.claimed"]
    with nothing_written(), pytest.raises(lines.LineRefused, match="did not buy"):
        claim(case, said("loser-purchase", line=1, reason="title"), actor=sales.enter(), at=LATER)
    assert not SaleClaim.objects.exists()
    claim(case, said(sales.BUYER, line=1, reason="title"), actor=sales.enter(), at=LATER)
    assert SaleClaim.objects.get().reason == "title"
