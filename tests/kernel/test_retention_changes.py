"""How long records are kept is a row with versions, changed by two people from a day on."""

from datetime import UTC, date, datetime

import pytest

from cases.kernel import retention
from cases.kernel.models import RetentionVersion
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LONGER = {
    "code": "void",
    "months": 24,
    "days": 0,
    "source": "Retention schedule 2027",
    "effective_from": date(2027, 1, 1),
}


@pytest.fixture
def people(db):
    return factories.office()


def propose(people, by="v.tranter", **changes):
    return proposals.propose("retention_class", LONGER | changes, actor=people[by], at=AT, reason="As decided.")


def decide(people, row):
    return proposals.decide(row.uid, "agreed", actor=people["j.merriweather"], at=AT, reason="Read.")


def test_shipped_classes_are_loaded_once_and_on_record(db):
    first, again = retention.load(at=AT), retention.load(at=AT)

    assert (first, again) == (len(retention.CLASSES), 0)
    assert RetentionVersion.objects.count() == first
    assert LedgerEvent.objects.filter(action="retention.loaded").count() == 1


def test_new_version_counts_for_what_comes_to_its_trigger_from_its_day(people):
    decide(people, propose(people))

    ends = [retention.dispose_after("void", trigger_date=day) for day in (date(2026, 12, 31), date(2027, 1, 1))]
    assert ends == [date(2027, 12, 31), date(2029, 1, 1)]
    row = RetentionVersion.objects.get(code="void", version=2)
    assert (row.months, row.source, row.is_shipped, row.trigger) == (24, "Retention schedule 2027", False, "voided")


def test_page_shows_version_source_and_what_is_to_come(people):
    retention.load(at=AT)
    decide(people, propose(people))
    page = client_of("v.tranter").get("/office/rules/retention/").content.decode()

    assert "2 years from 1 Jan 2027" in page and "version 1, since 1 Jan 2026" in page
    assert "/office/changes/new/retention_class/?code=void" in page


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"code": "nothing"}, "code", "There is no such class."),
        ({"effective_from": date(2026, 11, 20)}, "effective_from", "A version takes effect in the future"),
        ({"months": 0}, "months", "Then nothing would be kept"),
    ],
)
def test_change_that_cannot_be_is_refused_with_its_field(people, changes, field, sentence):
    with nothing_written(), pytest.raises(proposals.ProposalRefused) as refused:
        propose(people, **changes)

    assert sentence in refused.value.errors[field]


def test_days_that_are_over_are_those_of_each_version_of_the_schedule(people):
    first, today = date(2026, 11, 1), date(2029, 1, 2)
    assert retention.days_over("void", first=first, today=date(2027, 11, 1)) == []
    assert retention.days_over("void", first=first, today=date(2027, 11, 2)) == [(first, first)]
    decide(people, propose(people))
    assert retention.days_over("void", first=first, today=today) == [(first, date(2027, 1, 1))]
    assert retention.last_over("void", first=first, today=today) == date(2027, 1, 1)
    assert retention.last_over("void", first=date(2027, 1, 2), today=today) is None


def test_where_a_shorter_period_came_into_force_nothing_older_goes_before_its_own_time(people):
    decide(people, propose(people, months=1))
    first, today = date(2026, 12, 1), date(2027, 3, 1)
    assert retention.days_over("void", first=first, today=today) == [(date(2027, 1, 1), date(2027, 1, 31))]
    assert retention.last_over("void", first=first, today=today) is None
    later = date(2027, 12, 20)
    assert retention.days_over("void", first=first, today=later) == [
        (first, date(2026, 12, 19)),
        (date(2027, 1, 1), date(2027, 11, 19)),
    ]
    assert retention.last_over("void", first=first, today=later) == date(2026, 12, 19)
    assert retention.days_over("void", first=first, today=date(2028, 1, 1)) == [(first, date(2027, 11, 30))]
