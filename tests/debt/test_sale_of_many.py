"""A sale has as many people as its accounts have holders: its pages list none of thousands, and stay as quick."""

from datetime import UTC, date, datetime

import pytest

from cases.kernel import endings, parties, record
from cases.kernel.actors import system
from cases.kernel.models import Case, CaseParty
from cases.kernel.reading import queries
from cases.kernel.timing import sweeps
from cases.ledger import verify
from tests import factories, sales
from tests.web.desk import client_of
from tests.web.test_queries import statements

pytestmark = pytest.mark.django_db


def with_people(case: Case, count: int) -> Case:
    """Enter so many people more in a sale, as its notices do."""
    person = {
        "role": "debtor",
        "is_innocent": False,
        "source": "billing",
        "values": {"forename": "Ada", "surname": "Example", "date_of_birth": "1970-01-01"},
        "addresses": [{"kind": "current", "line_1": "1 Example Row", "town": "Swansea", "postcode": "SA1 0ZZ"}],
    }
    with record.act(case, "tests.people", actor=system("tests"), at=sales.LATER):
        first = case.parties.count() + 1
        parties.add(case, [person] * count, first_number=first, retention_class="debt_sale", at=sales.LATER)
    return case


def test_the_page_of_a_sale_of_many_reads_and_lists_nobody():
    people = factories.office()
    case = sales.notices_issued(people)
    client, address = client_of(sales.MANAGER), f"/cases/{case.uid}/"
    few = statements(client, address)
    page = client.get(address).text
    assert "1. Holder of a sold account" in page and "too many to be listed" not in page
    count = case.parties.count() + queries.MOST_PEOPLE
    with_people(case, queries.MOST_PEOPLE)
    file = queries.case_file(people[sales.MANAGER], case.uid)
    assert (file.people_count, file.subjects, len(file.case.parties.all())) == (count, (), queries.MOST_PEOPLE)
    many = statements(client, address)
    page = client.get(address).text
    assert f"{count} people are in this case: too many to be listed here." in page
    assert ("Holder of a sold account" in page, len(many)) == (False, len(few))


def test_a_sale_of_many_is_closed_with_everybody_in_it():
    people = factories.office()
    case = sales.warranty_open(people)
    first = case.parties.count()
    with_people(Case.objects.get(pk=case.pk), endings.AT_ONCE + endings.FEW + 1)
    sweeps.end_due_clocks(now=datetime(2027, 6, 9, 9, 0, tzinfo=UTC))
    case.refresh_from_db()
    assert (case.state, case.closed_date) == ("closed", date(2027, 6, 9))
    kept = case.parties.values_list("closed_date", "retention_class", "dispose_after_date").distinct()
    assert list(kept) == [(date(2027, 6, 9), "debt_sale", case.dispose_after_date)]
    closed = CaseParty.history.filter(case_id=case.pk, closed_date=date(2027, 6, 9))
    assert closed.count() == case.parties.count() == first + endings.AT_ONCE + endings.FEW + 1
    wrong = [each for each in verify.verify_stream(case.uid) if each.level == "wrong"]
    assert [each for each in wrong if each.column != "at"] == []  # the act is of a day to come
