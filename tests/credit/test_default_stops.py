"""A default on its way to several agencies: one that refuses or cannot be told, a hold that comes and goes, and what
may be opened, corrected and written beside it."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.accounts.models import BureauTold
from cases.credit.defaults import callbacks, opening
from cases.credit.defaults.models import Default
from cases.kernel import edits, holds, transitions
from cases.kernel.linking import detaching
from cases.kernel.models import Case, Channel, Letter, OutboxMessage, Release, Task
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from tests import associations, defaults, factories
from tests.kernel.snapshots import nothing_written

OVER = defaults.OVER
LATER = OVER + timedelta(days=1)


def letters(case):
    return sorted(Letter.objects.filter(case=case).values_list("template", flat=True))


def told(case, after=0):
    """Return agency, status, default date and reason of every message to an agency, in order."""
    rows = OutboxMessage.objects.filter(case=case, kind="cra_correct", pk__gt=after).order_by("pk")
    bodies = [(row.channel.agency.code[-1], factories.body_of(row)) for row in rows]
    return [(letter, body["new"], body["default_date"], body["reason"]) for letter, body in bodies]


def newest():
    return OutboxMessage.objects.latest("pk").pk


def rewrite(row, **values):
    """Write columns of a tracked row that no step writes so."""
    with ledger.action(uuid4(), "tests.rewritten", actor="tests", at=OVER):
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=list(values))


def lose_channel(letter):
    rewrite(Channel.objects.get(agency__code=f"sandbox-bureau-{letter}", direction="out"), state="disabled")


class OnItsWay(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def hold_comes_and_goes(self, case):
        steward = self.people[defaults.STEWARD]
        hold = holds.enter(case.pk, "complaint", actor=steward, at=OVER, source="customer")
        transitions.apply(case.pk, "release_hold", actor=steward, at=OVER, reason="Over.", inputs={"hold": hold.pk})
        if case.approvals.filter(closed_at=None).exists():
            associations.agree(case, self.people[defaults.APPROVER], OVER)
        assert not hold.__class__.objects.filter(pk=hold.pk, released_at=None).exists()

    def test_what_a_hold_left_half_told_is_taken_back_when_the_hold_has_ended_before_anybody_looked(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="a")
        self.hold_comes_and_goes(case)
        before = newest()
        case = defaults.look(case, LATER)
        assert (case.state, defaults.facts(case).default_date) == ("arrears", None)
        assert told(case, before) == [("a", "3", "", "withdrawn")]
        assert letters(case) == ["default_n4", "default_n4_withdrawn"]

    def test_what_every_agency_has_before_a_hold_comes_and_goes_is_filed(self):
        case = defaults.approved_and_taken(self.people)
        self.hold_comes_and_goes(case)
        assert defaults.look(case, LATER).state == "filed"

    def test_one_agency_that_cannot_be_told_keeps_no_other_from_hearing_of_a_payment_or_a_correction(self):
        case = defaults.filed(self.people)
        steward = self.people[defaults.STEWARD]
        lose_channel("b")
        for step, inputs, last in (
            ("part_satisfy", {"amount_pence": 400}, "part_satisfied"),
            ("correct", {**defaults.EARLIER, "default_pence": 11000}, "corrected"),
            ("satisfy", {**defaults.PAID, "amount_pence": 10600}, "satisfied"),
        ):
            before = newest()
            defaults.step(case, step, steward, OVER, **inputs)
            if step == "correct":
                associations.agree(case, self.people[defaults.APPROVER], OVER)
            assert [(each[0], each[3]) for each in told(case, before)] == [("a", last), ("c", last)]
        by_hand = Task.objects.filter(case=case, kind="correction_by_hand", closed_at=None)
        assert [each.detail for each in by_hand] == [
            {"agency": "sandbox-bureau-b", "change": "amended", "cause": "NoChannel"}
        ] * 3

    def test_one_agency_that_cannot_be_told_keeps_no_other_from_hearing_that_there_is_no_default(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="ab")
        lose_channel("a")
        before = newest()
        case = defaults.step(case, "withdraw", self.people[defaults.STEWARD], OVER, ground="disputed")
        assert (case.state, told(case, before)) == ("arrears", [("b", "3", "", "withdrawn")])
        (task,) = Task.objects.filter(case=case, kind="correction_by_hand")
        assert task.detail == {"agency": "sandbox-bureau-a", "change": "removed", "cause": "NoChannel"}

    def test_a_default_is_recorded_everywhere_or_nowhere(self):
        case = defaults.due(self.people)
        lose_channel("c")
        with nothing_written(counted=1), pytest.raises(Exception, match="no channel"):
            defaults.step(case, "approve", self.people[defaults.APPROVER], OVER, **defaults.DATED)

    def refuse(self, case, letter):
        rows = OutboxMessage.objects.filter(case=case, channel__agency__code=f"sandbox-bureau-{letter}")
        message = rows.latest("pk")
        OutboxMessage.objects.filter(pk=message.pk).update(state="refused", attempts=1)
        message.refresh_from_db()
        callbacks.refused(Case.objects.get(pk=case.pk), message, [{"pointer": "/data", "code": "locked"}], at=OVER)
        return Task.objects.get(case=case, kind="default_refused", closed_at=None)

    def close(self, case, task):
        edits.close_task(
            case.pk, task.pk, actor=self.people[defaults.STEWARD], at=OVER, reason="They had a lock on it."
        )

    def test_a_refusal_is_looked_at_and_the_agency_is_told_again_so_that_the_default_is_filed(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="ac")
        task, before = self.refuse(case, "b"), newest()
        assert defaults.look(case, OVER).state == "approved"
        self.close(case, task)
        assert told(case, before) == [("b", "8", "2026-12-29", "told_again")]
        assert factories.body_of(OutboxMessage.objects.latest("pk"))["old"] == "3"
        assert defaults.taken(case, letters_of="b").state == "filed"

    def test_an_agency_that_never_took_a_default_is_not_told_again_once_it_was_withdrawn(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="ac")
        task = self.refuse(case, "b")
        case = defaults.step(case, "withdraw", self.people[defaults.STEWARD], OVER, ground="disputed")
        task.refresh_from_db()
        assert task.closed_at is not None
        task, before = self.refuse(case, "b"), newest()
        self.close(case, task)
        assert told(case, before) == []

    def test_a_message_that_was_given_up_becomes_work_once_and_is_told_again(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="ac")
        lost = OutboxMessage.objects.get(case=case, channel__agency__code="sandbox-bureau-b")
        OutboxMessage.objects.filter(pk=lost.pk).update(state="skipped", attempts=9)
        defaults.look(defaults.look(case, OVER), OVER)
        (task,) = Task.objects.filter(case=case, kind="default_refused", closed_at=None)
        assert task.detail == {"agency": "sandbox-bureau-b", "codes": ["given_up"]}
        before = newest()
        self.close(case, task)
        assert told(case, before) == [("b", "8", "2026-12-29", "told_again")]

    def test_a_refused_removal_is_told_again_after_the_case_has_ended(self):
        case = defaults.removed(self.people)
        task, before = self.refuse(case, "c"), newest()
        self.close(case, task)
        assert told(case, before) == [("c", "3", "", "told_again")]

    def test_a_default_that_a_hold_stops_is_not_told_again(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="ac")
        task = self.refuse(case, "b")
        holds.enter(case.pk, "complaint", actor=self.people[defaults.STEWARD], at=OVER, source="customer")
        before = newest()
        self.close(case, task)
        assert told(case, before) == []
        defaults.look(case, OVER)
        # In dispute, and no file told of it before: not known, as the next file says.
        assert {(new, reason) for _, new, _, reason in told(case, before)} == {("U", "withdrawn")}

    def test_what_an_agency_has_is_what_the_message_said_that_it_took(self):
        case = defaults.approved(self.people)
        first = OutboxMessage.objects.filter(case=case, channel__agency__code="sandbox-bureau-a").get()
        case = defaults.step(
            defaults.taken(case), "part_satisfy", self.people[defaults.STEWARD], OVER, amount_pence=400
        )
        callbacks.delivered(case, first, at=OVER)
        kept = BureauTold.objects.filter(account=case.default.account_id).order_by("agency__code")
        assert list(kept.values_list("balance_pence", flat=True)) == [11400, 11400, 11400]
        defaults.taken(case, letters_of="b")
        assert list(kept.values_list("balance_pence", flat=True)) == [11400, 11000, 11400]

    def test_the_agencies_are_told_of_the_people_whom_a_default_is_about(self):
        case = defaults.filed(self.people)
        person = case.parties.get()
        rows = Release.objects.filter(case=case, message_kind="cra_correct", people__party=person)
        assert rows.count() == 3
        assert len(detaching.told_by_filing(case, person)) == 3


class Beside(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def opens(self, case, at=LATER):
        return case.default.account_id in set(opening.in_arrears())

    def test_what_was_taken_off_or_void_makes_no_case_again_of_the_same_arrears(self):
        for case in (defaults.removed(self.people), self.void(defaults.arrears(self.people))):
            assert not self.opens(case)
            with nothing_written(), pytest.raises(opening.NotInArrears):
                opening.open_arrears(case.default.account_id, at=LATER)
            defaults.tell_again(case, at=LATER, oldest_unpaid_date=LATER.date().isoformat(), payments_behind="1")
            assert self.opens(case)

    def void(self, case):
        transitions.apply(case.pk, "void", actor=self.people[defaults.STEWARD], at=OVER, reason="Opened in error.")
        return associations.agree(case, self.people[defaults.APPROVER], OVER)

    def test_a_cured_case_is_not_opened_again_beside_an_open_one(self):
        old = defaults.cured(self.people)
        case = defaults.tell_again(old, at=LATER, payments_behind="1", balance_pence="3800")
        other = opening.open_arrears(old.default.account_id, at=LATER)
        transitions.apply(case.pk, "reopen", actor=self.people[defaults.STEWARD], at=LATER, reason="Wrong.")
        with pytest.raises(opening.NotInArrears, match=f"{other.reference} is about the same account"):
            associations.agree(case, self.people[defaults.APPROVER], LATER)
        assert Case.objects.get(pk=old.pk).state == "cured"

    def test_an_account_has_one_default(self):
        case, other = defaults.due(self.people), defaults.filed(self.people)
        rewrite(Default.objects.get(pk=other.pk), account_id=case.default.account_id)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match=f"already: {other.reference}"):
            defaults.step(case, "approve", self.people[defaults.APPROVER], OVER, **defaults.DATED)

    def test_a_default_is_not_corrected_to_a_day_before_the_arrears_or_beyond_its_six_years(self):
        case = defaults.filed(self.people)
        for day, sentence in (
            (date(1, 1, 1), "No payment was missed before 5 August 2026"),
            (date(2026, 8, 4), "No payment was missed before 5 August 2026"),
        ):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(
                    case, "correct", self.people[defaults.STEWARD], OVER, **{**defaults.EARLIER, "default_date": day}
                )
        rewrite(Default.objects.get(pk=case.pk), first_missed_date=None)
        for day in (date(1, 1, 1), date(2020, 12, 29)):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match="six years on file would be over"):
                defaults.step(
                    case, "correct", self.people[defaults.STEWARD], OVER, **{**defaults.EARLIER, "default_date": day}
                )

    def test_whoever_was_told_of_a_default_to_come_or_of_an_arrangement_hears_that_it_ended(self):
        case = defaults.step(
            defaults.approved(self.people), "withdraw", self.people[defaults.STEWARD], OVER, ground="disputed"
        )
        assert letters(case) == ["default_n4", "default_n4_withdrawn"]
        case = defaults.look(defaults.missed(self.people), OVER)
        assert (case.state, letters(case)) == ("arrears", ["default_n4", "default_n4_plan_over"])
