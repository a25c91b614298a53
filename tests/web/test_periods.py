"""The page of periods: how many are open among the cases one may see, counted once in five minutes."""

import re

import pytest
from django.core.cache.backends.locmem import LocMemCache

from tests import factories
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def kept(monkeypatch):
    """A second cache that is there; the suite's own is away."""
    cache = LocMemCache("kept-periods", {})
    cache.clear()
    monkeypatch.setattr("cases.web.kept.caches", {"fast": cache})


def open_periods(name):
    page = desk.client_of(name).get("/office/rules/").content.decode()
    return sum(int(each) for each in re.findall(r'<td class="num">(\d+)', page))


@pytest.mark.usefixtures("kept")
def test_open_periods_are_counted_of_ones_own_cases_and_kept_for_five_minutes(people):
    factories.referred(people)
    first = open_periods("a.byrne")
    factories.referred(people)
    assert (open_periods("a.byrne"), open_periods("c.adebayo")) == (first, 0) and first > 0


def test_where_nothing_keeps_them_they_are_counted_each_time(people):
    factories.referred(people)
    first = open_periods("a.byrne")
    factories.referred(people)
    assert open_periods("a.byrne") == 2 * first > 0
