"""Copies of documents go with a pack of access, each read through first; holds are told in words. UK GDPR Art 15."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.kernel import actors, edits, holds, record
from cases.kernel.errors import CaseError
from cases.kernel.evidence import custody
from cases.kernel.models import Case, CaseParty
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import requests
from cases.rights import copies, held
from cases.rights import report as rights_report
from tests import factories, suspicions, uploads
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.rights.packs import LATER, WithDocuments
from tests.web import desk
from tests.web.test_previews import pdf

NEUTRAL = "Not in this pack: it is about somebody else, or the law lets us keep it."
CAME = "Received 14 November 2026 10:00. "


class Copies(WithDocuments):
    def test_pack_says_of_each_document_what_becomes_of_it_and_holds_copies_of_what_is_given(self):
        self.attach(b"Please put my name right.\n")
        self.attach(b"About Mr Harbottle.\n")
        original = self.attach(pdf(pages=2), "sheet.pdf", "application/pdf")
        factories.scan()
        shown = pdf(pages=1)
        self.redacted(original, shown)
        erased = self.attach(b"Erased.\n")
        factories.scan()
        with record.act(self.matter, "tests.erased", actor=self.officer, at=AT):
            custody.erase(self.matter, [erased], actor=self.officer, at=AT, reason="tests")
        self.attach(b"Harmful.\n")
        factories.scan("infected")
        self.attach(uploads.WAV, "call.wav", "audio/wav")
        self.attach(b"x" * 90_000, "long.txt")
        factories.scan()
        assert sorted(self.keys()) == [1, 2, 3, 4, 7, 8]
        self.decided(_2="other_people", _3="other_people")

        report = self.made()

        name = self.matter.reference
        data = self.data(report)
        ((head, said),) = [(each["heading"], each["values"]) for each in data["parts"]["notes"]]
        assert head == f"{name}, documents"
        assert [each["value"].removeprefix(CAME) for each in said] == [
            f"A copy goes with this pack: {name}-document-1.txt",
            NEUTRAL,
            "In its place stands document 4, in which parts were made unreadable.",
            f"A copy goes with this pack, in which parts were made unreadable: {name}-document-4.pdf",
            "It was erased.",
            "Not in this pack: it could not be opened safely.",
            f"A copy goes with this pack: {name}-document-7.wav",
            f"A copy goes with this pack: {name}-document-8.txt",
        ]
        rows = {row.number: row for row in self.matter.evidence.all()}
        assert [(each["document"], each["sha256"], each["size"]) for each in data["copies"]] == [
            (number, rows[number].sha256, rows[number].size) for number in (1, 4, 7, 8)
        ]
        told = LedgerEvent.objects.filter(stream=self.matter.uid, action="case.evidence_handed_out")
        assert not told.exists()
        files = self.bundle(report)
        pack = self.case.reference
        assert list(files)[:2] == [f"{pack}-subject-access.pdf", f"{pack}-subject-access.json"]
        assert files[f"{pack}-subject-access.pdf"].startswith(b"%PDF-")
        assert {each: files[each] for each in list(files)[2:]} == {
            f"{name}-document-1.txt": b"Please put my name right.\n",
            f"{name}-document-4.pdf": shown,
            f"{name}-document-7.wav": uploads.WAV,
            f"{name}-document-8.txt": b"x" * 90_000,
        }
        assert [event.content()["detail"]["document"] for event in told.order_by("seq")] == [1, 4, 7, 8]
        opened = AccessEvent.objects.filter(purpose="subject_access", verb="download", streams=[self.matter.uid])
        assert set(opened.values_list("actor", flat=True)) == {self.dpo.label}
        assert {field for each in opened for field in each.fields} >= {"document-1", "document-4"}

    def test_what_is_said_of_documents_goes_through_them_once_and_loads_none_of_their_bytes(self):
        for number in range(3):
            self.attach(bytes([65 + number]) * 100)
            case = self.again()
            with CaptureQueriesContext(connection) as asked:
                found = rights_report.checks(case)[2]
            assert found.detail == f"Still to read: {number + 1} document{'s' if number else ''}"
            documents = [each["sql"] for each in asked if 'FROM "cases_evidence"' in each["sql"]]
            # One for each matter of the person: this request, and the one with the documents.
            assert (len(documents), len(asked)) == (2, 13)
            assert not any('"cases_storedblob"."sealed"' in each for each in documents)
        first, *_ = copies.to_read(held.rows(self.case))
        assert "sealed" in first.row.blob.get_deferred_fields()

    def test_nothing_is_made_while_a_document_is_unread_or_waits_for_the_scan(self):
        self.attach(b"First.\n")

        def said():
            return [(each.is_clear, each.detail) for each in rights_report.checks(self.again())][2]

        assert said() == (False, "Still to read: 1 document")
        with nothing_written(), pytest.raises(CaseError, match="may speak of others: 1 document."):
            requests.request(self.again(), actor=self.officer, at=AT, level="subject")
        self.decided()
        assert said() == (False, "A document waits for the virus scan")
        with nothing_written(), pytest.raises(CaseError, match="A document waits for the virus scan."):
            requests.request(self.again(), actor=self.officer, at=AT, level="subject")
        factories.scan()
        assert said() == (True, "")
        assert len(self.data(self.made())["copies"]) == 1

    def fates(self):
        """Make a pack; return what it says of each document, and which files go with it, by number."""
        data = self.data(self.made())
        (said,) = [each["values"] for each in data["parts"]["notes"]]
        told = [each["value"].removeprefix(CAME).replace(f"{self.matter.reference}-", "") for each in said]
        return told, [each["document"] for each in data["copies"]]

    def test_of_a_document_and_its_redacted_copies_one_is_given_or_none_as_somebody_chose(self):
        original = self.attach(pdf(pages=3), "sheet.pdf", "application/pdf")
        self.attach(b"Beside it.\n")
        self.redacted(original, pdf(pages=1))
        self.redacted(original, pdf(pages=2))
        factories.scan()
        (read,) = [[each.row.number for each in copies.to_read(held.rows(self.case))]]
        assert read == [1, 3, 4, 2]

        for wrong, said in (
            ({}, "Give one version of document 1 of "),
            ({"_1": "other_people"}, "Give one version of document 1 of "),
            ({"_4": "other_version"}, "Give one version of document 1 of "),
            ({"_1": "other_version", "_4": "other_version"}, "Say why document 1 of "),
            ({"_2": "other_version", "_1": "other_people", "_3": "other_version"}, "Say why document 2 of "),
        ):
            with nothing_written(), pytest.raises(edits.EditRefused, match=said):
                self.decided(**wrong)
        assert self.again().rights_request.texts_read == {}

        beside = "A copy goes with this pack: document-2.txt"
        self.decided(_3="other_version", _4="other_version")
        stands = "In its place stands document 1, in which nothing was made unreadable."
        assert self.fates() == (["A copy goes with this pack: document-1.pdf", beside, stands, stands], [1, 2])

        self.decided(_1="legal_advice", _3="other_version")
        given = "A copy goes with this pack, in which parts were made unreadable: document-4.pdf"
        stands = "In its place stands document 4, in which parts were made unreadable."
        assert self.fates() == ([stands, beside, stands, given], [2, 4])
        keys = self.keys()
        assert self.again().rights_request.texts_read[keys[1]] == "legal_advice"

        self.decided(_1="other_people", _3="other_version", _4="other_people")
        assert self.fates() == ([NEUTRAL, beside, NEUTRAL, NEUTRAL], [2])

    def test_a_copy_alone_that_was_chosen_before_its_original_could_be_is_not_given_without_a_new_decision(self):
        original = self.attach(pdf(pages=3), "sheet.pdf", "application/pdf")
        self.redacted(original, pdf(pages=1))
        factories.scan()
        key = self.keys()[2]
        with record.act(self.case, "tests.decided", actor=self.officer, at=AT):
            facts = self.again().rights_request
            facts.texts_read = {key: ""}
            facts.save()
        (first, second) = copies.to_read(held.rows(self.case))
        assert not first.is_given({key: ""}) and not second.is_given({key: ""})
        assert rights_report.checks(self.again())[2].detail == "Still to read: 1 document"
        with nothing_written(), pytest.raises(CaseError, match="may speak of others: 1 document."):
            requests.request(self.again(), actor=self.officer, at=AT, level="subject")
        # Both were chosen, of an original that is gone and is there again: neither leaves.
        both = dict.fromkeys(self.keys().values(), "")
        assert not first.is_given(both) and not second.is_given(both)

    def test_page_lists_the_versions_of_a_document_together_with_none_chosen_and_refuses_two(self):
        original = self.attach(pdf(pages=3), "sheet.pdf", "application/pdf")
        self.attach(b"Beside it.\n")
        self.redacted(original, pdf(pages=1))
        factories.scan()
        address, client = reverse("web:texts_to_read", args=[self.case.uid]), desk.client_of(rights.OFFICER)

        page = client.get(address)

        lines = page.context["documents"]
        assert [(line["document"].row.number, line["ground"]) for line in lines] == [(1, ""), (3, ""), (2, "")]
        own = "Keep it back: it was redacted for somebody else, or another version is given"
        assert [own in dict(line["choices"]).values() for line in lines] == [False, True, False]
        shown = page.content.decode()
        assert "A redacted copy of document 1: it may have been made for somebody else." in shown
        assert "Other versions of it: document 3. One of them is given, or none." in shown
        keys = [line["document"].key for line in lines]
        assert client.get(address, {"document": keys[0]}).status_code == 200
        typed = {"text": keys, **{f"ground-{key}": "give" for key in keys}}
        refused = client.post(address, typed)
        assert refused.status_code == 422
        (told,) = refused.context["problems"]
        assert told.sentence == f"Give one version of document 1 of {self.matter.reference}, or none."
        assert [line["ground"] for line in refused.context["documents"]] == ["give"] * 3
        assert self.again().rights_request.texts_read == {}
        assert client.post(address, {**typed, f"ground-{keys[1]}": "other_version"}).status_code == 302
        assert self.again().rights_request.texts_read == {keys[0]: "", keys[1]: "other_version", keys[2]: ""}

    def test_page_shows_what_there_is_to_read_hands_each_out_and_keeps_what_was_chosen(self):
        self.attach(b"First.\n")
        self.attach(b"Second.\n")
        factories.scan()
        others = rights.asked(self.people, "rectify")
        self.attach(b"Of nobody here.\n", case=others)
        factories.scan()
        address, client = reverse("web:texts_to_read", args=[self.case.uid]), desk.client_of(rights.OFFICER)

        page = client.get(address)

        found = [(line["document"].row.number, line["ground"], line["why_not"]) for line in page.context["documents"]]
        assert found == [(1, "", None), (2, "", None)]
        keys = [line["document"].key for line in page.context["documents"]]
        given = client.get(address, {"document": keys[0]})
        assert (given.status_code, b"".join(given.streaming_content)) == (200, b"First.\n")
        name = f"{self.matter.reference}-document-1.txt"
        assert given["Content-Disposition"] == f'attachment; filename="{name}"'
        event = LedgerEvent.objects.filter(stream=self.matter.uid).latest("seq")
        assert (event.action, event.actor) == ("case.evidence_handed_out", self.officer.label)
        look = AccessEvent.objects.filter(streams=[self.matter.uid], verb="download").latest("pk")
        assert (look.purpose, look.fields) == ("subject_access", ["document-1"])
        stranger = others.evidence.get()
        for key in (f"{stranger.uid}:{stranger.sha256[:24]}", "nothing"):
            with nothing_written(counted=0):
                assert client.get(address, {"document": key}).status_code == 404
        assert desk.client_of("a.byrne").get(address, {"document": keys[0]}).status_code == 404
        typed = {"text": keys, f"ground-{keys[0]}": "give", f"ground-{keys[1]}": ""}
        refused = client.post(address, typed)
        assert refused.status_code == 422
        (unsaid,) = refused.context["problems"]
        assert (unsaid.sentence, unsaid.anchor) == ("Say of each whether it is given.", f"id_{keys[1]}")
        assert f'id="id_{keys[1]}"' in refused.content.decode()
        assert client.post(address, {**typed, f"ground-{keys[1]}": "other_people"}).status_code == 302
        assert self.again().rights_request.texts_read == {keys[0]: "", keys[1]: "other_people"}
        report = self.made()
        progress = client.get(reverse("web:report_progress", args=[self.case.uid, report.uid])).content.decode()
        assert "Download all with the copies" in progress
        whole = client.get(reverse("web:report_file", args=[self.case.uid, report.uid]), {"form": "copies"})
        assert whole["Content-Disposition"] == f'attachment; filename="{self.case.reference}-subject-access.zip"'
        with zipfile.ZipFile(io.BytesIO(b"".join(whole.streaming_content))) as archive:
            assert [each.filename for each in archive.infolist()][2:] == [name]

    def test_of_two_officers_who_decide_at_once_the_second_is_told_and_the_same_press_again_keeps_it(self):
        self.attach(b"First.\n")
        factories.scan()
        address, (key,) = reverse("web:texts_to_read", args=[self.case.uid]), self.keys().values()
        one, other = desk.client_of(rights.OFFICER), desk.client_of(rights.DPO)
        version = one.get(address).context["case"].version
        typed = {"text": [key], "version": version, f"ground-{key}": "other_people"}
        for _ in range(2):
            assert one.post(address, typed).status_code == 302
        kept = LedgerEvent.objects.filter(stream=self.case.uid, action="case.texts_read")
        assert kept.count() == 1

        page = other.post(address, {**typed, f"ground-{key}": "give"})

        assert page.status_code == 409
        said = "Somebody changed this case while you were reading it. I. Sowande worked on it at "
        assert page.context["problems"][0].sentence.startswith(said)
        assert (self.again().rights_request.texts_read, kept.count()) == ({key: "other_people"}, 1)
        (line,) = page.context["documents"]
        assert line["ground"] == "give"
        again = {**typed, f"ground-{key}": "give", "version": page.context["case"].version}
        assert other.post(address, again).status_code == 302
        assert self.again().rights_request.texts_read == {key: ""}

    def test_documents_of_a_restricted_matter_are_nowhere(self):
        self.attach(b"First.\n")
        factories.scan()
        before = [each.row.pk for each in copies.documents(held.rows(self.case))]
        hidden = suspicions.written(self.people)
        case = Case.objects.get(pk=hidden.pk)
        edits.attach(
            case.pk,
            kind="other",
            file_name="secret.txt",
            media_type="text/plain",
            data=b"Secret.\n",
            actor=self.people["h.castellan"],
            at=AT,
        )
        factories.scan()
        with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
            row = CaseParty.objects.filter(case=case).first()
            row.party = CaseParty.objects.get(case=self.case).party
            row.save(update_fields=["party"])
        assert [each.row.pk for each in copies.documents(held.rows(self.case))] == before

    def test_holds_are_told_in_words_unless_telling_would_prejudice_or_they_may_be_another_s(self):
        def enter(kind, source, **said):
            return holds.enter(self.matter.pk, kind, actor=self.officer, at=AT, source=source, reason="Tests.", **said)

        enter("breathing_space", "adviser", ends_at=AT + timedelta(days=60))
        for kind in ("legal", "staff_account", "protected_address", "data_protection", "objection"):
            enter(kind, "court")
        released = enter("vulnerable", "customer", person=1)
        with record.act(self.matter, "tests.released", actor=self.officer, at=AT):
            released.released_at = LATER
            released.save(update_fields=["released_at"])

        def told():
            (matter,) = [
                each for each in self.data(self.made())["parts"]["matters"] if self.matter.reference in each["heading"]
            ]
            return {each["name"]: each["value"] for each in matter["values"] if "hold" in each["name"]}

        vulnerable = {
            "On hold: vulnerable": "since 14 November 2026 10:00 until 14 November 2026 10:05; asked for by the "
            "customer; it stops: contact, enforcement, placing with an agency, selling the debt"
        }
        assert told() == {
            "On hold: breathing space": "since 14 November 2026 10:00 until 13 January 2027 10:00; asked for by an "
            "adviser or representative; it stops: contact, recording a default, enforcement, interest and fees, "
            "placing with an agency, selling the debt",
            **vulnerable,
        }
        # Somebody else is in the matter: what names nobody may be about them.
        with record.act(self.matter, "tests.changed", actor=self.officer, at=AT):
            own = CaseParty.objects.get(case=self.matter)
            CaseParty.objects.create(case=self.matter, number=2, role="representative", key=own.key, source="staff")
        assert told() == vulnerable
