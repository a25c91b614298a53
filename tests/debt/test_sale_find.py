"""Who has a debtor on the telephone finds their account among a hundred thousand, whatever page it would stand on."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.ledger.models import LedgerEvent
from tests import factories, sales
from tests.accounts import portfolio
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
NOT_HERE = "No account of this sale is called so."


def pool_of(people, first: int, count: int):
    """Return a sale of so many accounts, the last of which is disputed."""
    rows = [portfolio.row(0, account=f"86{first + n:08d}", balance_pence=str(first + n)) for n in range(count)]
    rows[-1]["flags"] = "dispute:2026-01-01"
    sales.take_in(people, *rows)
    case = sales.pool_of(people, balance_from=first, balance_to=first + count - 1)
    return sales.looked(case, people)


def found(case, text: str, *, name: str = sales.MANAGER):
    return client_of(name).post(f"/debt/sales/{case.uid}/find/", {"account": text}, follow=True)


def test_an_account_is_found_by_its_number_and_its_page_says_how_it_stands():
    people = factories.office()
    case = pool_of(people, 700_000, 30)
    last = case.debt_sale.lines.order_by("-number").first()
    page = client_of(sales.MANAGER).get(f"/debt/sales/{case.uid}/accounts/").text
    assert "Find an account" in page and "8600700029" not in page
    for text in (
        "8600700029",
        " 86-00 700 029 ",
        str(last.uid),
        last.uid.hex,
        last.reference,
        f"{case.reference.lower()} / 30",
    ):
        answer = found(case, text)
        assert answer.redirect_chain == [(f"/debt/sales/{case.uid}/accounts/{last.number}/", 302)]
        shown = answer.text
        assert "8600700029" in shown and "£7,000.29" in shown
        assert "Excluded" in shown and "The bill is in dispute." in shown


def test_what_is_not_there_is_said_and_what_stands_in_another_sale_is_named():
    people = factories.office()
    case, other = pool_of(people, 710_000, 2), pool_of(people, 720_000, 2)
    events = LedgerEvent.objects.count()
    absent = (
        f"{case.reference}/3",
        f"{case.reference}/x",
        f"{case.reference}/",
        "SAL-1999-000001/1",
        "/",
        "/1",
        "1/" + "9" * 40,
    )
    for text in ("8699999999", "no number", str(uuid4()), "'; --", *absent):
        answer = found(case, text)
        assert (answer.status_code, NOT_HERE in answer.text, "It stands in" in answer.text) == (422, True, False)
    for text in ("8600720000", f"{other.reference}/1"):
        assert f"{NOT_HERE} It stands in {other.reference}, line 1." in found(case, text).text
    assert "Type the number of an account." in found(case, "  ").text
    assert LedgerEvent.objects.count() == events


def test_who_may_not_see_the_sale_finds_nothing_and_learns_not_that_there_is_one():
    people = factories.office()
    case = pool_of(people, 730_000, 2)
    stranger = client_of("a.byrne")
    with nothing_written():
        assert stranger.post(f"/debt/sales/{case.uid}/find/", {"account": "8600730000"}).status_code == 404
    assert client_of(sales.MANAGER).get(f"/debt/sales/{case.uid}/find/").status_code == 405


def test_finding_one_takes_as_many_statements_in_a_sale_of_many():
    people = factories.office()
    few, many = pool_of(people, 740_000, 2), pool_of(people, 750_000, 60)
    client = client_of(sales.MANAGER)

    def asked(case, text: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.post(f"/debt/sales/{case.uid}/find/", {"account": text}).status_code == 302
        return len(captured)

    assert asked(few, "8600740000") == asked(many, "8600750007")
