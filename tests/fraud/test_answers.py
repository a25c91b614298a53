"""What the agency's answers do to a referral, in order, twice, late, and from somebody else."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import TestCase

from cases.kernel import actors, casetypes, record, transitions
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange.misfits import DoesNotFit
from cases.kernel.models import Agency, Case, Letter, OutboxMessage, Task
from tests import factories
from tests.factories import APPROVED_AT, FILED_AT
from tests.kernel.snapshots import nothing_written, undone

ERRORS = [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}]


class AnswersOfAnAgency(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.approved = factories.approved(cls.people)
        cls.corrected = factories.rejected(cls.people)
        byrne, osei = cls.people["a.byrne"], cls.people["d.osei"]
        transitions.apply(cls.corrected.pk, "correct", actor=byrne, at=APPROVED_AT)
        transitions.apply(
            cls.corrected.pk, "submit", actor=byrne, at=APPROVED_AT, inputs={"pillars": factories.MAKER_ANSWERS}
        )
        transitions.apply(cls.corrected.pk, "approve", actor=osei, at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)

    def setUp(self):
        self.casetype = casetypes.get("fraud_referral")

    def message(self, case, seq=1, kind="fpa_file"):
        return OutboxMessage.objects.get(case=case, seq=seq, kind=kind)

    def say(self, case, kind, *, message=None, agency="sandbox-fraud-register", at=FILED_AT, occurred_at=None, **data):
        row = Agency.objects.get(code=agency)
        content = Content(
            type=kind,
            agency_code=row.code,
            agency_kind=row.kind,
            agency_reference=data.pop("reference", "SFR-2026-0004417"),
            agency_sequence=1,
            occurred_at=occurred_at,
            data=data,
            message=message,
            callback_uid=uuid4(),
        )
        self.casetype.callbacks[kind](Case.objects.get(pk=case.pk), content, actor=actors.agency(row), at=at)
        return Case.objects.get(pk=case.pk)

    def test_a_filing_that_comes_before_our_own_note_of_delivery(self):
        case = self.say(self.approved, "fpa.filed", message=self.message(self.approved))
        assert (case.state, case.fraud_referral.filing_reference) == ("filed", "SFR-2026-0004417")
        assert case.fraud_referral.filed_date == date(2026, 11, 16)
        self.casetype.delivered["fpa_file"](case, self.message(case), at=FILED_AT)
        assert Case.objects.get(pk=case.pk).state == "filed"

    def test_the_same_answer_twice_is_already_there(self):
        case = self.say(self.approved, "fpa.filed", message=self.message(self.approved))
        with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
            self.say(case, "fpa.filed", message=self.message(case))

    def test_a_refusal_of_what_it_said_that_it_had_filed_is_left_to_people_while_that_stands(self):
        case = self.say(self.approved, "fpa.filed", message=self.message(self.approved))
        OutboxMessage.objects.filter(case=case).update(state="acknowledged")
        osei, sowande = self.people["d.osei"], self.people["i.sowande"]
        for name, actor, inputs in (
            (None, None, {}),
            ("dispute", sowande, {"grounds": "innocent", "subject": "2"}),
            ("remove", osei, {"reason_code": "error"}),
        ):
            if name:
                transitions.apply(case.pk, name, actor=actor, at=FILED_AT, inputs=inputs)
            with nothing_written(), pytest.raises(DoesNotFit, match="refuses what it said that it had filed"):
                self.say(case, "fpa.rejected", message=self.message(case), errors=ERRORS)
        case = self.say(case, "fpa.removed")
        with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):  # nothing stands there any more
            self.say(case, "fpa.rejected", message=self.message(case), errors=ERRORS)

    def test_a_filing_of_what_it_had_refused_is_left_to_people_until_it_is_sent_anew(self):
        message = self.message(self.approved)
        case = self.say(self.approved, "fpa.rejected", message=message, errors=ERRORS)
        byrne = self.people["a.byrne"]
        for name in (None, "correct", "close_no_action"):
            if name:
                transitions.apply(case.pk, name, actor=byrne, at=FILED_AT, reason="Nothing is left of it.")
            with nothing_written(), pytest.raises(DoesNotFit, match="filed what it had refused"):
                self.say(case, "fpa.filed", message=message)

    def test_other_errors_of_the_same_filing_are_left_to_people_and_the_same_are_there(self):
        message = self.message(self.approved)
        case = self.say(self.approved, "fpa.rejected", message=message, errors=ERRORS)
        with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
            self.say(case, "fpa.rejected", message=message, errors=ERRORS)
        more = [*ERRORS, {"pointer": "/product", "code": "UNKNOWN_PRODUCT"}]
        with nothing_written(), pytest.raises(DoesNotFit, match="other errors of the same filing"):
            self.say(case, "fpa.rejected", message=message, errors=more)

    def test_a_second_reference_for_the_filing_is_left_to_people_in_whatever_state_it_stands(self):
        message = self.message(self.approved)
        case = self.say(self.approved, "fpa.filed", message=message)
        for name in (None, "dispute"):
            if name:
                inputs = {"grounds": "innocent", "subject": "2"}
                transitions.apply(case.pk, name, actor=self.people["i.sowande"], at=FILED_AT, inputs=inputs)
            with nothing_written(), pytest.raises(transitions.TransitionRefused, match="may stand there twice") as why:
                self.say(case, "fpa.filed", message=message, reference="SFR-2026-0009999")
            assert not isinstance(why.value, transitions.AlreadyThere)
        assert Case.objects.get(pk=case.pk).fraud_referral.filing_reference == "SFR-2026-0004417"

    def test_field_errors_are_kept_as_codes_and_places_alone(self):
        errors = [{**ERRORS[0], "detail": "born 9 March 1984"}, {"pointer": "/" + "x" * 500, "code": "y" * 500}]
        case = self.say(self.approved, "fpa.rejected", message=self.message(self.approved), errors=errors)
        assert case.state == "rejected"
        assert case.fraud_referral.field_errors == [ERRORS[0], {"pointer": "/" + "x" * 119, "code": "y" * 80}]
        assert Task.objects.get(case=case, kind="fraud_field_errors").detail["codes"][0] == ERRORS[0]["code"]

    def test_a_late_refusal_of_what_was_replaced_does_not_refuse_the_correction(self):
        old = self.message(self.corrected)
        with nothing_written(), pytest.raises(transitions.AlreadyThere, match="The answer is to an earlier filing."):
            self.say(self.corrected, "fpa.rejected", message=old, errors=ERRORS)
        with nothing_written():
            self.casetype.refused["fpa_file"](self.corrected, old, ERRORS, at=FILED_AT)
            self.casetype.delivered["fpa_file"](Case.objects.get(pk=self.corrected.pk), old, at=FILED_AT)
        assert Case.objects.get(pk=self.corrected.pk).state == "approved"

    def test_a_filing_of_what_was_replaced_is_left_to_people(self):
        old, new = self.message(self.corrected), self.message(self.corrected, 2)
        with nothing_written(), pytest.raises(transitions.TransitionRefused) as refusal:
            self.say(self.corrected, "fpa.filed", message=old)
        assert not isinstance(refusal.value, transitions.AlreadyThere)
        assert self.say(self.corrected, "fpa.filed", message=new).state == "filed"

    def test_a_filing_of_what_was_taken_back_is_left_to_people(self):
        transitions.apply(
            self.approved.pk, "withdraw", actor=self.people["d.osei"], at=APPROVED_AT, reason="Wrong account."
        )
        with nothing_written(), pytest.raises(transitions.TransitionRefused, match="replaced or taken back"):
            self.say(self.approved, "fpa.filed", message=self.message(self.approved))

    def test_a_date_in_the_future_is_not_believed(self):
        later = FILED_AT + timedelta(days=400)
        case = self.say(self.approved, "fpa.filed", message=self.message(self.approved), occurred_at=later)
        assert case.fraud_referral.filed_date == date(2026, 11, 16)

    def test_a_date_before_the_discovery_is_left_to_people(self):
        long_ago = self.approved.opened_at - timedelta(days=3000)
        with nothing_written(), pytest.raises(transitions.TransitionRefused, match="before the fraud was discovered"):
            self.say(self.approved, "fpa.filed", message=self.message(self.approved), occurred_at=long_ago)

    def test_an_odd_list_of_errors_still_sends_the_case_back(self):
        for errors in ("none", [None, "x", ERRORS[0]]):
            with transaction.atomic():
                case = self.say(self.approved, "fpa.rejected", message=self.message(self.approved), errors=errors)
                assert case.state == "rejected"
                transaction.set_rollback(True)

    def test_an_enquiry_moves_nothing_and_asks_somebody(self):
        case = factories.filed(self.people)
        assert self.say(case, "fpa.enquiry").state == "filed"
        assert Task.objects.get(case=case, kind="fraud_enquiry").team.code == "fraud"

    def test_another_agency_says_nothing_about_a_filing(self):
        for kind in ("fpa.filed", "fpa.rejected", "fpa.enquiry"):
            with undone(), pytest.raises(CaseError):
                self.say(self.approved, kind, agency="sandbox-post", errors=ERRORS)
        assert Case.objects.get(pk=self.approved.pk).state == "approved"
        assert not Task.objects.filter(case=self.approved).exists()

    def test_delivery_is_noted_once(self):
        message = self.message(self.approved)
        self.casetype.delivered["fpa_file"](self.approved, message, at=APPROVED_AT)
        case = Case.objects.get(pk=self.approved.pk)
        assert case.state == "submitted"
        with nothing_written():
            self.casetype.delivered["fpa_file"](case, message, at=APPROVED_AT)

    def test_letters_are_proved_by_the_post_house_in_either_order(self):
        case = factories.filed(self.people)
        filing, letter = self.message(case), Letter.objects.get(case=case)
        self._give(letter, filing)
        day = FILED_AT + timedelta(days=1)
        for order in (("letter.dispatched", "letter.returned"), ("letter.returned", "letter.dispatched")):
            with undone():
                for kind in order:
                    self.say(case, kind, message=filing, agency="sandbox-post", at=day, occurred_at=FILED_AT)
                letter.refresh_from_db()
                assert (letter.state, letter.dispatched_date) == ("returned", date(2026, 11, 16))
                task = Task.objects.get(case=case, kind="letter_returned", closed_at=None)
                assert task.detail == {"letter": str(letter.uid)}

    def _give(self, letter, message):
        with record.act(letter.case, "letter.rendered", actor=actors.system("letters"), at=FILED_AT):
            letter.state, letter.message = "rendered", message
            letter.save()

    def test_an_answer_to_no_letter_of_the_case_is_refused(self):
        with nothing_written(), pytest.raises(CaseError, match="No letter of this case belongs to that message."):
            self.say(self.approved, "letter.dispatched", agency="sandbox-post")
