"""What billing tells of a default, and a hold that is entered on another case, are heeded before anything leaves."""

from datetime import timedelta

import pytest
from django.test import TestCase

from cases.credit.defaults import effects
from cases.kernel import edits, holds
from cases.kernel.models import Case, Letter, OutboxMessage, Task
from cases.kernel.transitions import TransitionRefused
from cases.reports import letters as written
from tests import associations, defaults, factories
from tests.kernel.snapshots import nothing_written

AT, OVER = defaults.AT, defaults.OVER
LATER = OVER + timedelta(days=3)
PAID = {"balance_pence": "0", "payments_behind": "0", "oldest_unpaid_date": ""}


class Told(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def waiting(self, case):
        return Task.objects.filter(case=case, kind=effects.PAID, closed_at=None)

    def messages(self, case):
        return list(OutboxMessage.objects.filter(case=case, kind="cra_correct").values_list("state", flat=True))

    def payment(self, pence, at=LATER):
        return {"last_payment_date": at.date().isoformat(), "last_payment_pence": str(pence)}

    def test_a_payment_of_a_default_on_file_is_work_of_the_same_day_until_it_is_recorded(self):
        """The letter about the default promises that the agencies hear of it on that day."""
        case = defaults.filed(self.people)
        case = defaults.tell_again(case, at=LATER, **PAID, **self.payment(11400))
        (task,) = self.waiting(case)
        assert task.detail == {"paid": LATER.date().isoformat(), "amount_pence": 11400}
        assert (task.due_at.date(), case.state, case.is_dormant) == (LATER.date(), "filed", False)
        # Billing goes on telling of the same payment.
        defaults.tell_again(
            case, at=LATER + timedelta(days=1), **{**PAID, "balance_pence": "3800"}, **self.payment(11400)
        )
        assert self.waiting(case).count() == 1
        case = defaults.step(case, "satisfy", self.people[defaults.STEWARD], LATER, **defaults.PAID)
        assert not self.waiting(case).exists()

    def test_what_was_paid_while_a_default_was_on_its_way_is_work_once_it_is_on_file(self):
        case = defaults.approved(self.people)
        case = defaults.tell_again(case, at=OVER, balance_pence="6400", payments_behind="2", **self.payment(5000, OVER))
        assert not self.waiting(case).exists()
        case = defaults.taken(case)
        assert (case.state, case.is_dormant) == ("filed", False)
        assert self.waiting(case).get().detail["amount_pence"] == 5000

    def test_each_payment_is_asked_for_once_and_may_have_been_for_something_else(self):
        case = defaults.filed(self.people)
        defaults.tell_again(case, at=LATER, **self.payment(3800))
        (task,) = self.waiting(case)
        edits.close_task(case.pk, task.pk, actor=self.people[defaults.STEWARD], at=LATER, reason="For a later bill.")
        defaults.tell_again(case, at=LATER, payment_pence="4000", **self.payment(3800))
        assert not self.waiting(case).exists()
        later = LATER + timedelta(days=1)
        defaults.tell_again(case, at=later, balance_pence="9000", **self.payment(2400, at=later))
        assert self.waiting(case).get().detail["amount_pence"] == 2400
        defaults.step(case, "part_satisfy", self.people[defaults.STEWARD], later, amount_pence=2400)
        assert not self.waiting(case).exists()

    def test_a_credit_that_is_no_payment_is_asked_for_too_and_what_was_paid_before_the_notice_is_not(self):
        case = defaults.filed(self.people)
        before = {"last_payment_date": "2026-11-01", "last_payment_pence": "500"}
        defaults.tell_again(case, at=LATER, **before)
        assert not self.waiting(case).exists()
        defaults.tell_again(case, at=LATER, **before, balance_pence="7600")
        assert self.waiting(case).get().detail == {"balance_pence": 7600}

    def test_a_flag_takes_back_at_once_what_waits_to_be_told_and_the_day_takes_back_the_default(self):
        case = defaults.tell_again(defaults.approved(self.people), at=OVER, flags="dispute:2026-12-20")
        assert (case.state, set(self.messages(case))) == ("approved", {"withdrawn"})
        assert "dispute" in defaults.facts(case).stopped_by
        with nothing_written():
            effects.hold_began(case, holds.Hold(blocks=["contact"], began_at=OVER), at=OVER)
        case = defaults.look(case, OVER)
        assert (case.state, defaults.facts(case).default_date) == ("arrears", None)

    def hold_elsewhere(self, case):
        """Enter breathing space on a case of another team that names the account."""
        number = defaults.number_of(case.default.account)
        other = factories.referred(self.people, account_reference=number)
        holds.enter(other.pk, "breathing_space", actor=self.people["a.byrne"], at=AT, source="adviser")

    def test_a_notice_is_not_written_once_a_hold_on_another_case_stops_it(self):
        """Nobody who has breathing space is sent a notice of intention."""
        case = defaults.notice_written(self.people)
        self.hold_elsewhere(case)
        letter = Letter.objects.get(case=case, template="default_n4")
        assert (letter.state, written.write(letter.pk, now=AT)) == ("due", False)
        letter.refresh_from_db()
        assert (letter.state, Case.objects.get(pk=case.pk).state) == ("withdrawn", "notice_ready")
        assert defaults.facts(case).stopped_by == ["hold_breathing_space"]

    def test_the_look_of_the_day_takes_back_a_notice_that_such_a_hold_stops(self):
        case = defaults.notice_written(self.people)
        self.hold_elsewhere(case)
        case = defaults.look(case, AT + timedelta(hours=1))
        assert list(Letter.objects.filter(case=case).values_list("state", flat=True)) == ["withdrawn"]

    def test_a_notice_in_the_post_is_not_entered_as_served_while_such_a_hold_stands(self):
        case = defaults.notice_ready(self.people)
        self.hold_elsewhere(case)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="breathing space"):
            defaults.step(case, "issue", self.people[defaults.STEWARD], AT)
