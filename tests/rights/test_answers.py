"""Answers of the send gate are kept for two years, found without reading them all, and then erased on record."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from cases.kernel.evidence import disposal
from cases.kernel.models import Agency, Task
from cases.kernel.personal import taskdesk
from cases.ledger.models import LedgerEvent
from cases.rights import answers, choices
from cases.rights.models import ContactAnswer
from tests import factories
from tests import requests_of_people as rights

pytestmark = pytest.mark.django_db
PHONE = {"phone": "+447700900654"}


def answered(code, at, number):
    ContactAnswer.objects.create(
        agency=Agency.objects.get(code=code),
        message_id=f"msg-{number}",
        number=1,
        asked_at=at,
        purpose="own_marketing",
        channel="sms",
        tokens=choices.tokens(PHONE),
        may_contact=True,
        reason="consent",
    )


def test_answers_are_erased_after_two_years_by_the_day_and_each_asker_s_stream_says_how_many(monkeypatch):
    factories.office()
    tv, own = rights.enter(), rights.own("own-messaging")
    asked = datetime(2026, 11, 14, 23, 30, tzinfo=UTC)
    for number, (code, at) in enumerate(
        (
            ("sandbox-tv", asked),
            ("sandbox-tv", asked + timedelta(minutes=10)),
            ("own-messaging", asked),
            ("own-messaging", asked + timedelta(hours=1)),
        )
    ):
        answered(code, at, number)
    monkeypatch.setattr(answers, "BATCH", 2)
    assert disposal.dispose_beside(now=datetime(2028, 11, 14, 23, 59, tzinfo=UTC)) == 0
    assert disposal.dispose_beside(now=datetime(2028, 11, 15, 0, 1, tzinfo=UTC)) == 3
    assert list(ContactAnswer.objects.values_list("message_id", flat=True)) == ["msg-3"]
    said = {}
    for agency in Agency.objects.filter(pk__in=[tv.agency_id, own.agency_id]):
        events = LedgerEvent.objects.filter(stream=agency.uid, action="contact_answers.erased")
        said[agency.code] = sum(event.content()["detail"]["answers"] for event in events)
    assert said == {"sandbox-tv": 2, "own-messaging": 1}
    assert disposal.dispose_beside(now=datetime(2028, 11, 15, 0, 2, tzinfo=UTC)) == 0


def test_answers_about_a_person_are_found_by_an_index():
    factories.office()
    rights.enter()
    answered("sandbox-tv", factories.AT, 1)
    found = ContactAnswer.objects.filter(tokens__overlap=choices.tokens(PHONE))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "contact_answer_tokens" in found.explain()
    assert found.count() == 1


@pytest.mark.parametrize(("fault", "goes_on"), [(ValueError("a fault"), True), (OperationalError("away"), False)])
def test_a_fault_of_one_kind_stops_no_other_and_a_database_that_is_away_stops_all(monkeypatch, fault, goes_on):
    asked = []

    def first(_now):
        raise fault

    kinds = [
        SimpleNamespace(code="first", team="rights", erase_beside=first),
        SimpleNamespace(code="second", team="rights", erase_beside=lambda now: asked.append(now) or 1),
    ]
    monkeypatch.setattr(disposal.casetypes, "all_types", lambda: kinds)
    if goes_on:
        assert disposal.dispose_beside(now=factories.AT) == 1
    else:
        with pytest.raises(OperationalError):
            disposal.dispose_beside(now=factories.AT)
    assert asked == ([factories.AT] if goes_on else [])
    assert not Task.objects.exists()  # no team is there to be asked


def test_what_could_not_be_erased_is_one_task_of_its_team_until_erasing_goes_well(monkeypatch):
    people = factories.office()
    faults = [ValueError("a fault"), ValueError("a fault"), None, ValueError("a fault")]

    def erase(_now):
        if fault := faults.pop(0):
            raise fault
        return 1

    kinds = [SimpleNamespace(code="rights_request", team="rights", erase_beside=erase)]
    monkeypatch.setattr(disposal.casetypes, "all_types", lambda: kinds)
    for minute, (erased, opened) in enumerate(((0, 1), (0, 1), (1, 0), (0, 1))):
        assert disposal.dispose_beside(now=factories.AT + timedelta(minutes=minute)) == erased
        assert Task.objects.filter(kind="not_erased", closed_at=None).count() == opened
    rows = Task.objects.filter(kind="not_erased").order_by("pk")
    assert [(row.case_id, row.team.code, row.detail, row.outcome) for row in rows] == [
        (None, "rights", {"of": "rights_request"}, "done"),
        (None, "rights", {"of": "rights_request"}, ""),
    ]
    assert taskdesk.open_to(people[rights.OFFICER]).filter(pk=rows[1].pk).exists()
    told = LedgerEvent.objects.filter(stream=rows[0].team.uid, action__startswith="disposal.").order_by("seq")
    assert list(told.values_list("action", flat=True)) == ["disposal.failed", "disposal.goes_on", "disposal.failed"]
