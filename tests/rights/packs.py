"""A request for access, and a matter of the same person to which documents are attached."""

import io
import json
import zipfile
from datetime import timedelta

from django.test import TestCase

from cases import reports
from cases.kernel import edits
from cases.kernel.evidence import taking
from cases.kernel.models import AuditReport, Case, CaseParty
from cases.reports import requests
from cases.rights import copies, held, texts
from tests import factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.rights.test_access import join

LATER = AT + timedelta(minutes=5)


class WithDocuments(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.officer, cls.dpo = cls.people[rights.OFFICER], cls.people[rights.DPO]
        cls.matter = rights.asked(cls.people, "rectify")
        case = rights.asked(cls.people, "access")
        join(*(CaseParty.objects.get(case=each) for each in (cls.matter, case)))
        cls.case = rights.identify(case, cls.people)

    def attach(self, data, name="note.txt", media_type="text/plain", *, kind="request", case=None):
        case = case or self.matter
        given = {"kind": kind, "file_name": name, "media_type": media_type, "data": data}
        return edits.attach(case.pk, **given, actor=self.officer, at=AT)

    def redacted(self, original, data):
        taken = taking.take(self.matter, [data], file_name="copy.pdf", media_type="application/pdf", at=AT)
        return edits.keep(self.matter.pk, taken, kind="request", redacts=original.number, actor=self.officer, at=AT)

    def again(self):
        return Case.objects.get(pk=self.case.pk)

    def keys(self):
        return {each.row.number: each.key for each in copies.to_read(held.rows(self.case))}

    def decided(self, **grounds):
        """Keep back what is named here by its number, as `_1`, and give the rest."""
        given = {key: grounds.get(f"_{number}", "") for number, key in self.keys().items()}
        texts.decide(self.case.pk, given, actor=self.officer, at=AT, act="make_pack")

    def made(self):
        report = requests.request(self.again(), actor=self.officer, at=AT, level="subject")
        assert requests.make_due(now=LATER) == 1
        return self.row(report)

    def row(self, report):
        return AuditReport.objects.select_related("case", "blob", "data_blob").get(pk=report.pk)

    def data(self, report):
        return json.loads(requests.open_report(report, actor=self.dpo, at=LATER, is_data=True))

    def bundle(self, report, actor=None):
        data = b"".join(reports.open_bundle(self.row(report), actor=actor or self.dpo, at=LATER))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}
