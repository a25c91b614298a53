"""Whoever may download documents of a case reads the letters that went out, as they were written; that is on record."""

from datetime import timedelta

import pytest
from django.urls import reverse

from cases.kernel.models import Letter
from cases.ledger.models import AccessEvent
from cases.reports import letters
from tests import factories
from tests.reports import reading
from tests.web import desk

pytestmark = pytest.mark.django_db
NOW = factories.FILED_AT + timedelta(minutes=5)


@pytest.fixture
def case(db):
    return factories.filed(factories.office())


def address(letter):
    return reverse("web:sent_letter", args=[letter.case.uid, letter.uid])


def test_the_page_lists_a_letter_and_opens_it_as_it_was_written_on_record(case):
    assert letters.make_due_letters(now=NOW) == 1
    letter = Letter.objects.get(case=case)
    browser = desk.client_of("a.byrne")
    page = browser.get(reverse("web:messages", args=[case.uid])).content.decode()
    assert address(letter) in page and "Written, waits for the post" in page
    answer = browser.get(address(letter))
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment") and f"{case.reference}-n11-" in str(answer.headers)
    assert "Morwenna Tregaskis" in reading.text_of(answer.content)
    row = AccessEvent.objects.latest("pk")
    assert (row.actor.startswith("staff:"), row.verb, row.purpose) == (True, "download", "casework")
    assert case.uid in row.streams


def test_one_that_is_not_written_yet_or_of_another_case_is_not_opened(case):
    letter = Letter.objects.get(case=case)
    browser = desk.client_of("a.byrne")
    answer = browser.get(address(letter))
    assert answer.status_code == 409 and "It is not written yet." in answer.content.decode()
    other = factories.referred(factories.office())
    assert browser.get(reverse("web:sent_letter", args=[other.uid, letter.uid])).status_code == 404


def test_who_reads_the_case_but_may_not_download_sees_no_way_and_has_none(case):
    letters.make_due_letters(now=NOW)
    letter = Letter.objects.get(case=case)
    before = AccessEvent.objects.filter(verb="download").count()
    browser = desk.client_of("j.merriweather")
    browser.post(reverse("web:purpose", args=[case.uid]), {"purpose": "audit_sample"})
    assert address(letter) not in browser.get(reverse("web:messages", args=[case.uid])).content.decode()
    assert browser.get(address(letter)).status_code == 403
    assert AccessEvent.objects.filter(verb="download").count() == before
