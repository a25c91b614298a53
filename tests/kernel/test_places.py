"""In which part of the United Kingdom a period is counted: named, else where the person lives, else the firm's seat."""

from datetime import UTC, date, datetime

import pytest
from django.test import TestCase, override_settings

from cases.kernel import actors, calendars, clocks, edits, intake, record
from cases.kernel.models import CaseAddress, CaseParty
from cases.kernel.timing import places
from tests import factories
from tests.factories import AT

# One month later is St Andrew's Day, a Monday; 12 June's month ends on a Sunday before a day off in Northern Ireland.
OCTOBER = datetime(2026, 10, 30, 10, 0, tzinfo=UTC)
JUNE = datetime(2026, 6, 12, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("postcode", "place"),
    [
        ("TR18 0ZZ", "eaw"),
        ("cf10 0zz", "eaw"),
        ("E1 0ZZ", "eaw"),
        ("EH1 0ZZ", "sct"),
        ("G1 0ZZ", "sct"),
        ("GL1 0ZZ", "eaw"),
        ("DG16 0ZZ", "sct"),
        ("CA6 0ZZ", "eaw"),
        ("TD1 0ZZ", "sct"),
        ("TD15 0ZZ", "eaw"),
        ("TD12 0ZZ", "eaw"),
        ("BT1 0ZZ", "nir"),
        ("IM1 0ZZ", ""),
        ("JE2 0ZZ", ""),
        ("GY1 0ZZ", ""),
        ("D02 X285", ""),
        ("somewhere", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_postcode_says_in_which_part_it_is(postcode, place):
    assert places.of_postcode(postcode) == place


class PeriodsOfPeople(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.referred(cls.people)
        cls.victim = CaseParty.objects.get(case=cls.case, role="victim_of_takeover")

    def move(self, postcode, **more):
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.address(self.victim.number, "current", postcode=postcode, **more)

    def start(self, code="k10_request", *, at=OCTOBER, party=None, **more):
        with record.act(self.case, "tests.clock", actor=actors.system("tests"), at=AT):
            return clocks.start(self.case, code, started_at=at, party=party, **more)

    def test_a_period_of_the_law_counts_the_days_of_where_the_person_lives_and_says_so(self):
        found = []
        for postcode in ("TR18 0ZZ", "EH1 0ZZ", "BT1 0ZZ"):
            self.move(postcode)
            clock = self.start(party=self.victim)
            found.append((clock.jurisdiction, clock.due_date, clock.explanation.split(".")[0]))
        assert found == [
            (
                "eaw",
                date(2026, 11, 30),
                "Answer to a request: 1 month after 30 October 2026, England and Wales, so 30 November 2026",
            ),
            (
                "sct",
                date(2026, 12, 1),
                "Answer to a request: 1 month after 30 October 2026, Scotland, so 1 December 2026",
            ),
            (
                "nir",
                date(2026, 11, 30),
                "Answer to a request: 1 month after 30 October 2026, Northern Ireland, so 30 November 2026",
            ),
        ]
        assert self.start(party=self.victim, at=JUNE).due_date == date(2026, 7, 14)

    def test_what_the_matter_names_comes_first_and_without_a_home_the_seat_counts(self):
        fraudster = CaseParty.objects.get(case=self.case, role="third_party_fraudster")
        self.move("EH1 0ZZ")
        assert self.start(party=self.victim, jurisdiction="eaw").due_date == date(2026, 11, 30)
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.address(fraudster.number, "delivery", postcode="EH2 0ZZ")
        assert self.start(party=fraudster).jurisdiction == "eaw"  # where goods were sent is nobody's home
        assert self.start().jurisdiction == "eaw"
        with override_settings(SEAT="sct"):
            assert self.start().due_date == date(2026, 12, 1)

    def test_where_nobody_can_say_by_the_postcode_the_seat_counts(self):
        self.move("D02 X285")
        assert self.start(party=self.victim).jurisdiction == "eaw"
        self.move("")
        assert self.start(party=self.victim).jurisdiction == "eaw"
        assert CaseAddress.objects.get(party=self.victim).jurisdiction == ""

    def test_a_running_period_stays_where_it_began(self):
        clock = self.start(party=self.victim)
        self.move("EH1 0ZZ")
        clock.refresh_from_db()
        assert (clock.jurisdiction, clock.due_date) == ("eaw", date(2026, 11, 30))

    def test_the_offices_own_targets_are_counted_at_its_seat(self):
        self.move("EH1 0ZZ")
        friday = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # Monday is St Andrew's Day
        assert self.start("fraud_check", at=friday, party=self.victim).due_date == date(2026, 11, 30)
        with override_settings(SEAT="sct"):
            assert self.start("fraud_check", at=friday, party=self.victim).due_date == date(2026, 12, 1)
            assert calendars.add_working_days(date(2026, 11, 27), 1) == date(2026, 12, 1)

    def test_a_new_case_keeps_the_part_of_each_address(self):
        home = {"kind": "current", "line_1": "1 Sample Close", "town": "Aberdeen", "postcode": "AB10 0ZZ"}
        case = intake.open_case(
            "fraud_referral",
            actor=self.people["a.byrne"],
            at=AT,
            facts=factories.FACTS,
            people=[{**factories.VICTIM, "addresses": [home]}],
        )
        assert CaseAddress.objects.get(party__case=case).jurisdiction == "sct"
