"""What of a pack of access that was made still goes out: as it went, until something of it may no longer be given."""

import io
import zipfile
from functools import partial

import pytest
from django.urls import reverse

from cases import reports
from cases.kernel import record, transitions
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Evidence
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent
from cases.rights import copies
from tests import factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.rights.packs import LATER, WithDocuments
from tests.web import desk
from tests.web.test_previews import pdf

CHANGED = "What goes with this pack is no longer as it was. Make the pack anew."
GIVEN = {**rights.DONE, "given_how": "recorded_post", "given_proof": "RX 0000 0000 9GB"}


class PacksGiven(WithDocuments):
    def found(self, scan):
        """Let the scanner judge the documents anew."""
        with record.act(self.matter, "tests.scanned", actor=self.officer, at=AT):
            for row in Evidence.objects.filter(case=self.matter):
                row.scan = scan
                row.save(update_fields=["scan"])

    def test_what_no_longer_stands_as_the_pack_says_is_not_given_with_it(self):
        row = self.attach(pdf(pages=2), "sheet.pdf", "application/pdf")
        factories.scan()
        self.decided()
        report = self.made()
        assert len(self.bundle(report)) == 3

        def refused():
            before = LedgerEvent.objects.count()
            with pytest.raises(copies.CopiesChanged, match=CHANGED):
                reports.open_bundle(self.row(report), actor=self.dpo, at=LATER)
            assert LedgerEvent.objects.count() == before
            page = desk.client_of(rights.DPO).get(
                reverse("web:report_file", args=[self.case.uid, report.uid]), {"form": "copies"}
            )
            assert (page.status_code, CHANGED in page.content.decode()) == (409, True)

        self.decided(_1="other_people")
        refused()
        self.decided()
        assert len(self.bundle(report)) == 3
        self.redacted(row, pdf(pages=1))
        factories.scan()
        assert len(self.bundle(report)) == 3  # a version that came later changes nothing of what went
        self.decided(_2="other_version")
        assert len(self.bundle(report)) == 3
        self.decided(_1="other_people")
        refused()
        assert sorted(each["document"] for each in self.data(self.made())["copies"]) == [2]

    def test_pack_of_a_closed_request_opens_as_it_went_whatever_versions_come(self):
        row = self.attach(pdf(pages=2), "sheet.pdf", "application/pdf")
        factories.scan()
        self.decided()
        report = self.made()
        went = self.bundle(report)
        transitions.apply(self.case.pk, "act", actor=self.officer, at=LATER, inputs=GIVEN)
        self.redacted(row, pdf(pages=1))
        factories.scan()

        assert self.bundle(report) == went

    def test_pack_does_not_open_once_a_document_of_it_is_not_clean(self):
        self.attach(b"First.\n")
        factories.scan()
        self.decided()
        report = self.made()
        self.found("infected")
        with pytest.raises(copies.CopiesChanged, match=CHANGED):
            self.bundle(report)

    def test_each_document_is_opened_when_its_turn_comes(self):
        for number in range(3):
            self.attach(bytes([65 + number]) * 100_000, f"{number}.txt")
        factories.scan()
        self.decided()
        report = self.made()
        told = LedgerEvent.objects.filter(stream=self.matter.uid, action="case.evidence_handed_out")

        chunks = reports.open_bundle(self.row(report), actor=self.dpo, at=LATER)

        assert told.count() == 0
        for number, letter in enumerate((b"A", b"B", b"C"), start=1):
            assert next(piece for piece in chunks if letter * 1000 in piece)
            assert told.count() == number
        chunks.close()

    def test_what_changes_before_the_turn_of_a_document_breaks_the_archive_off_and_it_stays(self):
        tied = {"user": self.dpo.user_id, "case": str(self.matter.uid)}
        for number in range(2):
            self.attach(bytes([65 + number]) * 100_000, f"{number}.txt")
        factories.scan()
        self.decided()
        report = self.made()
        told = LedgerEvent.objects.filter(stream=self.matter.uid, action="case.evidence_handed_out")
        for change, undo, refusal in (
            (partial(self.found, "infected"), partial(self.found, "clean"), copies.CopiesChanged),
            (partial(self.decided, _2="other_people"), self.decided, copies.CopiesChanged),
            (partial(proposals.propose, "tie_add", tied, actor=self.dpo, at=AT, reason="Kin."), None, NotAllowed),
        ):
            chunks = reports.open_bundle(self.row(report), actor=self.dpo, at=LATER)
            given = next(piece for piece in chunks if b"A" * 1000 in piece)
            before = told.count()
            change()
            with pytest.raises(refusal):
                for piece in chunks:
                    given += piece
            assert (told.count(), b"B" * 1000 in given) == (before, False)
            with pytest.raises(zipfile.BadZipFile):
                zipfile.ZipFile(io.BytesIO(given))
            if undo:
                undo()

    def test_a_registered_tie_to_the_matter_of_a_document_keeps_it_from_a_colleague(self):
        self.attach(b"First.\n")
        factories.scan()
        self.decided()
        report = self.made()
        tied = {"user": self.dpo.user_id, "case": str(self.matter.uid)}
        proposals.propose("tie_add", tied, actor=self.dpo, at=AT, reason="My brother-in-law.")
        with pytest.raises(NotAllowed):
            reports.open_bundle(self.row(report), actor=self.dpo, at=LATER)
        assert not LedgerEvent.objects.filter(action="case.evidence_handed_out").exists()
