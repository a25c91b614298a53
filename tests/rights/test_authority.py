"""Whoever acts for a person shows that they may, before anything of the person is given, erased or changed."""

import pytest
from django.test import TestCase

from cases.kernel import edits, intake, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.reports import requests
from tests import factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

SOLICITOR = {"role": "representative", "values": {"forename": "Ada", "surname": "Quill"}}


class Authority(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.officer = cls.people[rights.OFFICER]

    def asked(self, right):
        facts, people = {"right": right, "came_by": "letter"}, [rights.PERSON, SOLICITOR]
        case = intake.open_case(rights.REQUEST, actor=self.officer, at=AT, facts=facts, people=people)
        rights.keep_apart()
        return case if right == "restrict" else rights.identify(case, self.people)

    def act(self, case, **inputs):
        return transitions.apply(case.pk, "act", actor=self.officer, at=AT, inputs={**rights.DONE, **inputs})

    def attach(self, case, kind):
        file = {"file_name": "letter.txt", "media_type": "text/plain", "data": kind.encode()}
        edits.attach(case.pk, kind=kind, actor=self.officer, at=AT, **file)

    def test_nothing_of_a_person_is_given_or_changed_for_somebody_who_shows_no_authority(self):
        for right in ("access", "portability", "rectify", "erase"):
            case = self.asked(right)
            self.attach(case, "identity")
            factories.scan()
            with nothing_written(counted=1), pytest.raises(CaseError, match="attach what shows their authority"):
                self.act(case)

    def test_a_document_that_nobody_can_open_shows_no_authority_and_one_found_clean_does(self):
        case = self.asked("portability")
        self.attach(case, "authority_to_act")
        with nothing_written(counted=1), pytest.raises(CaseError, match="attach what shows their authority"):
            self.act(case)
        factories.scan()
        requests.request(case, actor=self.officer, at=AT, level="portable")
        assert requests.make_due(now=AT) == 1
        assert self.act(case).state == "actioned"

    def test_what_protects_the_person_needs_none(self):
        case = self.asked("restrict")
        self.attach(case, "correction")
        assert self.act(case, changed_in=["none"]).state == "actioned"
        assert Case.objects.get(pk=case.pk).rights_request.outcome == "done"
