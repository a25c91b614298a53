"""The page of how the office itself is: dependencies really gone are said to be gone, silence is shown."""

import re
import socket
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.cache import CacheHandler, caches
from django.core.management import call_command
from django.utils import timezone

from backoffice.embedded import fast_cache
from cases import tasks
from cases.kernel import edits
from cases.kernel.disposal import disposals
from cases.kernel.models import Case, Job, OutboxMessage
from cases.kernel.reading import status
from cases.ledger.models import SecurityEvent
from cases.ledger.verify import Finding
from cases.management.commands import verify_ledger
from cases.web.administration import status as pages
from tests import emergencies, factories
from tests.agencies.test_application import hear
from tests.api.caller import callback
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    caches["default"].delete("swept_at")
    return factories.office()


def shown():
    return client_of("a.byrne").get("/status/").content.decode()


def said_of(label, page):
    """The tag beside one dependency. Whether the broker itself runs depends on the tests before this one."""
    return re.search(rf"<dt>{label}</dt><dd><span[^>]*>([^<]*)<", page)[1]


def test_silence_is_shown_until_the_sweep_has_run(people):
    client = client_of("a.byrne")
    assert b"Silent" in client.get("/status/").content
    tasks.sweep()
    page = client.get("/status/").content.decode()
    assert "At work" in page and "Silent" not in page
    caches["default"].set("swept_at", (timezone.now() - timedelta(minutes=4)).isoformat(), None)
    assert b"Silent" in client.get("/status/").content


def test_while_a_demonstration_is_made_nothing_is_called_silent_or_late(people, settings):
    settings.DEMO = True
    factories.approved(people)
    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(hours=1))
    caches["default"].set("samples_are_being_made", True, 60)
    try:
        page = shown()
        assert "Sample data is being made" in page
        assert ">Silent<" not in page and ">Late<" not in page
    finally:
        caches["default"].delete("samples_are_being_made")
    assert ">Silent<" in shown() and ">Late<" in shown()


def test_what_is_gone_is_said_to_be_gone(people, settings):
    settings.CLAMD = ""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.getsockname()
        assert said_of("Mail server", shown()) == "Answers"
    assert said_of("Mail server", shown()) == "Does not answer"


def test_a_clock_that_is_not_the_database_s_is_said(people, monkeypatch):
    assert said_of("Clocks", shown()) == "Agree"
    monkeypatch.setattr("cases.ledger.checks.clock_difference", lambda: -1.5)
    assert said_of("Clocks", shown()) == "Differ"


@pytest.mark.parametrize("address", ["tcp:127.0.0.1:9", "tcp:127.0.0.1:none", "unix:/nowhere/clamd.sock"])
def test_a_scanner_that_is_away_is_said_to_be_away(people, settings, address):
    settings.CLAMD = address
    page = shown()
    assert said_of("Virus scanner", page) == "Does not answer"
    assert "an emergency needs none" in page


def test_a_broker_that_is_away_is_said_to_be_away(people, monkeypatch):
    gone = CacheHandler({"fast": fast_cache("unix:///nowhere/broker.socket")})
    monkeypatch.setattr(pages, "caches", {"default": caches["default"], "fast": gone["fast"]})
    assert said_of("Broker and second cache", shown()) == "Does not answer"


def test_an_old_message_makes_the_queue_late_and_a_restricted_one_is_not_counted(people):
    now = timezone.now() + timedelta(minutes=1)
    emergencies.disclosed(people)
    assert [each.label for each in status.queues(now=now) if each.count] == []
    factories.approved(people)
    OutboxMessage.objects.update(due_at=now - timedelta(hours=1))
    found = {each.label: (each.count, each.is_late) for each in status.queues(now=now)}
    assert found["Messages to agencies"] == (1, True)


def test_documents_that_nobody_scans_are_a_late_queue(people):
    case = factories.referred(people)
    edits.attach(
        case.pk,
        kind="document",
        file_name="log.txt",
        media_type="text/plain",
        data=b"Words.",
        actor=people["a.byrne"],
        at=factories.AT,
    )
    found = {each.label: (each.count, each.is_late) for each in status.queues(now=factories.AT + timedelta(minutes=6))}
    assert found["Documents to be scanned"] == (1, True)
    factories.scan()
    found = {each.label: (each.count, each.is_late) for each in status.queues(now=factories.AT + timedelta(minutes=6))}
    assert found["Documents to be scanned"] == (0, False)


def test_work_that_is_on_no_page_is_not_counted(people):
    for kind in (disposals.ERASE, disposals.ERASE_QUIETLY):
        Job.objects.create(kind=kind, asked_at=factories.AT, state="queued", total=0)
    found = {each.code: (each.count, each.oldest_at) for each in status.queues(now=factories.AT + timedelta(hours=2))}
    assert found["jobs"] == (1, factories.AT)


def test_of_what_agencies_said_only_lateness_is_told(people):
    """Whether it is about a restricted case is known once it is applied."""
    row = hear(callback())
    for minutes, is_late in ((1, False), (6, True)):
        found = {each.label: each for each in status.queues(now=row.received_at + timedelta(minutes=minutes))}
        said = found["What agencies said"]
        assert (said.count, said.oldest_at, said.is_late) == (None, None, is_late)
    assert 'What agencies said</dt><dd><span class="tag done">In time</span> <span class="muted">not counted' in (
        client_of("a.byrne").get("/status/").content.decode()
    )


def test_the_ledger_is_unchecked_until_somebody_checks(people):
    assert status.ledger_state().is_whole is None
    assert "Not checked yet" in client_of("a.byrne").get("/status/").content.decode()


@pytest.mark.parametrize(("wrong", "word"), [(0, "As written"), (2, "Not as written")])
def test_a_check_by_the_command_counts_as_one_of_the_office_does(people, wrong, word, monkeypatch):
    factories.referred(people)
    found = [Finding(uuid4(), 1, "cases_case", "state", "It is another.")] * wrong
    monkeypatch.setattr(verify_ledger, "verify_all", lambda **_: found)
    with pytest.raises(SystemExit) if wrong else nullcontext():
        call_command("verify_ledger", stdout=StringIO())
    assert status.ledger_state().is_whole is (wrong == 0)
    assert word in client_of("a.byrne").get("/status/").content.decode()
    call_command("verify_ledger", Case.objects.get().reference, stdout=StringIO())  # of one case alone says nothing
    assert SecurityEvent.objects.filter(kind="ledger_checked").count() == 1


def test_the_page_takes_as_many_queries_with_one_message_as_with_three(people, django_assert_num_queries):
    now = timezone.now()
    with django_assert_num_queries(7):
        status.queues(now=now)
    for _ in range(3):
        factories.approved(people)
    with django_assert_num_queries(7):
        status.queues(now=now)
