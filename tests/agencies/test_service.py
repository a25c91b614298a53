"""How well an agency keeps the periods of its answers, month by month; nothing restricted is counted."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from cases.kernel.exchange import service
from cases.kernel.models import Agency, OutboxMessage
from tests import factories, suspicions
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 12, 20)


@pytest.fixture
def people():
    return factories.office()


def filing(people, delivered: datetime, answered: datetime | None) -> None:
    """One filing that arrived and was answered, or not. Five working days are given for an answer."""
    case = factories.approved(people)
    OutboxMessage.objects.filter(case=case, kind="fpa_file").update(
        state="acknowledged" if answered else "delivered", delivered_at=delivered, acknowledged_at=answered
    )


@pytest.fixture
def agency(people):
    at = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)  # the answer is owed until 23 November
    filing(people, at, datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    filing(people, at, datetime(2026, 11, 24, 0, 30, tzinfo=UTC))
    filing(people, at, None)
    filing(people, datetime(2026, 12, 18, 12, 0, tzinfo=UTC), None)
    filing(people, datetime(2025, 12, 1, 12, 0, tzinfo=UTC), None)
    return Agency.objects.get(code="sandbox-fraud-register")


def test_months_tell_what_came_in_time_late_or_not_at_all(agency):
    found = service.months(agency, today=TODAY)

    assert found == [
        service.Month(first=date(2026, 12, 1), waiting=1),
        service.Month(first=date(2026, 11, 1), within=1, after=1, late=1),
    ]
    assert [month.sentence for month in found] == [
        "December 2026: 1 still in time.",
        "November 2026: 1 of 3 answered in time, 1 answered late, 1 late and not answered.",
    ]
    assert service.told(found) == "1 of 3 answers came in time (33 %)."


def test_a_refusal_is_an_answer_that_came_at_once(people):
    filing(people, datetime(2026, 11, 16, 12, 0, tzinfo=UTC), None)
    OutboxMessage.objects.filter(kind="fpa_file").update(state="refused")
    found = service.months(Agency.objects.get(code="sandbox-fraud-register"), today=TODAY)
    assert found == [service.Month(first=date(2026, 11, 1), within=1)]


def test_reports_to_the_unit_are_not_counted_for_anybody(people):
    case = suspicions.submitted(people)
    OutboxMessage.objects.filter(case=case).update(state="delivered", delivered_at=factories.FILED_AT)

    unit = Agency.objects.get(code="sandbox-fiu")
    assert service.months(unit, today=TODAY) == []
    page = client_of("h.castellan").get(reverse("web:agency", args=["sandbox-fiu"]) + "?view=answers")
    assert b"Nothing is owed" in page.content


def test_page_shows_the_table_and_the_same_in_words(agency, monkeypatch):
    monkeypatch.setattr("cases.web.asking.now", lambda: datetime(2026, 12, 20, 12, 0, tzinfo=UTC))
    page = client_of("a.byrne").get(reverse("web:agency", args=[agency.code]) + "?view=answers").content.decode()

    assert "1 of 3 answers came in time (33 %)." in page
    assert "November 2026: 1 of 3 answered in time" in page
    assert '<th scope="row">November 2026</th><td class="num">3</td>' in page


@pytest.mark.parametrize("count", [1, 3])
def test_months_take_three_queries(people, count, django_assert_num_queries):
    for number in range(count):
        filing(people, datetime(2026, 10 + number % 3, 1, 12, 0, tzinfo=UTC), None)
    agency = Agency.objects.get(code="sandbox-fraud-register")

    with django_assert_num_queries(3):
        service.months(agency, today=TODAY)
