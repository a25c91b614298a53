"""Clocks of a case: started, paused, met, over; what a sweep makes of them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import TestCase

from cases.kernel import calendars, clocks, intake, record, transitions
from cases.kernel.actors import system
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case, Clock, Task
from cases.kernel.timing import counting, sweeps
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

MONTHS = ClockRule(
    code="tests_answer",
    label="Answer",
    length=1,
    unit="months",
    source="Test",
    effective_from=date(2026, 1, 1),
    is_pausable=True,
)
WORK = ClockRule(
    code="tests_work",
    label="Work",
    length=3,
    unit="working_days",
    source="Test",
    effective_from=date(2026, 1, 1),
    is_pausable=True,
)
HOURS = ClockRule(
    code="tests_hours",
    label="Report",
    length=72,
    unit="hours",
    source="Test",
    effective_from=date(2026, 1, 1),
    is_pausable=True,
)


def moment(month, day, hour=12, minute=0, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.fixture(autouse=True)
def rules(monkeypatch):
    for rule in (MONTHS, WORK, HOURS):
        monkeypatch.setitem(clocks.RULES, rule.code, rule)


@pytest.mark.django_db
@pytest.mark.parametrize("typed", [(2026, 10, 24, 10), (2026, 10, 25, 0, 30), (2027, 3, 27, 10), (2027, 3, 28, 0, 59)])
def test_hours_are_hours_over_a_change_of_the_clocks_also_where_they_count_from_what_was_typed_in_london(typed):
    """What a form gives is London's time: by the wall clock 72 hours are 73 in October and 71 in March."""
    started_at = datetime(*typed, tzinfo=calendars.LONDON)
    clock = clocks.plan(HOURS.code, started_at=started_at)
    assert clock.due_at.astimezone(UTC) - started_at.astimezone(UTC) == timedelta(hours=72)
    again, _ = counting.due(
        HOURS,
        started_at=started_at,
        calendar=calendars.printed("eaw"),
        stops=[(started_at, started_at + timedelta(days=2))],
    )
    stood = (started_at + timedelta(days=2)).astimezone(UTC) - started_at.astimezone(UTC)
    assert again - started_at.astimezone(UTC) == timedelta(hours=72) + stood


class ClocksOfACase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.referred(cls.people)

    def act(self):
        return record.act(self.case, "tests.clock", actor=system("tests"), at=AT)

    def run_clock(self, rule, *, start, pause=None, resume=None, jurisdiction="eaw"):
        with self.act():
            clock = clocks.start(self.case, rule.code, started_at=start, jurisdiction=jurisdiction)
            if pause:
                clocks.pause(self.case, rule.code, at=pause)
                clocks.resume(self.case, rule.code, at=resume)
        clock.refresh_from_db()
        return clock

    def test_a_fault_in_one_case_stops_no_other_and_is_a_task(self):
        other = factories.referred(self.people, incident_reference="DET-2")
        with self.act():
            broken = clocks.start(self.case, WORK.code, started_at=AT - timedelta(days=9))
            broken.rule = "no_such_rule"
            broken.save(update_fields=["rule"])
        later = AT + timedelta(days=30)

        with self.assertLogs("cases.kernel.timing.sweeps", "ERROR") as logged:
            assert sweeps.end_due_clocks(now=later) == 2

        assert [entry.case_id for entry in logged.records] == [self.case.pk]
        assert Clock.objects.get(case=other).state == "breached"
        assert Clock.objects.get(pk=broken.pk).state == "running"
        with self.assertLogs("cases.kernel.timing.sweeps", "ERROR"):
            sweeps.end_due_clocks(now=later)
        asked = Task.objects.filter(kind="clock_not_ended").values_list("case", "detail__clock")
        assert list(asked) == [(self.case.pk, broken.pk)]

    def test_a_referral_starts_its_triage_clock_and_is_due_with_it(self):
        clock = Clock.objects.get(case=self.case)
        assert (clock.rule, clock.state, clock.due_date) == ("fraud_triage", "running", date(2026, 11, 17))
        assert clock.explanation == (
            "Triage: 2 working days after 14 November 2026, England and Wales, so 17 November 2026. Internal target."
        )
        assert clock.due_at == moment(11, 17, 23, 59).replace(second=59)
        assert self.case.due_at == clock.due_at

    def test_a_clock_starts_when_it_happened_and_not_when_it_was_typed(self):
        case = intake.open_case(
            "fraud_referral",
            actor=self.people["a.byrne"],
            at=AT,
            occurred_at=moment(11, 10),
            facts=factories.FACTS,
            people=[factories.VICTIM],
        )
        assert Clock.objects.get(case=case).due_date == date(2026, 11, 12)
        assert case.due_at.date() == date(2026, 11, 12)

    def test_nothing_happens_in_the_future(self):
        case = intake.open_case(
            "fraud_referral",
            actor=self.people["a.byrne"],
            at=AT,
            occurred_at=AT + timedelta(days=9),
            facts=factories.FACTS,
            people=[factories.VICTIM],
        )
        assert Clock.objects.get(case=case).started_at == AT

    def test_a_pause_moves_the_end_by_whole_days(self):
        clock = self.run_clock(MONTHS, start=moment(11, 2), pause=moment(11, 10, 9), resume=moment(11, 13, 17))
        assert (clock.state, clock.paused_at, clock.due_date) == ("running", None, date(2026, 12, 5))
        assert clock.due_at == moment(12, 5, 23, 59).replace(second=59)
        assert clock.explanation == (
            "Answer: 1 month after 2 November 2026, so 2 December 2026. Test. It stood still from 10 November 2026 to "
            "13 November 2026, so it ends 5 December 2026."
        )

    def test_an_end_that_is_named_after_a_pause_is_the_day_that_was_named(self):
        for rule, until in ((MONTHS, date(2027, 1, 10)), (WORK, date(2026, 11, 30))):
            clock = self.run_clock(rule, start=moment(11, 2), pause=moment(11, 3, 9), resume=moment(11, 9, 17))
            with self.act():
                clocks.name_end(self.case, clock, until=until, at=moment(11, 10))
            clock.refresh_from_db()
            assert clock.due_date == until
            with self.act():
                clocks.pause(self.case, rule.code, at=moment(11, 11, 9))
                clocks.resume(self.case, rule.code, at=moment(11, 12, 9))
            clock.refresh_from_db()
            assert clock.due_date == until + timedelta(days=1)

    def test_a_pause_within_a_day_moves_nothing(self):
        clock = self.run_clock(MONTHS, start=moment(11, 2), pause=moment(11, 10, 9), resume=moment(11, 10, 17))
        assert clock.due_date == date(2026, 12, 2)

    def test_a_pause_over_the_change_of_clocks_ends_at_londons_midnight(self):
        clock = self.run_clock(MONTHS, start=moment(3, 2), pause=moment(3, 27), resume=moment(3, 30))
        assert clock.due_date == date(2026, 4, 5)
        assert clock.due_at == moment(4, 5, 22, 59).replace(second=59)

    def test_a_pause_over_a_weekend_gives_back_only_working_days(self):
        clock = self.run_clock(WORK, start=moment(11, 11), pause=moment(11, 13), resume=moment(11, 17))
        assert clock.due_date == date(2026, 11, 18)  # due Monday 16; Monday and Tuesday stood still
        there = self.run_clock(
            WORK, start=moment(11, 25), pause=moment(11, 27), resume=moment(12, 1), jurisdiction="sct"
        )
        assert there.due_date == date(2026, 12, 2)  # due Tuesday 1; St Andrew's Day is not given back

    def test_hours_stand_still_to_the_minute(self):
        clock = self.run_clock(HOURS, start=moment(11, 10), pause=moment(11, 11), resume=moment(11, 11, 13, 30))
        assert clock.due_at == moment(11, 13, 13, 30)

    def test_a_paused_clock_neither_runs_out_nor_makes_the_case_due(self):
        with self.act():
            clocks.meet(self.case, "fraud_triage", at=AT)
            clocks.start(self.case, WORK.code, started_at=AT)
            clocks.pause(self.case, WORK.code, at=AT)
            clocks.refresh_due(self.case)
            self.case.save()
        assert self.case.due_at is None
        assert sweeps.end_due_clocks(now=AT + timedelta(days=99)) == 0

    def test_what_the_law_does_not_stop_is_not_paused(self):
        with pytest.raises(clocks.ClockRefused, match="Triage cannot be paused."), self.act():
            clocks.pause(self.case, "fraud_triage", at=AT)

    def test_the_earliest_piece_of_work_is_what_is_due(self):
        with self.act():
            clocks.start(self.case, WORK.code, started_at=moment(11, 9))
            clocks.start(self.case, "k24_adverse", started_at=moment(1, 1, year=2019))
            clocks.refresh_due(self.case)
            self.case.save()
        assert self.case.due_at.date() == date(2026, 11, 12)

    def test_a_period_that_is_over_becomes_one_task_and_one_event(self):
        due = Clock.objects.get(case=self.case).due_at
        with nothing_written():
            assert sweeps.end_due_clocks(now=due) == 0
        late = due + timedelta(seconds=1)
        assert sweeps.end_due_clocks(now=late) == 1
        with nothing_written():
            assert sweeps.end_due_clocks(now=late + timedelta(days=1)) == 0
        clock = Clock.objects.get(case=self.case)
        assert (clock.state, clock.ended_at) == ("breached", None)
        task = Task.objects.get(case=self.case)
        assert (task.kind, task.detail, task.team.code) == ("clock_over", {"rule": "fraud_triage"}, "fraud")
        assert LedgerEvent.objects.filter(stream=self.case.uid, action="clock.breached").count() == 1
        assert Case.objects.get(pk=self.case.pk).due_at == due  # what was due still is, until somebody does it

    def test_what_is_done_late_ends_the_clock_and_stays_a_breach(self):
        late = moment(11, 20)
        sweeps.end_due_clocks(now=late)
        for name in ("take", "accept"):
            transitions.apply(self.case.pk, name, actor=self.people["a.byrne"], at=late)
        clock = Clock.objects.get(case=self.case, rule="fraud_triage")
        assert (clock.state, clock.ended_at) == ("breached", late)
        assert Case.objects.get(pk=self.case.pk).due_at > late

    def test_a_clock_settled_meanwhile_is_left_alone(self):
        clock = Clock.objects.get(case=self.case)
        with self.act():
            clocks.meet(self.case, "fraud_triage", at=AT)
        with nothing_written():
            assert sweeps._end(clock.pk, self.case.pk, now=AT + timedelta(days=30)) == 0
