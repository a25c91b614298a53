"""An amendment that the agency did not take, and one that is owed from the first day of a filing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from cases.kernel import edits, holds, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, Hold, OutboxMessage
from cases.kernel.timing import sweeps
from tests import factories
from tests.factories import APPROVED_AT, FILED_AT
from tests.fraud.standing import NEXT_DAY, Stage
from tests.kernel.snapshots import nothing_written, undone


class Owed(Stage):
    def change(self, *, facts, party=None):
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(**facts)
            if party:
                edit.party(party[0], **party[1])

    def offered(self, case):
        offers = transitions.offers(case, self.people["d.osei"], at=NEXT_DAY)
        return next(each.refusals for each in offers if each.transition.name == "amend")

    def test_what_the_agency_refused_was_not_told_and_is_sent_again_unchanged(self):
        self.change(party=(1, {"is_innocent": True}), facts={"fpa_case_type": "victim_of_takeover"})
        self.do("amend", "d.osei")
        self.refused("Nothing changed since", "amend", "d.osei")
        self.end("fpa_amend", "refused", errors=[{"pointer": "/filing_reference", "code": "LOCKED_TRY_LATER"}])
        case = Case.objects.get(pk=self.filed.pk)
        assert (self.tasks(), tuple(self.offered(case))) == (["fraud_field_errors"], ())
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert [(state, body["subjects"][0]["innocent"]) for _, state, body in self.sent("fpa_amend")] == [
            ("superseded", True),
            ("pending", True),
        ]
        assert self.tasks() == []
        self.refused("Nothing changed since", "amend", "d.osei", at=NEXT_DAY)

    def test_what_was_refused_and_is_then_told_by_hand_is_told(self):
        self.change(facts={"loss_pence": 500})
        self.do("amend", "d.osei")
        self.end("fpa_amend", "refused", errors=[{"pointer": "/loss_pence", "code": "LOCKED_TRY_LATER"}])
        self.close_the_channel()
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert self.tasks() == ["correction_by_hand"]
        self.refused("Nothing changed since", "amend", "d.osei", at=NEXT_DAY)

    def test_whoever_was_taken_out_while_the_filing_was_on_its_way_is_owed_an_amendment(self):
        case = factories.submitted(self.people)
        self.do("detach", "p.nair", case=case, at=APPROVED_AT, reason="Somebody else of that name.", person="2")
        approval = Approval.objects.get(case=case, act="detach")
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=APPROVED_AT)
        case = self.do("file", "agency", case=case, agency_reference="SFR-2026-0004418")
        assert (self.tasks(case), tuple(self.offered(case))) == (["detached_filed", "fraud_amendment"], ())
        self.do("amend", "d.osei", case=case, at=NEXT_DAY)
        message = OutboxMessage.objects.get(case=case, kind="fpa_amend")
        assert [subject["number"] for subject in factories.body_of(message)["subjects"]] == [1]
        assert self.tasks(case) == []

    def take_out(self, case):
        self.do("detach", "p.nair", case=case, at=APPROVED_AT, reason="Somebody else of that name.", person="2")
        approval = Approval.objects.get(case=case, act="detach")
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=APPROVED_AT)

    def test_a_filing_that_waits_does_not_leave_with_somebody_who_was_taken_out(self):
        for state, attempts, still in (
            ("pending", 0, []),
            ("pending", 3, ["detached_filed"]),
            ("dead", 10, ["detached_filed"]),
        ):
            with self.subTest(state=state, attempts=attempts):
                case = factories.approved(self.people)
                OutboxMessage.objects.filter(case=case).update(state=state, attempts=attempts)
                self.take_out(case)
                assert OutboxMessage.objects.get(case=case).state == "withdrawn"
                assert self.tasks(case) == [*still, "fraud_filing_taken_back"]
                case = self.do("withdraw", "d.osei", case=case, at=APPROVED_AT, reason="Somebody is not part of it.")
                assert (case.state, self.tasks(case)) == ("investigating", still)

    def test_an_amendment_that_waits_does_not_leave_with_somebody_who_was_taken_out(self):
        self.change(facts={"loss_pence": 500})
        self.do("amend", "d.osei")
        self.do("detach", "p.nair", reason="Somebody else of that name.", person="2")
        approval = Approval.objects.get(case=self.filed, act="detach")
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)
        assert [state for _, state, _ in self.sent("fpa_amend")] == ["withdrawn"]
        assert set(self.tasks()) == {"detached_filed", "fraud_amendment"}
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert [subject["number"] for subject in self.sent("fpa_amend")[1][2]["subjects"]] == [1]
        assert self.tasks() == []

    def hold_reports(self):
        given = {"actor": self.people["a.byrne"], "at": FILED_AT, "source": "legal", "reason": "No more."}
        holds.enter(self.filed.pk, "legal", blocks=["report"], **given)

    def test_nobody_is_marked_anew_while_nothing_more_is_reported(self):
        self.hold_reports()
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.add_party({"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.refused("A policy hold stops this.", "amend", "d.osei")

    def test_a_hold_entered_meanwhile_stops_the_second_approver(self):
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.add_party({"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.do("amend", "d.osei")
        self.hold_reports()
        approval = Approval.objects.get(case=self.filed, act="amend", closed_at=None)
        with nothing_written(counted=1), pytest.raises(CaseError, match="A policy hold stops this"):
            verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)

    def test_a_report_that_a_hold_keeps_is_taken_back_when_the_filing_is_removed(self):
        """Else the police would hear of it once the hold ends, and that it is not so."""
        self.do("report_to_police", "d.osei", people=["1"], documents=["1"], story_holds="no")
        self.hold_reports()
        with undone():
            OutboxMessage.objects.filter(case=self.filed, kind="report_fraud").update(attempts=1)
            self.do("remove", "d.osei", reason_code="error")
            assert [state for _, state, _ in self.sent("report_fraud", "correction_removed")] == ["pending", "pending"]
        self.do("remove", "d.osei", reason_code="error")
        assert [state for _, state, _ in self.sent("report_fraud")] == ["withdrawn"]
        assert self.sent("correction_removed") == []
        assert [state for _, state, _ in self.sent("fpa_remove")] == ["pending"]

    def test_a_report_that_a_hold_keeps_still_waits_when_the_filing_expires(self):
        """The agency's marker has had its time; what we saw of the fraud is evidence still."""
        self.do("report_to_police", "d.osei", people=["1"], documents=["1"], story_holds="no")
        self.hold_reports()
        last = self.filed.clocks.filter(rule__startswith="k24_").latest("due_at").due_at
        sweeps.end_due_clocks(now=last + timedelta(days=1))
        self.filed.refresh_from_db()
        assert self.filed.state == "expired"
        assert [state for _, state, _ in self.sent("report_fraud")] == ["pending"]

    def mark_a_mule(self):
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.add_party({"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.do("amend", "d.osei")
        approval = Approval.objects.get(case=self.filed, act="amend", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)

    def test_an_amendment_that_waits_and_marks_somebody_anew_is_taken_back_when_a_hold_begins(self):
        for state in ("pending", "dead"):
            with self.subTest(state=state), undone():
                self.mark_a_mule()
                OutboxMessage.objects.filter(case=self.filed, kind="fpa_amend").update(state=state)
                self.hold_reports()
                assert [each for _, each, _ in self.sent("fpa_amend")] == ["withdrawn"]
                assert self.tasks() == ["fraud_amendment"]
                self.refused("A policy hold stops this.", "amend", "d.osei")

                self.do("detach", "p.nair", reason="Not now.", person="3")
                approval = Approval.objects.get(case=self.filed, act="detach")
                verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)
                self.do("amend", "d.osei", at=NEXT_DAY)
                assert [subject["number"] for subject in self.sent("fpa_amend")[1][2]["subjects"]] == [1, 2]

    def release(self):
        hold = Hold.objects.get(case=self.filed)
        self.do("release_hold", "a.byrne", reason="Over.", hold=str(hold.pk))
        approval = Approval.objects.get(case=self.filed, act="release_hold")
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)

    def test_a_hold_that_was_entered_for_a_day_to_come_takes_it_back_on_that_day(self):
        begins = FILED_AT + timedelta(days=2)
        self.mark_a_mule()
        given = {"actor": self.people["a.byrne"], "at": FILED_AT, "source": "legal", "reason": "No more."}
        holds.enter(self.filed.pk, "legal", blocks=["report"], began_at=begins, **given)
        assert [each for _, each, _ in self.sent("fpa_amend")] == ["pending"]
        with undone():
            self.release()
            sweeps.end_due_clocks(now=begins + timedelta(minutes=2))
            assert [each for _, each, _ in self.sent("fpa_amend")] == ["pending"]
        sweeps.end_due_clocks(now=begins + timedelta(minutes=2))
        assert [each for _, each, _ in self.sent("fpa_amend")] == ["withdrawn"]
        assert "fraud_amendment" in self.tasks()

    def test_once_the_hold_is_released_the_same_amendment_is_made_again(self):
        self.mark_a_mule()
        self.hold_reports()
        self.release()
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert [subject["number"] for subject in self.sent("fpa_amend")[1][2]["subjects"]] == [1, 2, 3]
        assert self.tasks() == []

    def test_an_amendment_that_the_agency_has_or_may_have_or_that_marks_nobody_anew_is_left_alone(self):
        for state in ("sending", "delivered", "acknowledged"):
            with self.subTest(state=state), undone():
                self.mark_a_mule()
                lease = {"lease": uuid4(), "lease_until": NEXT_DAY} if state == "sending" else {}
                OutboxMessage.objects.filter(case=self.filed, kind="fpa_amend").update(state=state, **lease)
                self.hold_reports()
                assert [each for _, each, _ in self.sent("fpa_amend")] == [state]
                self.change(facts={"loss_pence": 700})
                self.do("amend", "d.osei", at=NEXT_DAY)  # marks nobody who is not marked
        self.change(facts={"loss_pence": 500})
        self.do("amend", "d.osei")
        self.hold_reports()
        assert [each for _, each, _ in self.sent("fpa_amend")] == ["pending"]

    def test_what_the_agency_refused_marks_nobody_under_a_hold_when_it_is_sent_again(self):
        self.mark_a_mule()
        OutboxMessage.objects.filter(case=self.filed, kind="fpa_amend").update(state="refused")
        self.hold_reports()
        self.refused("A policy hold stops this.", "amend", "d.osei")

    def test_what_is_no_longer_so_is_put_right_under_a_hold_and_the_police_get_the_notice_alone(self):
        self.do("report_to_police", "d.osei", people=["1"], documents=["1"], story_holds="no")
        self.hold_reports()
        self.change(party=(1, {"is_innocent": True}), facts={"fpa_case_type": "victim_of_takeover"})
        self.do("amend", "d.osei")
        assert [body["subjects"][0]["innocent"] for _, _, body in self.sent("fpa_amend")] == [True]
        assert len(self.sent("report_fraud")) == 1
        ((_, _, notice),) = self.sent("correction_amended")
        assert (notice["subjects"], "replaced_by" in notice) == ([1], False)
        assert self.tasks() == ["fraud_police_anew"]
