"""Markers expire, ends start their retention, and everyone on a case has a class and a date."""

from datetime import UTC, date, datetime, timedelta

from django.test import TestCase

from cases.kernel import casetypes, record, retention, transitions
from cases.kernel.actors import system
from cases.kernel.models import Case, CaseParty, Clock, Hold, Letter, OutboxMessage, Release, Task
from cases.kernel.timing import sweeps
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT, FILED_AT

VICTIM_OVER = datetime(2027, 12, 17, 3, 0, tzinfo=UTC)
ADVERSE_OVER = datetime(2032, 11, 17, 3, 0, tzinfo=UTC)

# Class, closing date and last day of keeping for each end, by hand from the retention schedule.
ENDS = {
    "no_action": ("fraud_not_filed", date(2026, 11, 14), date(2027, 11, 14)),
    "refused": ("fraud_not_filed", date(2026, 11, 14), date(2027, 11, 14)),
    "removed": ("fraud_removed", date(2026, 11, 16), date(2027, 11, 16)),
    "expired": ("fraud_expired", date(2032, 11, 17), date(2032, 11, 17)),
}


def people_of(case):
    rows = CaseParty.objects.filter(case=case).order_by("number")
    return list(rows.values_list("number", "retention_class", "closed_date", "dispose_after_date"))


class MarkersAndRetention(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.filed = factories.filed(cls.people)

    def test_markers_of_f1_expire_on_the_designs_days(self):
        clocks = Clock.objects.filter(case=self.filed, rule__startswith="k24_").order_by("party__number")
        assert [(clock.party.number, clock.rule, clock.due_date, clock.explanation) for clock in clocks] == [
            (
                1,
                "k24_adverse",
                date(2032, 11, 16),
                "Adverse marker expires: 6 years after 16 November 2026, so 16 November 2032. "
                "Membership agreement with the fraud prevention agency, its handbook: how long a marker is kept.",
            ),
            (
                2,
                "k24_victim",
                date(2027, 12, 16),
                "Victim marker expires: 13 months after 16 November 2026, so 16 December 2027. "
                "Membership agreement with the fraud prevention agency, its handbook: how long a marker is kept.",
            ),
        ]
        assert Case.objects.get(pk=self.filed.pk).due_at is None  # an expiry asks for no work

    def test_filing_gives_each_person_the_class_of_their_marker(self):
        assert people_of(self.filed) == [
            (1, "fraud_adverse", None, date(2032, 11, 16)),
            (2, "fraud_victim", None, date(2027, 12, 16)),
        ]
        assert (self.filed.retention_class, self.filed.is_closed) == ("fraud_adverse", False)

    def test_letter_goes_to_the_victim_alone(self):
        letter = Letter.objects.get(case=self.filed)
        assert (letter.template, letter.party.number, letter.state) == ("n11", 2, "due")
        assert letter.retention_class == "letter"

    def test_the_victims_marker_ends_first_and_the_filing_stands(self):
        assert sweeps.end_due_clocks(now=VICTIM_OVER) == 1
        assert sweeps.end_due_clocks(now=VICTIM_OVER + timedelta(days=1)) == 0
        states = dict(Clock.objects.filter(case=self.filed, rule__startswith="k24_").values_list("rule", "state"))
        assert states == {"k24_adverse": "running", "k24_victim": "met"}
        assert Case.objects.get(pk=self.filed.pk).state == "filed"
        assert not Task.objects.filter(case=self.filed).exists()

    def test_the_last_marker_ends_the_case_with_its_dates(self):
        sweeps.end_due_clocks(now=VICTIM_OVER)
        assert sweeps.end_due_clocks(now=ADVERSE_OVER) == 1
        case = Case.objects.get(pk=self.filed.pk)
        assert (case.state, case.is_closed) == ("expired", True)
        assert (case.retention_class, case.closed_date, case.dispose_after_date) == ENDS["expired"]
        assert people_of(case) == [
            (1, "fraud_adverse", date(2032, 11, 17), date(2032, 11, 16)),
            (2, "fraud_victim", date(2032, 11, 17), date(2027, 12, 16)),
        ]
        assert not Clock.objects.filter(case=case, state="running").exists()
        last = LedgerEvent.objects.filter(stream=case.uid).order_by("-seq").first()
        assert (last.action, last.actor) == ("fraud_referral.expire", "system:clocks")
        assert sweeps.end_due_clocks(now=ADVERSE_OVER + timedelta(days=1)) == 0

    def test_both_markers_over_at_once_end_the_case_once(self):
        assert sweeps.end_due_clocks(now=ADVERSE_OVER) == 2
        assert Case.objects.get(pk=self.filed.pk).state == "expired"
        assert LedgerEvent.objects.filter(stream=self.filed.uid, action="fraud_referral.expire").count() == 1

    def test_a_case_on_hold_does_not_keep_others_from_expiring(self):
        held = factories.filed(self.people)
        with record.act(held, "tests.hold", actor=system("tests"), at=AT):
            hold = Hold.objects.create(case=held, kind="legal", blocks=["expire"], source="tests", began_at=AT)
            early = Clock.objects.filter(case=held, rule="k24_victim").get()
            early.due_at -= timedelta(days=9)  # the first in the queue
            early.save()
        assert sweeps.end_due_clocks(now=ADVERSE_OVER) == 3
        assert sweeps.end_due_clocks(now=ADVERSE_OVER) == 0
        assert Case.objects.get(pk=self.filed.pk).state == "expired"
        assert Case.objects.get(pk=held.pk).state == "filed"
        with record.act(held, "tests.hold", actor=system("tests"), at=AT):
            hold.released_at = ADVERSE_OVER
            hold.save()
        assert sweeps.end_due_clocks(now=ADVERSE_OVER) == 1
        assert Case.objects.get(pk=held.pk).state == "expired"

    def test_a_marker_is_counted_from_the_day_the_agency_says(self):
        case = factories.submitted(self.people)
        transitions.apply(
            case.pk,
            "file",
            actor=factories.fpa(),
            at=FILED_AT + timedelta(days=3),
            occurred_at=FILED_AT,
            inputs={"agency_reference": "SFR-2026-0004418"},
        )
        due = Clock.objects.filter(case=case, rule__startswith="k24_").values_list("due_date", flat=True)
        assert sorted(due) == [date(2027, 12, 16), date(2032, 11, 16)]

    def test_a_case_closed_without_filing_takes_its_people_with_it(self):
        closed = factories.investigating(self.people)
        transitions.apply(closed.pk, "close_no_action", actor=self.people["a.byrne"], at=AT, reason="A mistake.")
        refused = factories.ready(self.people)
        transitions.apply(refused.pk, "refuse", actor=self.people["d.osei"], at=AT, reason="Too thin.")
        for pk, state in ((closed.pk, "no_action"), (refused.pk, "refused")):
            case = Case.objects.get(pk=pk)
            assert (case.state, case.is_closed) == (state, True)
            assert (case.retention_class, case.closed_date, case.dispose_after_date) == ENDS[state]
            assert people_of(case) == [(number, *ENDS[state]) for number in (1, 2)]
            assert not Clock.objects.filter(case=case, state__in=["running", "paused"]).exists()
            assert case.due_at is None

    def test_each_end_of_each_kind_has_a_known_class(self):
        for casetype in casetypes.all_types():
            assert casetype.retention_class in retention.CLASSES
            for state in casetype.lifecycle.states:
                if state.is_terminal:
                    # A state without one keeps the class that the case was given while it was open.
                    assert (state.retention_class or casetype.retention_class) in retention.CLASSES, state.code
        assert {state.code for state in casetypes.get("fraud_referral").lifecycle.states if state.is_terminal} == set(
            ENDS
        )

    def test_every_other_personal_record_has_its_class(self):
        known = set(retention.CLASSES)
        for model in (Case, CaseParty, Letter, Release):
            assert set(model.objects.values_list("retention_class", flat=True)) <= known
        keys = OutboxMessage.objects.values_list("key__retention_class", flat=True)
        assert set(keys) == {"message_body"}

    def test_periods_are_the_schedules(self):
        months = {code: retention.CLASSES[code].months for code in retention.CLASSES if code.startswith("fraud_")}
        assert months == {
            "fraud_not_filed": 12,
            "fraud_adverse": 72,
            "fraud_victim": 13,
            "fraud_protective": 24,
            "fraud_removed": 12,
            "fraud_expired": 0,
        }
