"""The pages of a filing that stands: who is offered what, and what becomes of what they type."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.kernel.models import Case
from tests import factories
from tests.web import desk
from tests.web.desk import at

pytestmark = pytest.mark.django_db


def officer(case):
    """The rights officer, who has said why they read the case."""
    client = desk.client_of("i.sowande")
    client.post(at("purpose", case), {"purpose": "complaint"})
    return client


def test_the_rights_officer_says_why_they_look_and_records_the_dispute(people):
    case = factories.filed(people)
    client = desk.client_of("i.sowande")
    assert b"Say why" in client.get(at("case", case)).content or b"purpose" in client.get(at("case", case)).content
    client.post(at("purpose", case), {"purpose": "complaint"})
    page = client.get(at("case", case)).content.decode()
    assert "Record a dispute" in page
    assert "Person 2: victim of takeover" in page

    given = {"grounds": "innocent", "subject": "2", "received_date": "2026-11-16", "reason": "Rang us."}
    client.post(at("step", case, "dispute"), given)

    found = Case.objects.get(pk=case.pk)
    assert found.state == "disputed"
    page = client.get(at("case", case)).content.decode()
    assert "Disputed by" in page
    assert "I was deceived, coerced or impersonated" in page


def test_a_dispute_without_grounds_comes_back_with_what_was_typed(people):
    case = factories.filed(people)
    answer = officer(case).post(at("step", case, "dispute"), {"subject": "2", "reason": "Rang us on Monday."})
    assert answer.status_code == 422
    assert b"Rang us on Monday." in answer.content
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_a_removal_asks_for_the_second_factor_and_then_happens(people):
    case = factories.filed(people)
    client = desk.client_of("d.osei")
    answer = client.post(at("step", case, "remove"), {"reason_code": "error"})
    assert (answer.status_code, Case.objects.get(pk=case.pk).state) == (302, "filed")


@pytest.mark.parametrize("who", ["d.osei", "p.nair"])
@pytest.mark.parametrize("build", [factories.filed, factories.disputed, factories.removal_requested, factories.removed])
def test_the_page_of_a_filing_takes_a_bounded_number_of_statements(people, build, who):
    case = build(people)
    client = desk.client_of(who)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(at("case", case)).status_code == 200
    # Who approved the filing is told whether anybody else could decide: the approvers, and how one stands to it.
    bound = 12 if who == "p.nair" else 15
    assert len(captured.captured_queries) <= bound, [each["sql"][:90] for each in captured.captured_queries]
