"""What a person takes elsewhere: what they gave us, as other systems read it, and nothing else (UK GDPR Art 20)."""

import json
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.accounts import uploads
from cases.kernel import intake
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.models import CaseParty
from cases.reports import requests
from tests import associations, checks, factories
from tests import requests_of_people as rights
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.rights.test_access import ACCOUNT, NUMBER, PERSON, hide, join

LATER = AT + timedelta(minutes=5)


class Portable(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = people = factories.office()
        cls.officer = people[rights.OFFICER]
        cls.link, cls.check = associations.active(people), checks.refused_automatically(people)
        analyst = next(each for each in people.values() if "collections_analyst" in each.roles)
        uploads.take([portfolio.file([ACCOUNT])], actor=analyst, at=AT)
        jobrun.work(clock=lambda: AT, seconds=60)
        consent = {
            "right": "give_consent",
            "came_by": "phone",
            "purposes": ["usage_data"],
            "wording_version": "2026-02",
        }
        cls.choice = intake.open_case(rights.REQUEST, actor=cls.officer, at=AT, facts=consent, people=[PERSON])
        facts = {"right": "portability", "came_by": "letter", "wording": "My data, please."}
        cls.case = intake.open_case(rights.REQUEST, actor=cls.officer, at=AT, facts=facts, people=[PERSON])
        join(
            CaseParty.objects.get(case=cls.link, role="declarer"),
            *CaseParty.objects.filter(case__in=[cls.check, cls.choice, cls.case]).order_by("pk"),
        )

    def test_none_is_made_before_it_is_known_who_asks_nor_for_another_right(self):
        other = rights.identify(rights.asked(self.people, "rectify"), self.people)
        for case, why in ((self.case, "Check first that it is the person"), (other, "is made of a request for that")):
            with nothing_written(), pytest.raises(CaseError, match=why):
                requests.request(case, actor=self.officer, at=AT, level="portable")

    def test_it_holds_what_she_gave_as_plain_data_and_nothing_that_others_said_or_we_found_out(self):
        case = rights.identify(self.case, self.people)
        report = requests.request(case, actor=self.officer, at=AT, level="portable")
        assert requests.make_due(now=LATER) == 1
        report.refresh_from_db()
        text = requests.open_report(report, actor=self.officer, at=LATER, is_data=True).decode()
        data = json.loads(text)
        told = {each["matter"]: each for each in data["told"]}
        assert told[self.link.reference] == {
            "matter": self.link.reference,
            "kind": "association",
            "forename": "Leocadia",
            "surname": "Brathwaite",
            "date_of_birth": "1979-02-11",
            "addresses": [{"kind": "current", "line_1": "3 Lantern Court", "town": "Leeds", "postcode": "LS1 0ZZ"}],
            "basis": "declared_marriage_cp",
            "declared_at": "2026-11-14T10:00:00Z",
            "declaration": "We are civil partners.",
        }
        assert told[self.check.reference]["application_id"] == "ORD-118205"
        assert told[self.check.reference]["monthly_pence"] == 4500
        assert told[self.case.reference]["wording"] == "My data, please."
        (account,) = data["accounts"]
        assert (account["number"], account["forename"], account["product"]) == (NUMBER, "Leocadia", "landline")
        (choice,) = data["choices"]
        assert choice == {
            "purpose": "usage_data",
            "channel": "all",
            "allowed": True,
            "said_at": "2026-11-14T10:00:00Z",
            "wording_version": "2026-02",
        }
        for word in ("Snape", "Secret Mews", "Thirdparty", "decline", "512", "score", "Bureau", "balance"):
            assert word not in text, word
        pages = " ".join(reading.text_of(requests.open_report(report, actor=self.officer, at=LATER)).split())
        assert "What you gave us, to take elsewhere" in pages and "11 February 1979" in pages and "£45.00" in pages

    def test_it_says_the_same_with_and_without_a_restricted_matter(self):
        case = rights.identify(self.case, self.people)
        report = requests.request(case, actor=self.officer, at=AT, level="portable")
        paper = requests.paper_of(report.case, "portable")

        def drafted():
            reader = requests._reader(report, paper.purpose)
            draft = requests.papers.draft(report, paper, reader=reader, at=LATER)
            return draft.paper.html, draft.data

        before = drafted()
        hide(self.people)
        assert drafted() == before
