"""Somebody of a referral is in a moratorium: it is held at once, and the adviser is asked to review it (K14)."""

from datetime import date, timedelta
from unittest.mock import patch

import pytest
from django.test import TestCase

from cases.fraud import moratoria
from cases.kernel import edits, holds, intake, locks, record, transitions
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Hold, Job, JobRow
from cases.ledger import verify
from tests import factories
from tests import requests_of_people as rights
from tests.kernel import test_common_moves as common

pytestmark = pytest.mark.django_db
AWAY = {
    "sct": {"town": "Edinburgh", "postcode": "EH1 0ZZ"},
    "nir": {"town": "Belfast", "postcode": "BT1 0ZZ"},
}


@pytest.mark.parametrize("kind", ["breathing_space", "mental_health_crisis"])
@pytest.mark.parametrize("part", sorted(AWAY))
def test_a_moratorium_of_somebody_whose_address_is_elsewhere_is_held_and_reviewed(part, kind):
    """The register's entry counts, and our address may be old: regulations of England and Wales say how long."""
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.add_address(1, "current", line_1="1 Drama Street", **AWAY[part])
    assert case.parties.get(number=1).addresses.filter(kind="current", jurisdiction=part).exists()
    said = {"source": "adviser", "reason": "Notice of the moratorium service.", "person": 1}
    holds.enter(case.pk, kind, actor=people["a.byrne"], at=factories.AT, **said)
    hold = Hold.objects.get(case=case)
    assert (hold.kind, hold.party.number, "contact" in hold.blocks) == (kind, 1, True)
    clock = case.clocks.get(rule="k14_ask_review")
    assert (clock.state, clock.due_date, clock.jurisdiction) == ("running", date(2026, 12, 3), "eaw")
    assert case.tasks.filter(kind="fraud_ask_review", closed_at=None).count() == 1


@pytest.mark.parametrize(
    ("role", "is_innocent", "is_asked"),
    [
        ("account_holder", False, True),
        ("third_party_fraudster", False, False),
        ("account_holder", True, False),
    ],
)
def test_a_moratorium_on_another_case_of_the_account_asks_only_where_its_holder_did_it(role, is_innocent, is_asked):
    """SI 2020/1311 reg 5(4)(c): the debtor's own fraud; what somebody else ran up in their name is eligible."""
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(1, role=role, is_innocent=is_innocent)
    values = {**rights.PERSON["values"], "account_reference": factories.FACTS["account_reference"]}
    elsewhere = intake.open_case(
        rights.REQUEST,
        actor=people[rights.OFFICER],
        at=factories.AT,
        facts={"right": "access", "came_by": "letter"},
        people=[{**rights.PERSON, "values": values}],
    )
    said = {"source": "adviser", "reason": "Notice of the moratorium service."}
    for _ in range(2):
        holds.enter(elsewhere.pk, "breathing_space", actor=people[rights.OFFICER], at=factories.AT, **said)
    found = [(row.kind, row.detail) for row in case.tasks.filter(closed_at=None, kind="fraud_ask_review")]
    assert found == [("fraud_ask_review", {})] * is_asked
    assert [clock.due_date for clock in case.clocks.filter(rule="k14_ask_review")] == [date(2026, 12, 3)] * is_asked
    assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}


class ElsewhereMeanwhile(TestCase):
    """A moratorium of the account's holder on another case, which the referral could not hear of as it began."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)
        values = {**rights.PERSON["values"], "account_reference": factories.FACTS["account_reference"]}
        cls.elsewhere = intake.open_case(
            rights.REQUEST,
            actor=cls.people[rights.OFFICER],
            at=factories.AT,
            facts={"right": "access", "came_by": "letter"},
            people=[{**rights.PERSON, "values": values}],
        )

    def say_who_did_it(self):
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=factories.AT) as edit:
            edit.party(1, role="account_holder")

    def hold(self):
        said = {"source": "adviser", "reason": "Notice of the moratorium service."}
        officer = self.people[rights.OFFICER]
        return holds.enter(self.elsewhere.pk, "breathing_space", actor=officer, at=factories.AT, **said)

    def work(self, *, days=0):
        at = factories.AT + timedelta(days=days)
        jobs.start_daily(now=at)
        jobrun.work(clock=lambda: at, seconds=60)
        rows = JobRow.objects.filter(job__kind=moratoria.LOOK, job__asked_at=at).exclude(job__key="")
        return list(rows.values_list("state", "reason"))

    def asked(self):
        due = self.case.clocks.filter(rule="k14_ask_review").values_list("due_date", flat=True)
        return self.case.tasks.filter(kind="fraud_ask_review").count(), list(due)

    def test_one_that_somebody_works_on_at_that_moment_is_asked_right_after_and_once(self):
        self.say_who_did_it()
        with patch("cases.kernel.locks.another_for_update", side_effect=locks.CaseBusy):
            hold = self.hold()
        job = Job.objects.get(kind=moratoria.LOOK)
        assert (job.params, self.asked()) == ({"hold": hold.pk}, (0, []))
        jobrun.work(clock=lambda: factories.AT, seconds=60)
        assert self.asked() == (1, [date(2026, 12, 3)])
        for days in (0, 1):
            assert self.work(days=days) == []
        task = self.case.tasks.get(kind="fraud_ask_review")
        edits.close_task(self.case.pk, task.pk, actor=self.people["a.byrne"], at=factories.AT, reason="Asked them.")
        assert (self.work(days=2), self.asked()) == ([], (1, [date(2026, 12, 3)]))
        self.hold()  # the same moratorium on the same case again
        assert self.asked() == (1, [date(2026, 12, 3)])
        assert {each.level for each in verify.verify_stream(self.case.uid)} <= {"recorded late"}

    def test_one_that_says_only_later_who_did_it_is_asked_by_the_look_of_the_day(self):
        self.hold()
        assert (self.work(), self.asked()) == ([], (0, []))
        self.say_who_did_it()
        assert (self.work(days=1), self.asked()) == ([("done", "")], (1, [date(2026, 12, 3)]))

    def test_nobody_is_asked_once_the_days_for_it_are_over_or_the_hold_is(self):
        hold = self.hold()
        self.say_who_did_it()
        with self.subTest("over"):
            assert (self.work(days=25), self.asked()) == ([("skipped", "nothing_to_ask")], (0, []))
        with record.act(self.elsewhere, "tests.released", actor=factories.job(), at=factories.AT):
            hold.released_at = factories.AT
            hold.save(update_fields=["released_at"])
        assert (self.work(days=1), self.asked()) == ([], (0, []))

    def test_whoever_may_see_the_referral_alone_reads_which_it_was(self):
        subjects = [f"{self.case.pk}:1", "0:1"]
        kind = jobs.KINDS[moratoria.LOOK]
        assert kind.names(self.people["a.byrne"], subjects) == {subjects[0]: self.case.reference}
        assert kind.names(self.people["o.thackray"], subjects) == {}


@pytest.mark.parametrize(("reason", "is_asked"), [("subject_innocent", False), ("error", False), ("duplicate", True)])
def test_nobody_asks_to_review_the_moratorium_of_somebody_whose_filing_comes_down(reason, is_asked):
    """It was no fraud of theirs, so their debt is eligible; of a duplicate another filing says that it was."""
    people = factories.office()
    case = factories.filed(people)
    said = {"source": "adviser", "reason": "Notice of the moratorium service.", "person": 1}
    holds.enter(case.pk, "breathing_space", actor=people["a.byrne"], at=factories.FILED_AT, **said)
    assert case.tasks.filter(kind="fraud_ask_review", closed_at=None).count() == 1
    given = {"actor": people["d.osei"], "at": factories.FILED_AT, "inputs": {"reason_code": reason}}
    transitions.apply(case.pk, "remove", **given)
    assert case.tasks.filter(kind="fraud_ask_review", closed_at=None).exists() == is_asked
    assert case.clocks.get(rule="k14_ask_review").state == ("running" if is_asked else "cancelled")


class NoFraudAfterAll(TestCase):
    """A moratorium on a referral itself: whether somebody asks to review it goes with what the referral says."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)
        cls.hold = cls.held(cls.case)

    @classmethod
    def held(cls, case, **more):
        said = {"source": "adviser", "reason": "Notice of the moratorium service.", "person": 1, **more}
        return holds.enter(case.pk, "breathing_space", actor=cls.people["a.byrne"], at=factories.AT, **said)

    def asked(self, case=None):
        case = case or self.case
        clocks = case.clocks.filter(rule="k14_ask_review", ended_at=None).values_list("due_date", flat=True)
        return case.tasks.filter(kind="fraud_ask_review", closed_at=None).count(), list(clocks)

    def close(self, case=None):
        case = case or self.case
        given = {"actor": self.people["a.byrne"], "at": factories.AT, "reason": "Not enough evidence."}
        return transitions.apply(case.pk, "close_no_action", **given)

    ASKED = (1, [date(2026, 12, 3)])

    def tearDown(self):
        assert {each.level for each in verify.verify_stream(self.case.uid)} <= {"recorded late"}

    def test_nobody_asks_once_it_is_closed_without_filing_and_somebody_does_once_it_is_opened_again(self):
        assert self.asked() == self.ASKED
        case = self.close()
        assert (self.asked(), case.due_at) == ((0, []), None)
        common.agreed(case, "reopen", self.people)
        assert self.asked() == self.ASKED

    def test_one_that_is_opened_again_when_the_days_are_over_asks_nobody(self):
        case = factories.referred(self.people, incident_reference="DET-9")
        transitions.apply(case.pk, "take", actor=self.people["a.byrne"], at=factories.AT)
        self.held(case, began_at=factories.AT - timedelta(days=25))
        common.agreed(self.close(case), "reopen", self.people)
        assert self.asked(case) == (0, [])

    def test_what_somebody_has_asked_for_is_not_asked_for_again(self):
        task = self.case.tasks.get(kind="fraud_ask_review")
        edits.close_task(self.case.pk, task.pk, actor=self.people["a.byrne"], at=factories.AT, reason="Asked them.")
        common.agreed(self.close(), "reopen", self.people)
        assert self.asked() == (0, [])

    def test_a_referral_closed_for_another_of_the_same_incident_is_asked_about_still(self):
        """The other says that it was fraud, and the hold is on this one."""
        case = factories.referred(self.people, incident_reference="DET-9")
        factories.referred(self.people, incident_reference="DET-9")
        transitions.apply(case.pk, "take", actor=self.people["a.byrne"], at=factories.AT)
        self.held(case)
        self.close(case)
        assert self.asked(case) == self.ASKED

    def test_whoever_is_found_innocent_is_asked_about_no_more_until_it_was_them_after_all(self):
        for is_innocent, found in ((True, (0, [])), (False, self.ASKED)):
            with edits.change(self.case.pk, actor=self.people["a.byrne"], at=factories.AT) as edit:
                edit.party(1, is_innocent=is_innocent)
            assert self.asked() == found

    def test_whoever_is_taken_out_is_asked_about_no_more(self):
        given = {"actor": self.people["a.byrne"], "at": factories.AT, "reason": "Somebody else."}
        transitions.apply(self.case.pk, "detach", inputs={"person": "1"}, **given)
        assert self.asked() == (0, [])

    def test_a_moratorium_that_is_over_is_asked_about_no_more(self):
        common.agreed(self.case, "release_hold", self.people, inputs={"hold": str(self.hold.pk)})
        assert self.asked() == (0, [])
