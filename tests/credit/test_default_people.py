"""Who is written to before a default, and when an arrangement no longer holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import TestCase

from cases.accounts.models import Account
from cases.credit.defaults import letters as default_letters
from cases.credit.defaults import plans
from cases.credit.defaults.models import Default
from cases.kernel import calendars
from cases.kernel.models import CaseAddress, CaseParty, Letter, Task
from cases.kernel.office import lettertexts
from cases.kernel.transitions import TransitionRefused
from cases.ledger import sealing
from cases.ledger.reads import Reader
from cases.reports import lettertext
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
MOVED = {"holder_1_line_1": "9 Mill Lane", "holder_1_town": "Swansea", "holder_1_postcode": "SA1 0ZZ"}
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

    def test_a_holder_of_whom_no_home_is_known_hears_by_hand_that_an_arrangement_ended(self):
        case = defaults.arrears(self.people, **FIRST, **{**SECOND, **LOST})
        case = defaults.step(case, "arrange", self.people[defaults.ANALYST], **defaults.PLAN)
        more = {"balance_pence": "15200", "payments_behind": "4", **FIRST, **SECOND, **LOST}
        case = defaults.look(defaults.tell_again(case, at=OVER, **more), OVER)
        assert case.state == "arrears"
        letter = Letter.objects.get(case=case)
        assert (letter.template, letter.party.number) == ("default_n4_plan_over", 1)
        task = Task.objects.get(case=case, kind="default_write_by_hand", closed_at=None)
        assert task.detail == {"letter": "default_n4_plan_over", "person": 2}

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

    def test_a_notice_that_came_back_serves_nobody_and_is_ended_by_what_is_true(self):
        """Somebody who was not served has no 28 days (domain.md §4.4): the new address gets a notice of its own."""
        steward = self.people[defaults.STEWARD]
        case = defaults.posted(defaults.notice_written(self.people, **FIRST), state="returned")
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="it served nobody"):
            defaults.step(case, "issue", steward)

        case = defaults.notice_sent(self.people, **{**FIRST, "holder_1_surname": "Quarrie"})
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="No letter of the notice came back"):
            defaults.step(case, "void_notice", steward, ground="came_back")
        case = defaults.posted(case, state="returned")
        case = defaults.step(case, "void_notice", steward, ground="came_back")
        assert case.state == "arrears"
        assert not Letter.objects.filter(case=case, template="default_n4_withdrawn").exists()
        case = defaults.look(defaults.tell_again(case, **{**FIRST, **MOVED, "holder_1_surname": "Quarrie"}))
        assert (case.state, written_to(case)[-1]) == ("notice_ready", ("Quarrie", "9 Mill Lane"))


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
        for balance, state in (("10400", "arranged"), ("10401", "arrears")):  # 11,400 when it was made
            case = defaults.arranged(self.people)
            changes = {"last_payment_date": "2026-12-09", "last_payment_pence": "500", "payments_behind": "3"}
            case = defaults.tell_again(case, at=day(12, 22), balance_pence=balance, **changes)
            assert defaults.look(case, day(12, 22)).state == state, balance

    def test_what_falls_due_between_two_feeds_hides_no_payment_of_another_feed(self):
        """Twice five pounds on one day look alike; the next bill is of the day after."""
        case = defaults.arranged(self.people)
        changes = {"last_payment_date": "2026-12-09", "last_payment_pence": "500", "payments_behind": "3"}
        for on, balance in ((day(12, 9), "10400"), (day(12, 10), "14200"), (day(12, 22), "14200")):
            case = defaults.tell_again(case, at=on, balance_pence=balance, **changes)
        assert defaults.look(case, day(12, 22)).state == "arranged"

    # The first instalment is due on Monday 14 December 2026 and the second on Thursday 14 January 2027; five working
    # days of grace end with 21 December and 21 January. Copied by hand from the calendar.
    DAYS = (
        # what billing tells, as of when: paid until then, and how it stands on that day
        ("2026-12-13", "", "", "arranged"),
        ("2026-12-15", "", "", "arranged"),  # the day after it was due: not posted yet
        ("2026-12-21", "", "", "arranged"),  # the last day of grace
        ("2026-12-21", "2026-12-21", "1000", "arranged"),  # paid on it
        ("2026-12-22", "2026-12-18", "1000", "arranged"),  # late, within grace
        ("2026-12-22", "2026-12-18", "999", "arrears"),  # a penny short once grace is over
        ("2026-12-22", "", "", "arrears"),
        ("2027-01-14", "2026-12-14", "1000", "arranged"),
        ("2027-01-21", "2026-12-14", "1000", "arranged"),
        ("2027-01-22", "2026-12-14", "1000", "arrears"),  # the second is missed
    )

    def test_an_instalment_is_missed_once_its_five_working_days_of_grace_are_over(self):
        for told, paid_on, pence, state in self.DAYS:
            case = defaults.arranged(self.people)
            at = datetime.fromisoformat(f"{told}T09:00:00+00:00")
            if told > "2027" and paid_on:  # the first was paid in its time
                case = self.told(case, day(12, 14), 3, paid_on, pence)
            case = self.told(case, at, 4, paid_on, pence)
            assert defaults.look(case, at).state == state, (told, paid_on, pence)

    # Due on Wednesday 23 December 2026. Nobody works on 25 to 28 December and 1 to 3 January; in Scotland 2 January, a
    # Saturday, is made good on Monday the 4th.
    GRACE = (("eaw", date(2026, 12, 23), date(2027, 1, 4)), ("sct", date(2026, 12, 23), date(2027, 1, 5)))

    def test_grace_is_counted_in_working_days_of_the_account(self):
        for jurisdiction, due, last in self.GRACE:
            row = Default(plan_from_date=date(2026, 11, 23), plan_until_date=date(2027, 12, 1))
            account = Account(jurisdiction=jurisdiction)
            assert calendars.add_months(row.plan_from_date, 1) == due
            assert (plans._due(account, row, by=last), plans._due(account, row, by=last + timedelta(days=1))) == (0, 1)

    def test_it_is_broken_once_a_month_and_its_grace_are_over_and_less_was_paid(self):
        case = defaults.arranged(self.people)
        for at, state in ((day(12, 21), "arranged"), (day(12, 22), "arrears")):
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


@pytest.mark.django_db
def test_a_new_wording_of_each_letter_about_a_default_names_what_the_built_in_one_does():
    """What a notice of intention has to say (how much, since when, what to pay) is lost by no new wording."""
    for template in default_letters.LETTERS:
        body = lettertext.source(template.code, now=factories.AT)
        assert lettertexts.faults(template.code, body) == [], template.code
    body = lettertext.source(default_letters.NOTICE, now=factories.AT)
    assert "you owe us {notice_words} on your {product_words} account" in body
    assert "{payments_behind} monthly payments are behind; the first was due on {first_missed_date}." in body
    assert "Pay {notice_words} within the {notice_length}." in body
