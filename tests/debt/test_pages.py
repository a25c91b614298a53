"""The pages of batches and the case page of a moratorium: as many statements with three rows as with one."""

import pytest
from django.urls import reverse

from tests import factories, moratoria, placements
from tests.accounts import portfolio
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_batches(count):
    people = factories.office()
    for number in range(count):
        placements.built(people, portfolio.row(number))
    found = statements(client_of("c.adebayo"), "/debt/batches/")
    assert len(found) == 5, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_one_batch(count):
    people = factories.office()
    batch = placements.built(people, *(portfolio.row(number) for number in range(count)))
    found = statements(client_of("c.adebayo"), f"/debt/batches/{batch.uid}/")
    assert len(found) == 5, shortly(found)


# Three are of three people: a person has to say whose they are, and is shown them to choose.
@pytest.mark.parametrize(("count", "expected"), [(1, 11), (3, 12)])
def test_the_page_of_a_moratorium(count, expected):
    people = factories.office()
    rows = [moratoria.account(people) for _ in range(count)]
    case = moratoria.matched(moratoria.opened(*rows, person=moratoria.debtor(rows[0])))
    found = statements(client_of("r.penhale"), reverse("web:case", args=[case.uid]))
    assert len(found) == expected, shortly(found)
