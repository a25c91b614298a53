"""Policy documents: approved by a second person, sealed, asked for before their review; the record of processing."""

import csv
import hashlib
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from cases.kernel import notice, releases, transitions
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, OutboxMessage, PolicyDocument, Proposal, Release, Task
from cases.kernel.office import policydocs, proposals
from cases.kernel.outputs import processing
from cases.ledger import sealing
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.factories import AT
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
FILE = b"%PDF-1.7 The assessment of 2027."


def enter(code: str, *, valid_from: date, review_by: date) -> PolicyDocument:
    draft = policydocs.Draft(code=code, title="Tests", valid_from=valid_from, review_by=review_by, data=FILE)
    return policydocs.enter(draft, approved_by="staff:1", actor=system("tests"), at=AT)


def typed(**more):
    return {
        "code": "letters_lia",
        "title": "Writing to people, 2027",
        "valid_from": "2026-12-01",
        "review_by": "2027-11-30",
        "reason": "The yearly review.",
        "file": SimpleUploadedFile("lia.pdf", FILE, content_type="application/pdf"),
        **more,
    }


def propose(username: str, **more):
    client = desk.client_of(username, is_stepped_up=True)
    return client.post(reverse("web:propose", args=["policy_document"]), typed(**more))


def test_what_was_typed_beside_a_file_comes_back_after_the_second_factor(people, settings):
    settings.DEMO = True
    client, path = desk.client_of("v.tranter"), reverse("web:propose", args=["policy_document"])
    assert client.post(path, typed())["Location"] == "/step-up/"
    kept = client.post("/step-up/", {"demo": "1"}, follow=True)
    assert "choose them again there" in kept.content.decode()

    again = client.post(kept.context["draft"]["path"], dict(kept.context["draft"]["fields"]))

    assert again.status_code == 422 and list(again.context["form"].errors) == ["file"]
    assert 'value="Writing to people, 2027"' in again.content.decode()
    assert "The yearly review." in again.content.decode()
    assert not Proposal.objects.exists()


def test_a_document_is_proposed_by_one_person_and_approved_by_another(people):
    assert propose("v.tranter").status_code == 302
    row = Proposal.objects.get()
    assert PolicyDocument.objects.filter(code="letters_lia").count() == 1
    assert FILE.decode() not in str(row.payload)

    proposals.decide(row.uid, "agreed", actor=people["j.merriweather"], at=AT, reason="Read and agreed.")

    kept = PolicyDocument.objects.get(code="letters_lia", version=2)
    assert (kept.kind, kept.approved_by, kept.sha256, kept.review_by, kept.media_type) == (
        "lia",
        people["j.merriweather"].label,
        hashlib.sha256(FILE).hexdigest(),
        date(2027, 11, 30),
        "application/pdf",
    )
    assert FILE not in bytes(kept.blob.sealed)
    found = desk.client_of("a.byrne").get(reverse("web:policy_document", args=["letters_lia", 2]))
    assert (found.content, found["Content-Type"]) == (FILE, "application/pdf")
    assert AccessEvent.objects.filter(actor=people["a.byrne"].label, purpose="policy_document").exists()
    assert LedgerEvent.objects.filter(action="policy_document.entered", actor=kept.approved_by).count() == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"file": SimpleUploadedFile("a.exe", b"MZ", content_type="application/x-msdownload")}, "Choose a PDF or a"),
        ({"file": SimpleUploadedFile("a.pdf", b"no", content_type="application/pdf")}, "Choose a PDF or a plain text"),
        ({"review_by": "2026-11-30"}, "The review comes after the first day."),
        ({"valid_from": "2020-01-01", "review_by": "2021-01-01"}, "That day has passed: nothing could leave on it."),
    ],
)
def test_a_document_that_makes_no_sense_is_not_proposed_and_what_was_typed_stays(people, more, sentence):
    answer = propose("v.tranter", **more)

    assert answer.status_code == 422
    assert sentence in answer.content.decode() and "The yearly review." in answer.content.decode()
    assert (Proposal.objects.count(), PolicyDocument.objects.filter(code="letters_lia").count()) == (0, 1)


def test_a_filing_stops_when_its_assessment_is_past_its_review_and_nothing_is_written(people):
    case = factories.ready(people)
    enter("fraud_sharing_dpia", valid_from=date(2026, 1, 1), review_by=date(2026, 11, 15))
    before = LedgerEvent.objects.filter(stream=case.uid).count()

    with pytest.raises(CaseError, match="Impact assessment: fraud prevention databases” was due for review on 15 Nov"):
        transitions.apply(
            case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )

    assert Case.objects.get(pk=case.pk).state == "ready"
    assert (OutboxMessage.objects.filter(case=case).count(), Release.objects.filter(case=case).count()) == (0, 0)
    assert LedgerEvent.objects.filter(stream=case.uid).count() == before
    enter("fraud_sharing_dpia", valid_from=date(2026, 11, 16), review_by=date(2027, 11, 15))
    assert factories.CHECKER_INPUTS
    moved = transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )
    assert moved.state == "approved"


def test_a_review_is_asked_for_once_thirty_days_before(people):
    enter("letters_lia", valid_from=date(2026, 1, 1), review_by=date(2026, 12, 31))
    early = datetime(2026, 11, 30, 12, tzinfo=AT.tzinfo)
    assert policydocs.ask_for_reviews(now=early) == 0

    assert policydocs.ask_for_reviews(now=early + timedelta(days=1)) == 1
    assert policydocs.ask_for_reviews(now=early + timedelta(days=9)) == 0

    task = Task.objects.get(kind="document_review")
    assert (task.detail, task.team.code, task.due_at.date()) == (
        {"document": "letters_lia"},
        "rights",
        date(2026, 12, 31),
    )


def test_an_erased_document_is_said_to_be_erased(people):
    row = PolicyDocument.objects.get(code="letters_lia")
    sealing.destroy(row.key, actor="system:tests", reason="tests", at=AT)
    reader = sealing.Reader(actor="system:tests", verb="download", purpose="tests", streams=(policydocs.STREAM,))

    with pytest.raises(policydocs.DocumentRefused, match="This document was erased."):
        policydocs.open_file(row, reader=reader, at=AT)


# --- The record of processing --------------------------------------------------------------------------------------


def test_the_record_says_of_every_clause_what_article_30_asks_for(people):
    lines = processing.record(day=AT.date())

    assert len(lines) == len(notice.CLAUSES) + len(notice.UNUSED)
    filing = next(line for line in lines if line.activity == "Fraud filing allegation")
    assert (filing.purpose, filing.recipients, filing.transfers) == (
        "Preventing and detecting fraud",
        "Fraud prevention agencies",
        "None outside the United Kingdom",
    )
    assert filing.ground == (
        "Preventing fraud through an anti-fraud organisation "
        "(DPA 2018 Sch 1 para 14, with UK GDPR Art 6(1)(f) and Art 10)"
    )
    assert "Policy on criminal-offence data, version 1, review by 31 March 2033" in filing.documents
    assert filing.retention.startswith("Message 90 days from when it is acknowledged")
    assert all(all(cells) for cells in processing.rows(lines))


def test_the_record_follows_the_notice(people, monkeypatch):
    monkeypatch.delitem(notice.CLAUSES, "tell_the_person")

    assert "Tell the person" not in {line.activity for line in processing.record(day=AT.date())}


def test_the_command_and_the_file_hold_the_same_table(people):
    out = StringIO()
    call_command("record_of_processing", "--csv", stdout=out)
    file = desk.client_of("a.byrne").get(reverse("web:processing_file")).content.decode()

    assert list(csv.reader(StringIO(out.getvalue()))) == list(csv.reader(StringIO(file)))
    plain = StringIO()
    call_command("record_of_processing", stdout=plain)
    assert "Purpose: Preventing and detecting fraud\n" in plain.getvalue()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_an_agency_whose_name_is_a_formula_is_text_in_the_table(people, monkeypatch, first):
    """What a spreadsheet would run begins with an apostrophe (S38)."""
    monkeypatch.setattr(processing, "_abroad", lambda hidden: dict.fromkeys(notice.RECIPIENTS, [f"{first}1+1"]))
    out = StringIO()
    call_command("record_of_processing", "--csv", stdout=out)
    file = desk.client_of("a.byrne").get(reverse("web:processing_file")).content.decode()

    for text in (out.getvalue(), file):
        cells = {cell for row in csv.reader(StringIO(text)) for cell in row if "1+1" in cell}
        assert cells and all(cell.startswith(f"'{first}1+1") for cell in cells)


def test_the_pages_show_documents_and_the_record(people):
    enter("letters_lia", valid_from=date(2026, 1, 1), review_by=date(2026, 11, 15))
    reader, officer = desk.client_of("a.byrne"), desk.client_of("v.tranter")

    papers = reader.get(reverse("web:policy_documents")).content.decode()
    record = reader.get(reverse("web:processing")).content.decode()

    assert "Past its review" in papers and "J. Merriweather" in papers and "Propose a version" not in papers
    assert "Propose a version" in officer.get(reverse("web:policy_documents")).content.decode()
    assert "Telling the people it is about" in record and "Print and post house" in record
    assert reader.get(reverse("web:policy_document", args=["letters_lia", 9])).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_pages_of_documents_take_few_statements(people, count):
    for number in range(count):
        enter("letters_lia", valid_from=date(2026, 1, 1 + number), review_by=date(2027, 12, 31))
    client = desk.client_of("a.byrne")
    for name, most in {"policy_documents": 7, "processing": 7}.items():
        found = statements(client, reverse(f"web:{name}"))
        assert len(found) == most, f"{name}\n{shortly(found)}"


def test_what_is_refused_for_want_of_a_document_is_said_in_a_sentence(people):
    assert policydocs.why_not({"unheard_of"}, day=AT.date()) == (
        "The document “unheard of” is not approved, so nothing may leave that stands on it."
    )
    assert issubclass(releases.ReleaseRefused, CaseError)
