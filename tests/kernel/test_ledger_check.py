"""The check of the ledger, asked for on a page and done in the background."""

from unittest.mock import patch

import pytest

from cases.kernel.background import jobrun, ledgercheck
from cases.kernel.errors import NotAllowed
from cases.ledger import checkpoints, verify
from cases.ledger.models import LedgerHead, SecurityEvent
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.ledger.test_verify import settle, tampered
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


def run(people, by="b.lacombe"):
    job = ledgercheck.begin(actor=people[by], at=AT)
    while not ledgercheck.past(people[by])[0].job.is_over:
        jobrun.work(clock=lambda: AT, seconds=60)
    job.refresh_from_db()
    return ledgercheck.past(people[by])[0]


def test_every_stream_is_looked_at_and_what_is_restricted_is_not_counted(people, settings):
    settings.DEMO = True  # whose people are made by an act of the demonstration
    factories.filed(people)
    streams = LedgerHead.objects.count()
    suspicions.submitted(people)
    hidden = LedgerHead.objects.count() - streams

    found = run(people)

    assert (found.wrong, found.job.failed, found.job.total) == (0, 0, 65)
    assert hidden >= 1 and found.streams == streams + 1  # the job's own stream
    assert found.places == []


def test_what_is_not_as_written_is_named_by_its_place(people):
    case = factories.referred(people)
    settle()
    with tampered("UPDATE cases_case SET topic = 'other' WHERE id = %s", case.pk):
        found = run(people)
        page = client_of("b.lacombe").get("/office/ledger/").content.decode()
        noted = SecurityEvent.objects.filter(kind="ledger_wrong").count()

    assert found.wrong >= 1
    assert {(place.table, place.column) for place in found.places} >= {("cases_case", "topic")}
    assert noted == 1
    assert "Not as written" in page and case.reference in page


def test_what_was_recorded_late_of_a_restricted_matter_is_not_counted(people):
    first, second = run(people).late, run(people).late  # each check's own events are late here as well
    hidden = suspicions.submitted(people)
    assert {each.level for each in verify.verify_stream(hidden.uid)} == {verify.LATE_LEVEL}

    assert run(people).late - second == second - first
    assert "counted only among what is wrong" in client_of("b.lacombe").get("/office/ledger/").content.decode()


def test_one_check_runs_at_a_time_and_only_for_who_may(people):
    first = ledgercheck.begin(actor=people["b.lacombe"], at=AT)
    assert ledgercheck.begin(actor=people["j.merriweather"], at=AT).pk == first.pk
    with nothing_written(), pytest.raises(NotAllowed):
        ledgercheck.begin(actor=people["o.thackray"], at=AT)


def test_an_office_of_the_first_minutes_is_not_told_to_make_a_key_that_is_there(people):
    page = client_of("b.lacombe").get("/office/ledger/").content.decode()
    assert "The first is made some minutes after the office began." in page and "checkpoint init" not in page
    with patch.object(checkpoints, "is_late", return_value=True):
        assert "manage.py checkpoint key" in client_of("b.lacombe").get("/office/ledger/").content.decode()


def test_page_starts_a_check_and_leads_to_its_progress(people):
    client = client_of("b.lacombe")

    answer = client.post("/office/ledger/")

    job = ledgercheck.past(people["b.lacombe"])[0].job
    assert answer.url == f"/jobs/{job.uid}/"
    assert b"Check of the ledger" in client.get(answer.url).content
