"""Whom the access pack says that we told: never the police or an authority, whatever they heard since."""

from django.test import TestCase

from cases.kernel import edits, transitions
from cases.kernel.models import CaseParty, Release
from cases.ledger.sealing import Reader
from cases.rights import access, held
from tests import factories
from tests import requests_of_people as rights
from tests.factories import FILED_AT
from tests.rights.test_access import join

REPORT = {"people": ["1"], "documents": ["1"], "story_holds": "no"}


class Told(TestCase):
    def test_a_correction_does_not_say_that_the_police_had_heard(self):
        """Data Protection Act 2018 Sch 2 para 2."""
        people = factories.office()
        filed = factories.filed(people)
        approver = people["d.osei"]
        transitions.apply(filed.pk, "report_to_police", actor=approver, at=FILED_AT, inputs=REPORT)
        with edits.change(filed.pk, actor=people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=500)
        transitions.apply(filed.pk, "amend", actor=approver, at=FILED_AT)
        kinds = Release.objects.filter(case=filed, recipient__kind="police_report").values_list(
            "message_kind", flat=True
        )
        assert set(kinds) == {"report_fraud", "correction_amended"}
        case = rights.asked(people, "access")
        join(CaseParty.objects.get(case=case), CaseParty.objects.filter(case=filed).earliest("number"))
        reader = Reader(actor="system:tests", verb="print", purpose="subject_access")
        told = access._told(held.of_person(rights.identify(case, people), reader, at=FILED_AT))
        assert {item.head for item in told} == {"Sandbox Fraud Register"}
