"""The record of processing as a paper: tagged, archival, and saying what the page says."""

from itertools import product

import pytest
from django.urls import reverse

from cases.kernel import notice
from cases.kernel.outputs import processing
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


def test_record_names_every_ground_that_the_notice_gives_for_the_same(lines):
    """R53: our legitimate interests and laws that apply to us; R98: somebody's life and our interest in helping."""
    grounds = {line.activity: line.ground for line in lines}
    labels = {code: gateway.label for code, gateway in notice.GATEWAYS.items()}
    for activity, codes in (
        ("Check people", ("gdpr_6_1_f", "gdpr_6_1_c")),
        ("Emergency word", ("gdpr_6_1_d", "gdpr_6_1_f")),
        ("Report accounts", ("gdpr_6_1_f",)),
    ):
        assert [each.partition(" (")[0] for each in grounds[activity].split("; ")] == [labels[code] for code in codes]


def test_what_nothing_of_a_case_is_used_for_is_in_the_record_and_nothing_may_leave_for_it(lines):
    """R32: no case effect."""
    (line,) = [each for each in lines if each.subjects == processing.NOBODY]
    assert (line.purpose, line.sentences) == (notice.UNUSED["run_network"].label, "R32, R37")
    assert {line.categories, line.recipients, line.transfers} == {"None"}
    for category, recipient in product(notice.CATEGORIES, notice.RECIPIENTS):
        for purpose in notice.UNUSED:
            assert notice.permitting(purpose=purpose, category=category, recipient_kind=recipient) is None
    assert not {sentence for clause in notice.CLAUSES.values() for sentence in clause.sentences} & {"R32", "R37"}


def test_same_record_at_the_same_moment_is_the_same_paper(lines):
    assert record_paper.paper(lines, at=factories.AT) == record_paper.paper(lines, at=factories.AT)


def test_page_hands_out_the_paper(office):
    answer = desk.client_of("j.merriweather").get(reverse("web:processing_pdf"))

    assert answer["Content-Type"] == "application/pdf" and answer.content[:5] == b"%PDF-"
