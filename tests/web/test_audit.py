"""The audit page of a case: its chain in pages, checked whole on each of them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.urls import reverse

from cases.kernel import casetypes, record
from cases.kernel.reading import lookers, persons, records
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.ledger.reads import Reader, record_read
from cases.reports import chapters
from cases.reports.words import Words
from tests import factories
from tests.factories import AT
from tests.ledger.test_verify import settle, tampered
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [2, 3, 100])
def test_a_long_chain_is_shown_in_pages_and_counted_whole(people, size):
    case = factories.ready(people)
    events = LedgerEvent.objects.filter(stream=case.uid).order_by("-seq")
    numbers, before, seen = list(events.values_list("seq", flat=True)), None, []
    assert len(numbers) > 3

    while before is not None or not seen:
        page = records.audit_trail(case, at=AT, before=before, size=size)
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
        newest, older = records.audit_trail(case, at=AT, size=2), records.audit_trail(case, at=AT, before=4, size=3)

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


LOOKED = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
LAST, NEXT = datetime(2028, 11, 20, 23, 59, tzinfo=UTC), datetime(2028, 11, 21, 0, 1, tzinfo=UTC)


def looked(case, *labels):
    for label in labels:
        reader = Reader(actor=label, verb="view", purpose="casework", streams=(case.uid,))
        record_read(reader, at=LOOKED, result_count=1)


@pytest.mark.parametrize("at", [LAST, NEXT])
def test_staff_who_looked_are_named_for_two_years_and_what_is_no_person_for_good(people, at):
    case = factories.referred(people)
    name = factories.user("a.byrne").display_name
    looked(case, people["a.byrne"].label, "system:disposal", "agency:sandbox-fiu")
    rows = list(AccessEvent.objects.filter(streams__contains=[case.uid], at=LOOKED).order_by("id"))
    shown = name if at == LAST else lookers.NAMELESS
    known = lookers.names(rows, at=at)
    assert [known[row.pk] for row in rows] == [shown, "System", "Sandbox FIU"]

    trail = records.audit_trail(case, at=at)
    assert [each["who"] for each in trail["looked"] if each["event"].at == LOOKED] == ["Sandbox FIU", "System", shown]
    assert name in {each["who"] for each in trail["events"]}  # what somebody did stays theirs as long as the ledger


def test_pages_and_papers_name_no_one_who_looked_long_ago(people):
    case = factories.referred(people)
    label = people["k.mistry"].label
    looked(case, label)
    row = AccessEvent.objects.get(streams__contains=[case.uid], at=LOOKED)
    told = SimpleNamespace(looks=[row], read_at=NEXT, is_crowd=False)
    words = Words(casetype=casetypes.get(case.kind), actors={label: "A Name"})
    (entry,) = chapters.looks(told, words)
    assert "Somebody of the staff: view" in entry.lines[0] and label not in entry.lines[0]
    (entry,) = chapters.looks(SimpleNamespace(looks=[row], read_at=LAST, is_crowd=False), words)
    assert f"A Name ({label}): view" in entry.lines[0]
    person = case.parties.get(number=1)
    found = [SimpleNamespace(case=case, party=person)]
    looks = persons._looks(people["h.castellan"], found, at=NEXT)
    assert {each.who for each in looks if each.at == LOOKED} <= {"Somebody of the staff"}
