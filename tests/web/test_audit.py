"""The audit page of a case: its chain in pages, checked whole on each of them."""

import pytest
from django.urls import reverse

from cases.kernel import record
from cases.kernel.reading import records
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.ledger.test_verify import settle, tampered
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


@pytest.mark.parametrize("size", [2, 3, 100])
def test_a_long_chain_is_shown_in_pages_and_counted_whole(people, size):
    case = factories.ready(people)
    events = LedgerEvent.objects.filter(stream=case.uid).order_by("-seq")
    numbers, before, seen = list(events.values_list("seq", flat=True)), None, []
    assert len(numbers) > 3

    while before is not None or not seen:
        page = records.audit_trail(case, before=before, size=size)
        assert (page["count"], page["is_whole"], len(page["events"]) <= size) == (len(numbers), True, True)
        assert all(event["is_linked"] for event in page["events"])
        seen += [event["seq"] for event in page["events"]]
        before = page["older_than"]

    assert seen == numbers


@pytest.mark.parametrize("what", ["prev", "head", "gone"])
def test_a_broken_chain_is_seen_from_every_page(people, what):
    case = factories.ready(people)
    settle()
    sql = {
        "prev": "UPDATE cases_ledgerevent SET prev = '\\x00' WHERE stream = %s AND seq = 2",
        "head": "UPDATE cases_ledgerhead SET hash = '\\x00' WHERE stream = %s",
        "gone": "DELETE FROM cases_ledgerevent WHERE stream = %s AND seq = 2",
    }[what]
    with tampered(sql, case.uid):
        newest, older = records.audit_trail(case, size=2), records.audit_trail(case, before=4, size=3)

    assert (newest["is_whole"], older["is_whole"]) == (False, False)
    assert [event["is_linked"] for event in newest["events"]] == [True, True]
    assert {event["seq"]: event["is_linked"] for event in older["events"]} == {
        "prev": {3: True, 2: False, 1: True},
        "head": {3: True, 2: True, 1: True},
        "gone": {3: False, 1: True},
    }[what]


def test_the_audit_page_leads_to_older_events_and_back(people):
    case = factories.ready(people)
    for _ in range(100):
        with record.act(case, "tests.told", actor=people["a.byrne"], at=factories.AT):
            pass
    last = LedgerEvent.objects.filter(stream=case.uid).latest("seq").seq
    client, path = desk.client_of("a.byrne"), reverse("web:audit", args=[case.uid])

    newest = client.get(path)
    older = client.get(f"{path}?before={last - 99}")

    assert [each["seq"] for each in newest.context["events"]] == list(range(last, last - 100, -1))
    assert [each["seq"] for each in older.context["events"]] == list(range(last - 100, 0, -1))
    assert f'href="?before={last - 99}"' in newest.content.decode()
    assert f'<a class="btn small" href="{path}">' in older.content.decode()
    assert f"The chain is unbroken: {last} events" in older.content.decode()
