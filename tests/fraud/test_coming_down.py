"""A filing that comes down, or is down: what the agency instructs or asks is answered as it is now true."""

from datetime import date

import pytest

from cases.fraud import forms
from cases.fraud.models import DerivedFlag, FraudDispute, IncomingNotice
from cases.kernel import edits, transitions
from cases.kernel.errors import CaseError
from cases.kernel.exchange import deadletters
from cases.kernel.models import Clock, OutboxMessage, Task
from cases.ledger import verify
from tests import factories
from tests.fraud.standing import NEXT_DAY, PRESENT, Stage
from tests.fraud.test_incoming import decide
from tests.fraud.told import hear_of
from tests.kernel.snapshots import nothing_written, undone

pytestmark = pytest.mark.django_db


def remove(case, people):
    given = {"reason_code": "court_or_ombudsman"}
    return transitions.apply(case.pk, "remove", actor=people["d.osei"], at=factories.FILED_AT, inputs=given)


def test_an_instruction_is_done_with_the_removal_whoever_pressed_what(people):
    case = factories.filed(people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003", summary="Ombudsman.")
    remove(case, people)
    row = IncomingNotice.objects.get()
    assert (row.outcome, row.decided_by_id) == ("accepted", people["d.osei"].user_id)
    assert Clock.objects.get(rule="fraud_removal_instruction").state == "met"
    assert Task.objects.get(case=case, kind="fraud_removal_instruction").outcome == "accepted"
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_an_instruction_that_crosses_our_removal_is_accepted_and_cannot_be_contested(people):
    case = remove(factories.filed(people), people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003", summary="Ombudsman.")
    row = IncomingNotice.objects.get()
    with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
        decide(row, "contested", people["d.osei"], inputs={})
    assert [code for code, _ in forms.NoticeForm(notice=row).fields["outcome"].choices] == ["accepted"]
    decide(row, "accepted", people["d.osei"], inputs={})
    case.refresh_from_db()
    assert (case.state, Clock.objects.get(rule="fraud_removal_instruction").state) == ("removal_requested", "met")
    assert OutboxMessage.objects.filter(case=case, kind="fpa_remove").count() == 1
    assert not OutboxMessage.objects.filter(case=case, kind="fpa_answer").exists()


def test_an_enquiry_about_a_filing_that_was_removed_is_told_so_and_nothing_else(people):
    case = remove(factories.filed(people), people)
    hear_of(case, "fpa.removed")
    hear_of(case, "fpa.enquiry", their_reference="E-2026-0007")
    row = IncomingNotice.objects.get()
    for untrue in ("stands", "under_review", "being_amended"):
        with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
            decide(row, untrue, people["a.byrne"])
    assert [code for code, _ in forms.NoticeForm(notice=row).fields["outcome"].choices] == ["removed"]
    assert decide(row, "removed", people["a.byrne"]) == "Recorded: the filing was removed."
    assert factories.body_of(OutboxMessage.objects.get(case=case, kind="fpa_answer")) == {
        "about": "enquiry",
        "their_reference": "E-2026-0007",
        "filing_reference": "SFR-2026-0004417",
        "answer": "removed",
    }


def test_nobody_is_told_that_a_filing_that_stands_was_removed(people):
    hear_of(factories.filed(people), "fpa.enquiry", their_reference="E-2026-0007")
    row = IncomingNotice.objects.get()
    with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
        decide(row, "removed", people["a.byrne"])


class ByHand(Stage):
    """The agency takes no part any more, or its channel is off: a removal is told by telephone and recorded."""

    def removed(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.close_the_channel()
        case = self.do("remove", "d.osei", reason_code="error")
        assert self.sent("fpa_remove") == []
        return case

    def test_whoever_told_the_agency_met_the_working_day(self):
        case = self.removed()
        for task in Task.objects.filter(case=case, kind="correction_by_hand", closed_at=None):
            assert self.clocks("removal_transmission") == [("removal_transmission", "running", date(2026, 11, 17))]
            edits.close_task(case.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I rang; they do it.")
        assert self.clocks("removal_transmission") == [("removal_transmission", "met", date(2026, 11, 17))]

    def test_another_approver_records_that_it_is_down_and_nothing_of_it_stays(self):
        self.removed()
        self.refused("You removed the filing", "note_removal", "d.osei", reason="It is down.")
        self.refused("Give a reason", "note_removal", "judge")
        self.refused("fraud approver", "note_removal", "p.nair", reason="It is down.")
        case = self.do("note_removal", "judge", at=NEXT_DAY, reason="The agency wrote: it is down.")
        assert (case.state, case.is_closed) == ("removed", True)
        assert not DerivedFlag.objects.filter(case=case, purged_at=None).exists()
        assert self.letters() == [("n11", 2, "withdrawn"), ("n19", 2, "due")]
        assert self.clocks("removal_transmission") == [("removal_transmission", "met", date(2026, 11, 17))]
        assert not Task.objects.filter(case=case, kind="correction_by_hand", detail__change="removed", closed_at=None)
        self.verified()

    def test_the_working_day_is_not_met_by_one_who_heard_while_another_is_still_to_be_told(self):
        self.tell_police()
        self.removed()
        self.end("correction_removed", "delivered")
        assert self.clocks("removal_transmission") == [("removal_transmission", "running", date(2026, 11, 17))]
        (task,) = Task.objects.filter(case=self.filed, kind="correction_by_hand", detail__change="removed")
        edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I rang.")
        assert self.clocks("removal_transmission") == [("removal_transmission", "met", date(2026, 11, 17))]

    def test_a_removal_that_was_given_up_is_told_by_hand_against_the_same_day(self):
        self.tell_police()
        self.do("remove", "d.osei", reason_code="error")
        self.end("fpa_remove", "dead")
        self.end("correction_removed", "delivered")
        message = OutboxMessage.objects.get(case=self.filed, kind="fpa_remove")
        deadletters.skip(message, actor=self.people["o.thackray"], at=NEXT_DAY, reason="Their machine is gone.")
        assert self.clocks("removal_transmission") == [("removal_transmission", "running", date(2026, 11, 17))]
        task = Task.objects.get(case=self.filed, kind="correction_by_hand", closed_at=None)
        assert (task.detail["change"], task.detail["agency"]) == ("removed", "sandbox-fraud-register")
        with undone():
            edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I rang.")
            assert self.clocks("removal_transmission")[0][1] == "met"
        case = self.do("note_removal", "judge", at=NEXT_DAY, reason="They wrote: it is down.")
        assert (case.state, self.tasks()) == ("removed", ["check_after"])
        assert self.clocks("removal_transmission")[0][1] == "met"
        self.verified()

    def test_an_agency_that_was_sent_the_removal_says_itself_that_it_is_down(self):
        self.do("remove", "d.osei", reason_code="error")
        self.refused("was sent the removal", "note_removal", "judge", reason="It is down.")
        self.end("fpa_remove", "delivered")
        self.refused("was sent the removal", "note_removal", "judge", reason="It is down.")

    def test_a_removal_that_the_agency_refused_is_settled_by_telephone(self):
        self.do("remove", "d.osei", reason_code="error")
        self.end("fpa_remove", "refused", errors=[{"pointer": "/filing_reference", "code": "UNKNOWN_FILING"}])
        case = self.do("note_removal", "judge", at=NEXT_DAY, reason="They have no such filing.")
        assert (case.state, self.tasks()) == ("removed", ["check_after"])
        assert self.clocks("removal_transmission")[0][1] == "met"


class Meanwhile(Stage):
    """A dispute that comes while the agency is asked to take the filing down."""

    def disputes(self):
        rows = FraudDispute.objects.filter(case=self.filed).order_by("pk")
        return list(rows.values_list("party__number", "grounds", "outcome"))

    def test_it_has_a_month_of_its_own_and_is_answered_once_the_filing_is_down(self):
        self.do("remove", "d.osei", reason_code="error")
        case = self.do("note_dispute", "i.sowande", grounds="not_me", subject="1")
        assert (case.state, self.disputes(), self.sent("fpa_dispute")) == ("removal_requested", [(1, "not_me", "")], [])
        assert "fraud_dispute" in self.tasks() and self.clocks("k10_request")[0][1] == "running"
        self.refused("disputes the filing on these grounds", "note_dispute", "i.sowande", grounds="not_me", subject="1")
        self.refused("This needs the role", "note_dispute", "d.osei", grounds="paid", subject="1")
        self.end("fpa_remove", "delivered")
        case = self.say("fpa.removed")
        assert (case.state, self.disputes(), self.tasks()) == ("removed", [(1, "not_me", "removed")], ["check_after"])
        assert ("n19", 1, "due") in self.letters()
        self.verified()

    def test_what_the_agency_tells_of_it_is_not_put_aside(self):
        self.do("remove", "d.osei", reason_code="error")
        self.say("fpa.disputed", grounds="innocent", subject=2)
        assert self.disputes() == [(2, "innocent", "")]
        with nothing_written(), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.disputed", grounds="innocent", subject=2)
