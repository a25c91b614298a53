"""Who is written to before a default, and when an arrangement no longer holds."""

from datetime import UTC, date, datetime

import pytest
from django.test import TestCase

from cases.credit.defaults import plans
from cases.kernel.models import CaseAddress, CaseParty, Letter
from cases.kernel.transitions import TransitionRefused
from cases.ledger import sealing
from cases.ledger.reads import Reader
from tests import associations, defaults, factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

OVER = defaults.OVER
READER = Reader(actor="tests", verb="read", purpose="tests")
FIRST = {
    "holder_1_forename": "Nerys",
    "holder_1_surname": "Abernathy-Cole",
    "holder_1_date_of_birth": "1984-03-09",
    "holder_1_line_1": "12 Harbour Row",
    "holder_1_town": "Cardiff",
    "holder_1_postcode": "CF10 0ZZ",
}
SECOND = {
    "holder_2_forename": "Gwilym",
    "holder_2_surname": "Cole",
    "holder_2_date_of_birth": "1980-07-21",
    "holder_2_line_1": "4 Mill Lane",
    "holder_2_town": "Swansea",
    "holder_2_postcode": "SA1 0ZZ",
}
LOST = {"holder_2_line_1": "", "holder_2_town": "", "holder_2_postcode": ""}


def day(month, number, year=2026):
    return datetime(year, month, number, 9, tzinfo=UTC)


def written_to(case):
    """Return surname and street of everybody to whom a notice was asked for."""
    found = []
    for letter in Letter.objects.filter(case=case, template="default_n4").order_by("party__number"):
        (person,) = sealing.open_rows([letter.party], ["surname"], reader=READER, at=AT)
        home = CaseAddress.objects.filter(party=letter.party, is_detached=False).latest("pk")
        (place,) = sealing.open_rows([home], ["line_1"], reader=READER, at=AT)
        found.append((person["surname"], place["line_1"]))
    return found


class People(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def test_the_notice_goes_to_whoever_holds_the_account_then_and_where_they_live_then(self):
        case = defaults.arrears(self.people, payments_behind="1", **FIRST)
        assert CaseParty.objects.filter(case=case).count() == 1
        moved = {**FIRST, "holder_1_line_1": "7 Castle Street"}
        case = defaults.look(defaults.tell_again(case, **moved, **SECOND))
        assert case.state == "notice_ready"
        assert written_to(case) == [("Abernathy-Cole", "7 Castle Street"), ("Cole", "4 Mill Lane")]
        assert CaseParty.objects.filter(case=case).count() == 2

    def test_who_is_the_same_person_is_not_added_anew(self):
        for before, now, people in (
            ({"holder_1_forename": "", "holder_1_date_of_birth": ""}, {}, 1),
            ({}, {"holder_1_surname": "Cole"}, 1),
            ({"holder_1_date_of_birth": ""}, {"holder_1_forename": ""}, 1),
            ({}, {"holder_1_date_of_birth": "1990-01-02"}, 2),
        ):
            case = defaults.arrears(self.people, payments_behind="1", **{**FIRST, **before})
            case = defaults.look(defaults.tell_again(case, **{**FIRST, **now}))
            assert (case.state, CaseParty.objects.filter(case=case).count()) == ("notice_ready", people), (before, now)

    def test_no_notice_is_written_while_the_address_of_a_joint_holder_is_not_known(self):
        case = defaults.look(defaults.arrears(self.people, **FIRST, **{**SECOND, **LOST}))
        assert (case.state, defaults.facts(case).stopped_by) == ("arrears", ["address_unknown"])
        case = defaults.look(defaults.tell_again(case, **FIRST, **SECOND))
        assert written_to(case) == [("Abernathy-Cole", "12 Harbour Row"), ("Cole", "4 Mill Lane")]

    def test_no_default_is_recorded_of_somebody_who_was_not_sent_the_notice_and_a_steward_ends_it(self):
        case = defaults.notice_sent(self.people, **FIRST)
        steward, approver = self.people[defaults.STEWARD], self.people[defaults.APPROVER]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Everybody who holds the account"):
            defaults.step(case, "void_notice", steward, ground="holder_joined")
        case = defaults.look(defaults.tell_again(case, at=OVER, **FIRST, **SECOND), OVER)
        assert case.state == "due"
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="who was not sent the notice"):
            defaults.step(case, "approve", approver, OVER, **defaults.DATED)
        case = defaults.step(case, "void_notice", steward, OVER, ground="holder_joined")
        case = defaults.look(case, OVER)
        assert (case.state, written_to(case)[-1]) == ("notice_ready", ("Cole", "4 Mill Lane"))


class Arrangement(TestCase):
    """£10 a month from 16 November 2026 until 1 December 2027, of £38 that fall due each month."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def told(self, case, at, behind, paid_on="", pence=""):
        changes = {"payments_behind": str(behind), "balance_pence": str(3800 * behind)}
        return defaults.tell_again(case, at=at, last_payment_date=paid_on, last_payment_pence=pence, **changes)

    def test_one_that_is_kept_holds_however_many_full_payments_are_behind(self):
        case = defaults.arranged(self.people)
        assert defaults.facts(case).plan_from_date == AT.date() == date(2026, 11, 14)
        for month, at in enumerate((day(12, 13), day(1, 13, 2027), day(2, 12, 2027)), start=4):
            case = self.told(case, at, month, at.date().isoformat(), "1000")
            assert defaults.look(case, at).state == "arranged", at
        assert defaults.facts(case).payments_behind == 6

    def test_two_parts_of_an_instalment_are_one(self):
        case = defaults.arranged(self.people)
        for on in (day(12, 2), day(12, 9)):
            case = self.told(case, on, 4, on.date().isoformat(), "500")
        case = self.told(case, day(12, 20), 4, "2026-12-09", "500")
        assert defaults.look(case, day(12, 20)).state == "arranged"

    def test_of_two_payments_between_two_feeds_the_balance_tells_the_first(self):
        case = defaults.arranged(self.people)
        changes = {"last_payment_date": "2026-12-09", "last_payment_pence": "500", "payments_behind": "3"}
        case = defaults.tell_again(case, at=day(12, 20), balance_pence="10400", **changes)  # 11,400 when it was made
        assert defaults.look(case, day(12, 20)).state == "arranged"
        case = defaults.tell_again(case, at=day(12, 21), balance_pence="10401", **changes)
        assert defaults.look(case, day(12, 21)).state == "arrears"

    def test_it_is_broken_once_a_month_is_over_and_less_was_paid(self):
        case = defaults.arranged(self.people)
        for at, state in ((day(12, 14), "arranged"), (day(12, 15), "arrears")):
            case = self.told(case, at, 3, "2026-12-09", "999")
            assert defaults.look(case, at).state == state, at

    def test_what_billing_has_not_told_of_yet_breaks_nothing(self):
        case = defaults.arranged(self.people)
        assert defaults.look(case, day(12, 20)).state == "arranged"

    def test_it_is_over_when_its_time_is_over_and_a_payment_is_still_behind(self):
        case = defaults.arranged(self.people)
        row = defaults.facts(case)
        assert plans.why_over(row, today=date(2027, 12, 1)) is None
        assert plans.why_over(row, today=date(2027, 12, 2)) == "ended"
