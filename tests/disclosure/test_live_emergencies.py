"""Whoever has a live emergency finds it again: it is theirs, and it stands before everything else."""

import pytest

from cases.kernel.models import Case
from cases.kernel.reading import worklist
from cases.ledger.models import LedgerEvent
from tests import emergencies, factories
from tests.disclosure.calls import CALL
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
LIVE = '<h2 id="ur-h">Live now</h2>'
TYPED = {**CALL, "call_began_at": "", "call_ended_at": ""}


@pytest.fixture
def people():
    made = factories.office()
    emergencies.enter(made)
    return made


def started(client) -> Case:
    assert client.post("/emergency/", TYPED).status_code == 302
    return Case.objects.get(kind=emergencies.KIND)


def test_whoever_starts_an_emergency_has_it_and_finds_it_on_every_way(people):
    client = client_of(emergencies.OPERATOR, is_stepped_up=True)
    case = started(client)
    assert (case.assignee.username, case.state) == (emergencies.OPERATOR, "live")
    assert LedgerEvent.objects.filter(stream=case.uid).count() == 1
    for page in ("/", "/cases/", "/emergency/"):
        shown = client.get(page).text
        assert LIVE in shown, page
        assert f'href="/emergency/{case.uid}/"' in shown, page
    assert "Nothing is due" not in client.get("/").text


def test_a_live_one_is_shown_before_what_is_longer_overdue_and_only_while_it_is_live(people):
    operator = people[emergencies.OPERATOR]
    old, live = emergencies.refused(people), emergencies.live(people)
    assert [case.pk for case in worklist.urgent(operator)] == [live.pk]
    page = client_of(emergencies.OPERATOR).get("/cases/").text
    assert page.index(LIVE) < page.index(old.reference)


def test_whoever_does_not_work_emergencies_learns_of_none_and_is_asked_nothing(people, django_assert_num_queries):
    emergencies.live(people)
    with django_assert_num_queries(0):
        assert worklist.urgent(people["a.byrne"]) == []
    assert "Live now" not in client_of("a.byrne").get("/").text
