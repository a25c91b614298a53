"""Counts of disclosure requests for the public: nobody is named, and small counts are not shown."""

import io
from collections import Counter
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from cases.disclosure import statistics
from cases.disclosure.statistics import Cell
from tests import disclosures, factories

DAYS = (date(2026, 11, 1), date(2026, 11, 30))


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (1, "fewer than 10"), (9, "fewer than 10"), (10, "10"), (412, "412")]
)
def test_a_small_count_is_not_shown(number, text):
    assert statistics.shown(number) == text


def test_lines_are_in_words_and_have_no_sum():
    cells = Counter({Cell("police", "cd_authorised", "given"): 40, Cell("council", "cd_authorised", "refused"): 3})
    assert list(statistics.table(cells)) == [
        ("Kind of authority", "Kind of request", "Outcome", "Requests"),
        ("Local authority", "Authorised communications data", "Refused", "fewer than 10"),
        ("Police force", "Authorised communications data", "Something was given", "40"),
    ]


@pytest.mark.django_db
def test_requests_of_the_days_are_counted_by_what_became_of_them_and_interception_never():
    people = factories.office()
    for build in (disclosures.released, disclosures.refused, disclosures.cancelled, disclosures.received):
        build(people)
    disclosures.bare(people)
    assert statistics.count(*DAYS) == {
        Cell("police", "cd_authorised", "given"): 1,
        Cell("police", "cd_authorised", "refused"): 1,
        Cell("police", "cd_authorised", "cancelled"): 1,
        Cell("police", "cd_authorised", "open"): 1,
    }
    assert statistics.count(date(2026, 12, 1), date(2026, 12, 31)) == {}
    out = io.StringIO()
    call_command("disclosure_statistics", "2026-11-01", "2026-11-30", stdout=out)
    assert out.getvalue().count("fewer than 10") == 4
    with pytest.raises(CommandError, match="before the first"):
        call_command("disclosure_statistics", "2026-11-30", "2026-11-01")
