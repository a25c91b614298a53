"""The record of processing as a paper: tagged, archival, and saying what the page says."""

import pytest
from django.urls import reverse

from cases.kernel import processing
from cases.reports import processing as record_paper
from tests import factories
from tests.reports import reading
from tests.web import desk


@pytest.fixture
def office(db):
    return factories.office()


@pytest.fixture
def lines(office):
    return processing.record(day=factories.AT.date())


def test_paper_names_both_standards_and_holds_every_line(lines, tmp_path):
    data = record_paper.printed(lines, at=factories.AT).data

    with reading.opened(data) as file:
        metadata = file.Root.Metadata.read_bytes().decode()
        assert file.Root.MarkInfo.Marked and file.Root.Lang == "en-GB"
    assert 'pdfaid:part="3"' in metadata and "<pdfuaid:part>1</pdfuaid:part>" in metadata
    reading.check_with_qpdf(data, tmp_path)
    said = reading.squeezed(reading.text_of(data))
    for row in processing.rows(lines):
        for value in row:
            assert reading.squeezed(value) in said


def test_same_record_at_the_same_moment_is_the_same_paper(lines):
    assert record_paper.paper(lines, at=factories.AT) == record_paper.paper(lines, at=factories.AT)


def test_page_hands_out_the_paper(office):
    answer = desk.client_of("j.merriweather").get(reverse("web:processing_pdf"))

    assert answer["Content-Type"] == "application/pdf" and answer.content[:5] == b"%PDF-"
