"""Documents of a case that become files of the package: byte for byte, from what is clean, and gone with our copy."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.disclosure import checking, package
from cases.disclosure.excess import Unreadable
from cases.kernel import edits, holds, record
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.evidence import custody, taking
from cases.kernel.evidence.handing import DocumentErased
from cases.kernel.models import Case, Clock, OutboxMessage
from cases.kernel.timing import sweeps
from cases.ledger import verify
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import disclosures, factories, uploads
from tests.disclosures import AT, CALLS, CHECKED, COMPARED, after
from tests.faults.test_races import at_once
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of
from tests.web.test_previews import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def attach(case, people, data, name, media_type="", *, kind="extract"):
    actor = people["k.mistry"]
    return edits.attach(case.pk, kind=kind, file_name=name, media_type=media_type, data=data, actor=actor, at=AT)


def put_in(case, people, number, item="outgoing_calls", **said):
    return package.put_in(case.pk, number, item=item, actor=people["k.mistry"], at=AT, **said)


def documents(case):
    """The number of each document of the case that was taken out, and whether it can still be opened."""
    return {row.number: row.blob.key.destroyed_at is None for row in case.evidence.filter(kind="extract")}


def test_a_package_is_no_larger_than_what_a_case_keeps_of_documents(people, monkeypatch):
    case = disclosures.taken_out(people)
    assert package.MOST_BYTES == edits.MOST_BYTES  # whatever can be attached can be given
    monkeypatch.setattr(package, "MOST_BYTES", 2 * len(disclosures.CALLS))
    for _ in range(2):
        disclosures.add(case, "outgoing_calls", disclosures.CALLS, people)
    with nothing_written(), pytest.raises(edits.EditRefused, match="larger than 4 GB"):
        disclosures.add(case, "outgoing_calls", disclosures.CALLS, people)
    package.remove_part(case.pk, 1, actor=people["k.mistry"], at=disclosures.AT)
    disclosures.add(case, "outgoing_calls", disclosures.CALLS, people)


def test_a_table_a_pdf_and_a_recording_become_files_of_the_package_byte_for_byte(people):
    case = disclosures.taken_out(people, items=["subscriber_name", "outgoing_calls"])
    for data, name in ((CALLS, "calls.csv"), (uploads.PDF, "sheet.pdf"), (uploads.WAV, "call.wav")):
        attach(case, people, data, name)
    factories.scan()
    put_in(case, people, 2)
    put_in(case, people, 3, "subscriber_name", subject="A")
    put_in(case, people, 4, "subscriber_name")
    rows = [
        (each["name"], each["media_type"], each["rows"], each["sha256"])
        for each in package.manifest(package.parts_of(case))
    ]
    assert rows == [
        ("01-outgoing_calls.csv", "text/csv", 1, hashlib.sha256(CALLS).hexdigest()),
        ("02-subscriber_name-A.pdf", "application/pdf", None, hashlib.sha256(uploads.PDF).hexdigest()),
        ("03-subscriber_name.wav", "audio/wav", None, hashlib.sha256(uploads.WAV).hexdigest()),
    ]
    event = LedgerEvent.objects.filter(action="case.package_changed").order_by("pk").last()
    detail = json.loads(event.body)["detail"]
    assert (detail["document"], detail["sha256"]) == (4, rows[2][3])
    assert AccessEvent.objects.filter(streams__contains=[case.uid], fields__contains=["document-2"]).exists()
    assert package.ready_documents(case) == []


def test_what_is_not_clean_not_taken_out_or_not_there_is_refused_and_nothing_is_written(people):
    case = disclosures.taken_out(people)
    attach(case, people, b'item,day\nno such table\n"', "broken.csv")
    attach(case, people, b"A letter.", "letter.txt", kind="request_letter")
    factories.scan()
    attach(case, people, CALLS, "waits.csv")

    def refused(number, error=CaseError, item="outgoing_calls", by="k.mistry"):
        with nothing_written(), pytest.raises(error) as refusal:
            package.put_in(case.pk, number, item=item, actor=people[by], at=AT)
        return str(refusal.value)

    refused(9, NotVisible)
    assert "waits for the virus scan" in refused(4)
    assert "taken out to be given" in refused(1)
    assert "taken out to be given" in refused(3)
    refused(2, NotAllowed, by="e.hallam")
    factories.scan("infected")
    assert "something harmful" in refused(4)
    # These were read before they were refused; that is on record, and nothing else.
    events = LedgerEvent.objects.count()
    with pytest.raises(Unreadable):
        put_in(case, people, 2)
    with pytest.raises(CaseError, match="was not asked for"):
        put_in(case, people, 2, "cctv")
    assert (LedgerEvent.objects.count(), package.parts_of(case)) == (events, [])


def test_taking_a_file_out_erases_its_document_unless_a_hold_keeps_it(people):
    case = disclosures.taken_out(people)
    for data, name in ((CALLS, "one.csv"), (uploads.PDF, "two.pdf")):
        attach(case, people, data, name)
    factories.scan()
    for number in (2, 3):
        put_in(case, people, number)
    officer = people["k.mistry"]
    package.remove_part(case.pk, 1, actor=officer, at=AT)
    assert documents(case) == {2: False, 3: True}
    with pytest.raises(DocumentErased):
        put_in(case, people, 2)
    with edits.change(case.pk, actor=officer, at=AT, shapes=False) as edit:
        holds.place(edit.case, "legal", actor=officer, at=AT, source="court")
    package.remove_part(case.pk, 2, actor=officer, at=AT)
    assert documents(case) == {2: False, 3: True}


def released_with_documents(people):
    """Released and received: a table of the case's documents was given, and a sheet lay beside it."""
    case = disclosures.taken_out(people, items=["outgoing_calls"])
    attach(case, people, CALLS, "calls.csv")
    attach(case, people, uploads.PDF, "beside.pdf")
    factories.scan()
    put_in(case, people, 2)
    disclosures.say_why(case, "outgoing_calls", people)
    disclosures.held_by(case, "A", AT - timedelta(days=600), None, people)
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    return after(case, "confirm_receipt", people["k.mistry"], how="By telephone.")


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_our_copy_is_destroyed_leaves_all_of_it_or_nothing(people):
    case = released_with_documents(people)
    message = OutboxMessage.objects.get(case=case, kind="le_result")
    late = AT + timedelta(days=31)

    def left():
        message.refresh_from_db()
        clock = Clock.objects.get(case=case, rule="disclosure_purge")
        facts = Case.objects.get(pk=case.pk).disclosure_request
        parts = case.package_parts.filter(blob__isnull=False).count()
        return parts, documents(case), message.sealed_body is not None, clock.state, facts.purged_at is not None

    whole = (1, {2: True, 3: True}, True, "running", False)
    assert left() == whole
    assert _sweep(late, "inside_purge") == -signal.SIGKILL
    assert left() == whole
    assert sweeps.end_due_clocks(now=late) > 0
    assert left() == (0, {2: False, 3: False}, False, "met", True)
    wrong = [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"]
    assert wrong == []


def _sweep(at, failpoint):
    """End what is due in a process of its own that dies at the named place; return its exit code."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    program = (
        "import django; django.setup(); from datetime import datetime; from cases.kernel.timing import sweeps;"
        f"sweeps.end_due_clocks(now=datetime.fromisoformat({at.isoformat()!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode


@pytest.mark.django_db(transaction=True)
def test_two_officers_adding_at_once_lose_nothing(people):
    case = disclosures.taken_out(people)
    for place in range(2):
        attach(case, people, CALLS + b"outgoing_calls,+447700900789,2026-11-02T10:00Z,\n" * place, f"{place}.csv")
    factories.scan()
    other = replace(
        people["m.achterberg"], roles=frozenset({"disclosure_officer"}), team_ids=people["k.mistry"].team_ids
    )

    def by(actor, number):
        return lambda: package.put_in(case.pk, number, item="outgoing_calls", actor=actor, at=AT)

    def typed(actor, data):
        return lambda: package.add_part(
            case.pk, item="subscriber_name", data=data, media_type="text/plain", actor=actor, at=AT
        )

    officer = people["k.mistry"]
    at_once(by(officer, 2), by(other, 3), typed(officer, b"one"), typed(other, b"two"))
    parts = package.parts_of(case)
    assert [part.number for part in parts] == [1, 2, 3, 4]
    assert sorted(part.row_count or 0 for part in parts) == [0, 0, 1, 2]
    assert {part.made_by_id for part in parts} == {officer.user_id, other.user_id}
    assert LedgerEvent.objects.filter(action="case.package_changed").count() == 4


def test_an_officer_puts_a_clean_document_in_by_the_page(people):
    case = disclosures.taken_out(people)
    client, at = client_of("k.mistry"), f"/cases/{case.uid}/package/"
    assert "taken in as a document" in client.get(at).content.decode()
    attach(case, people, CALLS, "calls.csv")
    assert "taken in as a document" in client.get(at).content.decode()
    factories.scan()
    assert "Document 2: CSV table" in client.get(at).content.decode()
    answer = client.post(f"{at}documents/", {"document": "7", "item": "outgoing_calls", "subject": ""})
    assert (answer.status_code, "7 is not one" in answer.content.decode()) == (422, True)
    typed = {"document": "2", "item": "outgoing_calls", "subject": ""}
    assert client_of("a.byrne").post(f"{at}documents/", typed).status_code == 404
    assert client.post(f"{at}documents/", typed).status_code == 302
    assert [part.row_count for part in package.parts_of(case)] == [1]
    assert "Document 2: CSV table" not in client.get(at).content.decode()


def redacted(case, people, data, original, name="redacted.pdf", media_type="application/pdf"):
    """Take in a redacted copy of a document, as the page of documents does."""
    actor = people["k.mistry"]
    taken = taking.take(case, [data], file_name=name, media_type=media_type, at=AT)
    return edits.keep(case.pk, taken, kind="other", redacts=original, actor=actor, at=AT)


def test_once_there_is_a_redacted_copy_it_alone_is_put_in_and_the_manifest_names_both_hashes(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    factories.scan()
    assert [row.number for row in package.ready_documents(case)] == [original.number]
    copy = redacted(case, people, pdf(pages=1), original.number)
    assert (copy.redacts_id, copy.kind) == (original.pk, "extract")
    assert package.ready_documents(case) == []  # it waits for the scan
    factories.scan()
    assert [row.number for row in package.ready_documents(case)] == [copy.number]
    with nothing_written(), pytest.raises(CaseError, match="There is a redacted copy of this document"):
        put_in(case, people, original.number, "subscriber_name")
    put_in(case, people, copy.number, "subscriber_name")
    (part,) = package.manifest(package.parts_of(case))
    assert (part["sha256"], part["original_sha256"]) == (copy.sha256, original.sha256)


def test_a_copy_entered_against_the_wrong_original_is_taken_out_and_entered_again(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    wrong = attach(case, people, pdf(pages=2), "other.pdf")
    right = attach(case, people, pdf(pages=3), "sheet.pdf")
    data = pdf(pages=1)
    copy = redacted(case, people, data, wrong.number)
    factories.scan()
    part = put_in(case, people, copy.number, "subscriber_name")
    package.remove_part(case.pk, part.number, actor=people["k.mistry"], at=AT)
    assert [row.number for row in package.ready_documents(case)] == [wrong.number, right.number]
    again = redacted(case, people, data, right.number)
    factories.scan()
    assert [row.number for row in package.ready_documents(case)] == [wrong.number, again.number]
    part = put_in(case, people, wrong.number, "subscriber_name")
    put_in(case, people, again.number, "subscriber_name")
    assert checking.is_the_redacted_copy(SimpleNamespace(case=case)) is None
    assert package.manifest(package.parts_of(case))[1]["original_sha256"] == right.sha256
    # Nothing is compared with it any more: it goes as what has no copy goes.
    package.remove_part(case.pk, part.number, actor=people["k.mistry"], at=AT)
    assert documents(case) == {2: False, 3: True, 4: False, 5: True}


def test_a_copy_in_which_something_harmful_was_found_stands_for_nothing(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    factories.scan()
    redacted(case, people, pdf(pages=1), original.number)
    assert package.ready_documents(case) == []
    factories.scan("infected")
    assert [row.number for row in package.ready_documents(case)] == [original.number]
    put_in(case, people, original.number, "subscriber_name")
    assert checking.is_the_redacted_copy(SimpleNamespace(case=case)) is None


def test_an_original_that_is_taken_in_once_more_is_no_more_offered_than_before(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    data = pdf()
    original = attach(case, people, data, "sheet.pdf")
    copy = redacted(case, people, pdf(pages=1), original.number)
    twice = attach(case, people, data, "sheet.pdf")
    factories.scan()
    assert twice.sha256 == original.sha256
    assert [row.number for row in package.ready_documents(case)] == [copy.number]
    with nothing_written(), pytest.raises(CaseError, match="There is a redacted copy of this document"):
        put_in(case, people, twice.number, "subscriber_name")


def test_what_a_copy_is_compared_with_is_the_one_of_equal_documents_that_can_be_opened(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    data = pdf()
    erased = attach(case, people, data, "sheet.pdf")
    officer = people["k.mistry"]
    with record.act(Case.objects.get(pk=case.pk), "test.erased", actor=officer, at=AT):
        custody.erase(case, [erased], actor=officer, at=AT, reason="request_erasure")
    living = attach(case, people, data, "sheet.pdf")
    with nothing_written(), pytest.raises(CaseError, match="no such original"):
        redacted(case, people, pdf(pages=1), erased.number)
    copy = redacted(case, people, pdf(pages=1), living.number)
    factories.scan()
    part = put_in(case, people, copy.number, "subscriber_name")
    assert package.original_of(part).number == living.number


@pytest.mark.parametrize("number", [9, 3])
def test_a_redacted_copy_of_nothing_or_of_another_copy_is_refused_and_leaves_nothing(people, number):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    redacted(case, people, pdf(pages=1), original.number)
    with nothing_written(), pytest.raises(CaseError, match="no such original"):
        redacted(case, people, pdf(pages=3), number)


def test_a_copy_in_which_nothing_is_redacted_is_none(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    data = pdf()
    original = attach(case, people, data, "sheet.pdf")
    with nothing_written(), pytest.raises(CaseError, match="nothing is redacted in it"):
        redacted(case, people, data, original.number)


def test_an_original_that_was_put_in_before_it_was_redacted_holds_the_package_up(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    factories.scan()
    part = put_in(case, people, original.number, "subscriber_name")
    redacted(case, people, pdf(pages=1), original.number)
    assert package.unredacted(case) == [part]
    context = SimpleNamespace(case=case)
    assert "was redacted since: take it out" in checking.is_the_redacted_copy(context)
    package.remove_part(case.pk, part.number, actor=people["k.mistry"], at=AT)
    assert checking.is_the_redacted_copy(context) is None


def test_an_original_that_was_taken_out_for_its_redacted_copy_is_still_there_to_be_compared_with(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    factories.scan()
    part = put_in(case, people, original.number, "subscriber_name")
    copy = redacted(case, people, pdf(pages=1), original.number)
    factories.scan()
    package.remove_part(case.pk, part.number, actor=people["k.mistry"], at=AT)
    assert documents(case) == {original.number: True, copy.number: True}
    part = put_in(case, people, copy.number, "subscriber_name")
    page = client_of("k.mistry").get(f"/cases/{case.uid}/package/files/{part.number}/")
    assert (page.status_code, page.content.decode().count("data:image/jpeg;base64,")) == (200, 2)
    with record.act(case, "tests.purged", actor=people["k.mistry"], at=AT):
        package.erase(case, actor=people["k.mistry"], reason="retention", at=AT)
    assert documents(case) == {original.number: False, copy.number: False}


def test_whoever_checks_sees_the_redacted_copy_beside_its_original(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    original = attach(case, people, pdf(), "sheet.pdf")
    redacted(case, people, pdf(pages=1), original.number)
    factories.scan()
    part = put_in(case, people, 3, "subscriber_name")
    page = client_of("k.mistry").get(f"/cases/{case.uid}/package/files/{part.number}/")
    assert page.status_code == 200
    assert [side["head"] for side in page.context["sides"]] == ["Original, document 2", f"Redacted copy, {part.name}"]
    text = page.content.decode()
    assert text.count("data:image/jpeg;base64,") == 2
    assert part.sha256 in text
    assert original.sha256 in text
    look = LedgerEvent.objects.filter(stream=case.uid, action="case.evidence_shown").latest("seq")
    assert look.content()["detail"]["document"] == original.number
    beyond = client_of("k.mistry").get(f"/cases/{case.uid}/package/files/{part.number}/?page=2")
    assert (beyond.status_code, "The document has 1 page." in beyond.content.decode()) == (409, True)
    huge = client_of("k.mistry").get(f"/cases/{case.uid}/package/files/{part.number}/?page=9007199254740993")
    assert (huge.status_code, huge.context["page"]) == (200, 1)


def test_whoever_compares_long_texts_is_told_that_only_their_beginning_is_shown(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    line = b"A line of the log of a line.\n"
    original = attach(case, people, line * 7000, "log.txt", "text/plain")
    redacted(case, people, line * 20, original.number, "log.txt", "text/plain")
    factories.scan()
    part = put_in(case, people, 3, "subscriber_name")
    page = client_of("k.mistry").get(f"/cases/{case.uid}/package/files/{part.number}/")
    assert [len(side["text"]) for side in page.context["sides"]] == [200_000, 580]
    assert page.content.decode().count("Only the first 200 KB are shown. Take both files, and compare the rest.") == 1


def test_of_a_long_sheet_its_beginning_is_shown_and_the_whole_is_there_to_be_taken(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    data = b"A line of the log of a line.\n" * 7000
    attach(case, people, data, "log.txt", "text/plain")
    factories.scan()
    part = put_in(case, people, 2, "subscriber_name")
    client, at = client_of("e.hallam"), f"/cases/{case.uid}/package/files/{part.number}/"
    page = client.get(at)
    assert len(page.context["text"]) == 200_000
    assert "Only the first 200 KB are shown." in page.content.decode()
    whole = client.get(f"{at}?as=file")
    assert (b"".join(whole.streaming_content) if whole.streaming else whole.content) == data


def test_a_recording_is_played_beside_its_copy_and_whoever_plays_it_has_opened_it(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.held_by(case, "A", AT - timedelta(days=300), None, people)
    original = attach(case, people, uploads.WAV, "call.wav", "audio/wav")
    copy = redacted(case, people, uploads.WAV[:-2] + b"\x01\x01", original.number, "call.wav", "audio/wav")
    factories.scan()
    part = put_in(case, people, copy.number, "subscriber_name")
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    approver, events = client_of("e.hallam", is_stepped_up=True), LedgerEvent.objects.count()
    page = approver.get(f"/cases/{case.uid}/package/files/{part.number}/")
    assert [side["plays"] for side in page.context["sides"]] == [original.number, copy.number]
    text = page.content.decode()
    for document in (original, copy):
        assert f'href="/cases/{case.uid}/documents/{document.number}/recording/"' in text
    assert f'href="/cases/{case.uid}/documents/{original.number}/"' in text
    # Nobody has looked at either yet, and the page says nothing else.
    assert LedgerEvent.objects.count() == events
    named = [f"document-{each.number}" for each in (original, copy)]
    assert not AccessEvent.objects.filter(actor=people["e.hallam"].label, fields__overlap=named).exists()
    context = SimpleNamespace(case=case, actor=people["e.hallam"])
    approver.get(f"/cases/{case.uid}/documents/{original.number}/recording/")
    assert checking.each_file_was_opened(context) == (
        f"Open each file first, and compare it with the request: {part.name}."
    )
    assert approver.get(f"/cases/{case.uid}/documents/{copy.number}/recording/").status_code == 200
    assert checking.each_file_was_opened(context) is None
    # Another person's look is not theirs.
    other = SimpleNamespace(case=case, actor=disclosures.other_approver(people))
    assert "Open each file first" in checking.each_file_was_opened(other)
    # An original that was erased meanwhile plays no more, and the page says so.
    with record.act(Case.objects.get(pk=case.pk), "test.erased", actor=people["k.mistry"], at=AT):
        custody.erase(case, [original], actor=people["k.mistry"], at=AT, reason="request_erasure")
    page = approver.get(f"/cases/{case.uid}/package/files/{part.number}/")
    assert [side["plays"] for side in page.context["sides"]] == [None, copy.number]
    assert page.content.decode().count("It cannot be shown here.") == 1


def test_a_sheet_that_can_be_drawn_and_a_recording_stand_beside_the_request(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    sheet = pdf()
    attach(case, people, sheet, "sheet.pdf", "application/pdf")
    attach(case, people, uploads.WAV, "call.wav", "audio/wav")
    factories.scan()
    for number in (2, 3):
        put_in(case, people, number, "subscriber_name")
    client, at = client_of("e.hallam"), f"/cases/{case.uid}/package/files"
    page = client.get(f"{at}/1/")
    assert (page.status_code, page.content.decode().count("data:image/jpeg;base64,")) == (200, 1)
    assert "SBX/2026/" in page.content.decode()
    whole = client.get(f"{at}/1/?as=file")
    assert (whole.content, whole["content-disposition"]) == (sheet, 'attachment; filename="01-subscriber_name.pdf"')
    assert client.get(f"{at}/1/?page=9").status_code == 409
    recording = client.get(f"{at}/2/").content.decode()
    assert f'href="/cases/{case.uid}/documents/3/recording/"' in recording
    assert "SBX/2026/" in recording
    assert client.get(f"{at}/2/?as=file").content == uploads.WAV
