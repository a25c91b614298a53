"""Scenario X-1 of the design with its dates, and what becomes of agencies that stay silent."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import TestCase

from cases.association.models import AgencyLink, Association
from cases.kernel import transitions
from cases.kernel.exchange import chase
from cases.kernel.models import Clock, OutboxMessage, Task
from cases.kernel.timing import sweeps
from tests import associations, factories
from tests.association.test_path import states
from tests.kernel.snapshots import nothing_written


def day(number, month=12, year=2026, hour=10):
    return datetime(year, month, number, hour, 0, tzinfo=UTC)


def arrive(case, at):
    """Whatever was promised of the case has arrived."""
    waiting = OutboxMessage.objects.filter(case=case, state="pending")
    waiting.update(state="delivered", delivered_at=at, settled_at=at, attempts=1)


def due(case, rule):
    return Clock.objects.filter(case=case, rule=rule).latest("pk").due_date


class TheDaysOfALink(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def challenged(self):
        """Declared and confirmed on 1 December, recorded, denied by telephone on 10 December, upheld on the 11th."""
        case = associations.confirmed(self.people, by="p.lindqvist", at=day(1))
        arrive(case, day(1))
        for letter in "abc":
            case = associations.say(letter, case, "association.recorded", at=day(2), reference=f"FA-{letter}")
        case = associations.after(case, "challenge", self.people["i.sowande"], day(10), **associations.DENIAL)
        assert Association.objects.get(pk=case.pk).suspended_at == day(10)
        assert due(case, "k10_request") == date(2027, 1, 11)  # the month ends on Sunday 10 January
        case = associations.after(
            case, "uphold_challenge", associations.other_reviewer(self.people), day(11), reason="No agreement found."
        )
        arrive(case, day(11))
        return case

    def test_x1_a_and_c_answer_on_the_14th_b_on_the_last_of_its_five_days(self):
        case = self.challenged()
        for letter in "ac":
            case = associations.say(letter, case, "association.removed", at=day(14))
        assert chase.chase_late(now=day(18, hour=23)) == 0  # the fifth working day is not over
        case = associations.say("b", case, "association.removed", at=day(18, hour=16))
        assert (case.state, case.closed_date, case.dispose_after_date) == (
            "withdrawn",
            date(2026, 12, 18),
            date(2027, 12, 18),
        )
        assert Task.objects.filter(case=case, kind="association_review_decisions", closed_at=None).exists()

    def test_a_silent_agency_is_chased_and_only_then_may_a_person_record_why(self):
        case = self.challenged()
        for letter in "ac":
            case = associations.say(letter, case, "association.removed", at=day(14))
        officer = self.people["m.achterberg"]
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="there is time left"):
            associations.after(case, "corrected", officer, day(18), why_silent="They do not answer.")
        assert chase.chase_late(now=day(19)) >= 1
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="Record why Sandbox Bur"):
            associations.after(case, "corrected", officer, day(21))
        case = associations.after(case, "corrected", officer, day(21), why_silent="Told by telephone: done.")
        assert (case.state, states(case)) == ("withdrawn", ["removed", "unanswered", "removed"])

    def test_a_silent_agency_of_a_break_is_asked_again_after_six_weeks_and_then_given_up(self):
        case = associations.signposted(self.people)
        for letter in "ac":
            case = associations.say(letter, case, "association.broken")
        officer = self.people["m.achterberg"]
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="Not answered yet: Sand"):
            associations.after(case, "break", officer)
        assert due(case, "association_break_result") == date(2026, 12, 26)
        sweeps.end_due_clocks(now=day(28))
        assert AgencyLink.objects.get(case=case, agency__code="sandbox-bureau-b").chased_at == day(28)
        asked = OutboxMessage.objects.get(case=case, kind="cra_assoc_query")
        assert factories.body_of(asked)["link_reference"] == "FA-2026-0002"
        assert due(case, "association_break_last") == date(2027, 1, 12)
        sweeps.end_due_clocks(now=day(14, 1, 2027))
        assert states(case) == ["broken", "no_reply", "broken"]
        assert Task.objects.filter(case=case, kind="association_decide_break", closed_at=None).count() == 1
        case = associations.after(case, "break", officer, day(14, 1, 2027) + timedelta(hours=1))
        assert (case.state, case.closed_date) == ("broken", date(2027, 1, 14))
        assert not Task.objects.filter(case=case, kind="association_decide_break", closed_at=None).exists()

    def test_variant_refused_while_joint_broadband_is_open_and_asked_again_after_the_account_was_split(self):
        case, officer = associations.active(self.people), self.people["m.achterberg"]
        reviewer = self.people["p.lindqvist"]
        case = associations.after(case, "request_break", officer, day(10), **associations.ASKS)
        case = associations.after(case, "refuse_break", officer, day(14), exposure="joint_account")
        case = associations.agree(case, reviewer, day(14))
        assert (case.state, case.association.exposure) == ("active", "joint_account")
        case = associations.after(case, "request_break", officer, day(5, 1, 2027), **associations.ASKS)
        assert Association.objects.get(pk=case.pk).suspended_at == day(5, 1, 2027)
        case = associations.after(case, "signpost", officer, day(6, 1, 2027), exposure="none")
        assert associations.agree(case, reviewer, day(6, 1, 2027)).state == "signposted"
