"""A filing that stands is disputed, and removed or expires. Expected values by hand from the design."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cases.fraud.models import DerivedFlag, FraudDispute
from cases.kernel import actors, edits, record, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange.misfits import DoesNotFit
from cases.kernel.models import (
    Agency,
    Approval,
    Case,
    CaseParty,
    Letter,
    OutboxMessage,
    Task,
)
from cases.kernel.personal import taskdesk
from cases.kernel.reading import desk
from cases.kernel.timing import sweeps
from cases.ledger.models import LedgerEvent
from cases.reports import letters
from cases.web import wording
from tests import factories
from tests.factories import FILED_AT
from tests.fraud.standing import NEXT_DAY, PRESENT, Stage
from tests.kernel.snapshots import nothing_written, undone

LATER = NEXT_DAY + timedelta(days=1)


class Disputes(Stage):
    def test_a_dispute_starts_the_month_asks_for_a_review_and_tells_the_agency(self):
        case = self.do("dispute", "i.sowande", **PRESENT)
        assert (case.state, case.is_dormant) == ("disputed", False)
        dispute = FraudDispute.objects.get(case=case)
        assert (dispute.grounds, dispute.party_id, dispute.closed_at) == ("innocent", self.victim.pk, None)
        assert self.clocks("k10_request") == [("k10_request", "running", date(2026, 12, 16))]
        assert self.tasks() == ["fraud_dispute"]
        assert Task.objects.get(case=case, kind="fraud_dispute").detail == {"grounds": "innocent"}
        assert self.sent("fpa_dispute") == [
            (
                "fpa_dispute",
                "pending",
                {"filing_reference": "SFR-2026-0004417", "is_open": True, "grounds": "innocent", "subjects": [2]},
            )
        ]
        self.verified()

    def test_the_month_counts_from_the_day_it_came_in(self):
        self.do("dispute", "i.sowande", at=NEXT_DAY, received_date=date(2026, 11, 16), **PRESENT)
        assert self.clocks("k10_request") == [("k10_request", "running", date(2026, 12, 16))]

    def test_what_is_wrong_with_a_dispute_is_refused_and_writes_nothing(self):
        self.refused("on which grounds", "dispute", "i.sowande")
        self.refused("on which grounds", "dispute", "i.sowande", grounds="because")
        self.refused("not part of the case", "dispute", "i.sowande", grounds="paid", subject="9")
        self.refused("day to come", "dispute", "i.sowande", received_date=date(2026, 11, 17), **PRESENT)
        for who in ("a.byrne", "d.osei", "j.merriweather", "m.achterberg"):
            self.refused("needs the role rights officer", "dispute", who, **PRESENT)

    def test_the_agency_passes_a_complaint_on_and_is_not_told_what_it_told_us(self):
        case = self.say("fpa.disputed", grounds="not_me", subject=1)
        dispute = FraudDispute.objects.get(case=case)
        assert (case.state, dispute.grounds, dispute.party_id) == ("disputed", "not_me", self.fraudster.pk)
        assert self.sent("fpa_dispute") == []
        with nothing_written(), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.disputed", grounds="not_me", subject=1)

    def test_a_complaint_that_says_little_is_an_objection_of_nobody_named(self):
        case = self.say("fpa.disputed", grounds=["x"], subject="me")
        dispute = FraudDispute.objects.get(case=case)
        assert (case.state, dispute.grounds, dispute.party_id) == ("disputed", "objection", None)

    def test_a_complaint_of_whom_the_case_does_not_know_is_one_of_nobody_named_and_has_its_month(self):
        for subject in (9, -1, True, 10**9):
            with undone():
                case = self.say("fpa.disputed", grounds="innocent", subject=subject)
                dispute = FraudDispute.objects.get(case=case)
                assert (case.state, dispute.grounds, dispute.party_id) == ("disputed", "innocent", None)
                assert self.clocks("k10_request") == [("k10_request", "running", date(2026, 12, 16))]
                # Another such cannot be told from it: somebody looks, and it is not passed over.
                with nothing_written(), pytest.raises(transitions.TransitionRefused) as why:
                    self.say("fpa.disputed", grounds="innocent", subject=subject)
                assert not isinstance(why.value, transitions.AlreadyThere)

    def test_who_was_taken_out_of_the_filing_is_heard_through_the_agency_all_the_same(self):
        self.tell_police()
        self.do("detach", "a.byrne", reason="Another person of this name.", person="1")
        verdicts.decide(
            Approval.objects.get(case=self.filed, act="detach").uid, "agreed", actor=self.people["d.osei"], at=FILED_AT
        )
        case = self.say("fpa.disputed", grounds="not_me", subject=1)
        assert (case.state, FraudDispute.objects.get(case=case).party_id) == ("disputed", None)

    def test_the_agency_suspends_use_or_says_that_it_does_not(self):
        self.do("dispute", "i.sowande", **PRESENT)
        with undone():
            self.say("fpa.suspended")
            assert LedgerEvent.objects.filter(stream=self.filed.uid, action="filing.use_suspended").count() == 1
        self.end("fpa_dispute", "refused", errors=[{"pointer": "", "code": "NOT_SUPPORTED"}])
        event = LedgerEvent.objects.get(stream=self.filed.uid, action="filing.use_not_suspended")
        assert event.content()["detail"]["codes"] == ["NOT_SUPPORTED"]
        assert (self.tasks(), Case.objects.get(pk=self.filed.pk).state) == (["fraud_dispute"], "disputed")

    def test_who_made_or_decided_the_filing_does_not_judge_the_dispute(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.refused("You prepared this case", "uphold", "a.byrne", reason="It stands.")
        self.refused("You decided on this case before", "uphold", "d.osei", reason="It stands.")
        self.refused("Give a reason", "uphold", "judge")

    def test_an_upheld_filing_stands_and_the_person_is_answered(self):
        self.do("dispute", "i.sowande", **PRESENT)
        case = self.do("uphold", "judge", at=NEXT_DAY, reason="The recording and the log agree.")
        dispute = FraudDispute.objects.get(case=case)
        assert (case.state, case.is_dormant, dispute.outcome, dispute.closed_at) == (
            "filed",
            False,
            "upheld",
            NEXT_DAY,
        )
        assert (self.clocks("k10_request"), self.tasks()) == ([("k10_request", "running", date(2026, 12, 16))], [])
        assert [body["is_open"] for _, _, body in self.sent("fpa_dispute")] == [True, False]
        assert self.letters() == [("n11", 2, "due"), ("n17", 2, "due")]
        self.do("dispute", "i.sowande", at=NEXT_DAY, **PRESENT)  # and again, if there is something new
        self.verified()

    def test_nobody_named_or_prejudice_means_that_a_person_answers(self):
        self.do("dispute", "i.sowande", grounds="objection", subject="")
        self.do("uphold", "judge", reason="It stands.")
        task = Task.objects.get(case=self.filed, kind="fraud_answer_by_hand")
        assert task.detail == {"letter": "n17", "cause": "nobody_named"}
        assert (task.due_at, self.clocks("k10_request")[0][1]) == (
            self.filed.clocks.get(rule="k10_request").due_at,
            "running",
        )
        edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I wrote to her.")
        assert self.clocks("k10_request") == [("k10_request", "met", date(2026, 12, 16))]
        assert Case.objects.get(pk=self.filed.pk).is_dormant is True
        assert self.letters() == [("n11", 2, "due")]

    def test_where_a_letter_would_do_harm_the_person_is_named_to_whoever_answers(self):
        with record.act(self.filed, "tests.prejudice", actor=actors.system("tests"), at=FILED_AT):
            facts = self.filed.fraud_referral
            facts.prejudice_recorded = True
            facts.save(update_fields=["prejudice_recorded"])
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="It stands.")
        task = Task.objects.get(case=self.filed, kind="fraud_answer_by_hand")
        assert task.detail == {"letter": "n17", "cause": "prejudice", "person": 2}
        edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I wrote to her.")
        assert self.clocks("k10_request")[0][1] == "met"

    def test_the_month_is_met_when_the_answer_is_in_the_post_and_not_before(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="It stands.")
        letters.make_due_letters(now=NEXT_DAY)
        victims, answer = Letter.objects.filter(case=self.filed).order_by("pk")
        assert (victims.template, answer.template) == ("n11", "n17")
        self.do("dispute", "i.sowande", at=NEXT_DAY, **PRESENT)  # another, not decided yet
        self.say("letter.dispatched", message=victims.message, agency="sandbox-post", at=NEXT_DAY)
        assert [state for _, state, _ in self.clocks("k10_request")] == ["running", "running"]
        self.say("letter.dispatched", message=answer.message, agency="sandbox-post", at=NEXT_DAY)
        assert [state for _, state, _ in self.clocks("k10_request")] == ["met", "running"]
        assert self.filed.clocks.filter(rule="k10_request", ended_at=NEXT_DAY).count() == 1
        self.say("letter.dispatched", message=answer.message, agency="sandbox-post", at=NEXT_DAY)
        assert [state for _, state, _ in self.clocks("k10_request")] == ["met", "running"]
        self.verified()

    def test_an_answered_filing_rests(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="It stands.")
        letters.make_due_letters(now=NEXT_DAY)
        answer = Letter.objects.get(case=self.filed, template="n17")
        self.say("letter.dispatched", message=answer.message, agency="sandbox-post", at=NEXT_DAY)
        case = Case.objects.get(pk=self.filed.pk)
        assert (case.is_dormant, case.due_at) == (True, None)

    def test_a_removal_answers_whom_an_earlier_answer_had_not_reached(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="It stands.")
        self.do("remove", "d.osei", reason_code="error")
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        assert self.letters() == [("n11", 2, "withdrawn"), ("n17", 2, "withdrawn"), ("n19", 2, "due")]

    def test_a_month_without_an_answer_is_a_breach_and_a_task(self):
        self.do("dispute", "i.sowande", **PRESENT)
        sweeps.end_due_clocks(now=datetime(2026, 12, 17, 3, 0, tzinfo=UTC))
        over = Task.objects.get(case=self.filed, kind="clock_over")
        assert over.detail == {"rule": "k10_request"}


class Removals(Stage):
    def remove(self, reason_code="subject_innocent", **given):
        return self.do("remove", "d.osei", reason_code=reason_code, **given)

    def test_a_removal_is_asked_of_the_agency_and_told_to_whoever_heard(self):
        told = self.tell_police()
        case = self.remove()
        assert (case.state, case.fraud_referral.removal_reason) == ("removal_requested", "subject_innocent")
        assert self.sent("fpa_remove", "correction_removed") == [
            ("fpa_remove", "pending", {"filing_reference": "SFR-2026-0004417", "reason": "subject_innocent"}),
            (
                "correction_removed",
                "pending",
                {
                    "change": "removed",
                    "reason": "subject_innocent",
                    "told": [{"date": "2026-11-16", "message": str(told.public_id)}],
                    "subjects": [1, 2],
                },
            ),
        ]
        assert self.clocks("removal_transmission", "correction_acknowledgement", "check_after") == [
            ("removal_transmission", "running", date(2026, 11, 17)),
            ("correction_acknowledgement", "running", date(2026, 11, 23)),
            ("check_after", "running", date(2026, 11, 17)),
        ]
        assert self.tasks() == ["check_after"]
        self.verified()

    def test_a_look_afterwards_stands_with_whoever_may_look_and_not_with_who_has_the_case(self):
        self.remove()
        maker, judge = self.people["d.osei"], self.people["judge"]
        edits.assign(self.filed.pk, factories.user("d.osei"), actor=maker, at=FILED_AT)
        for actor in (maker, judge):
            assert "check_after" not in {each.kind for each in desk.my_work(actor, at=FILED_AT).tasks}
            assert taskdesk.page(actor, taskdesk.Asked(kind="check_after"), at=FILED_AT).rows == []
        assert [each.act for each in desk.approvals_for(judge)] == ["remove"]
        assert desk.approvals_for(maker) == []
        assert taskdesk.page(maker, taskdesk.Asked(view="team", kind="check_after"), at=FILED_AT).rows

    def test_it_is_on_its_way_once_every_one_of_them_has_arrived(self):
        self.tell_police()
        self.remove()
        self.end("fpa_remove", "delivered")
        assert self.clocks("removal_transmission")[0][1] == "running"
        self.end("correction_removed", "delivered")
        assert self.clocks("removal_transmission")[0][1] == "met"

    def test_a_removal_that_did_not_leave_in_one_working_day_is_a_breach(self):
        self.remove()
        sweeps.end_due_clocks(now=datetime(2026, 11, 18, 1, 0, tzinfo=UTC))
        rules = Task.objects.filter(case=self.filed, kind="clock_over").values_list("detail__rule", flat=True)
        assert sorted(rules) == ["check_after", "removal_transmission"]

    def test_another_approver_looks_at_it_afterwards_and_not_who_did_it(self):
        self.remove()
        approval = Approval.objects.get(case=self.filed, mode="after")
        assert (approval.act, approval.needs) == ("remove", ["fraud_approver"])
        with nothing_written(counted=1), pytest.raises(CaseError, match="You asked for this"):
            verdicts.decide(approval.uid, "confirmed", actor=self.people["d.osei"], at=NEXT_DAY)
        verdicts.decide(approval.uid, "confirmed", actor=self.people["judge"], at=NEXT_DAY)
        assert (self.tasks(), self.clocks("check_after")[0][1]) == ([], "met")

    def test_a_removal_without_a_known_reason_or_by_the_wrong_person_writes_nothing(self):
        self.refused("why the filing is removed", "remove", "d.osei")
        self.refused("why the filing is removed", "remove", "d.osei", reason_code="tired")
        self.refused("fraud approver", "remove", "p.nair", reason_code="error")
        self.refused("fraud approver", "remove", "i.sowande", reason_code="error")

    def test_a_dispute_that_is_right_ends_in_removal_and_the_person_hears_when_it_is_done(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.remove()
        assert FraudDispute.objects.get(case=self.filed).outcome == "removed"
        assert self.clocks("k10_request")[0][1] == "running"
        assert self.letters() == [("n11", 2, "due")]
        case = self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        assert (case.state, case.is_closed) == ("removed", True)
        assert self.letters() == [("n11", 2, "withdrawn"), ("n19", 2, "due")]

    def test_a_confirmed_removal_leaves_nothing_of_the_marker(self):
        flags = DerivedFlag.objects.filter(case=self.filed)
        assert list(flags.values_list("party__number", "kind", "purged_at")) == [(1, "warning", None)]
        with record.act(self.filed, "tests.dispatched", actor=actors.system("tests"), at=FILED_AT):
            for letter in Letter.objects.filter(case=self.filed):
                letter.state = "dispatched"
                letter.save()
        self.remove()
        case = self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        assert list(flags.values_list("purged_at", flat=True)) == [FILED_AT]
        assert self.clocks("k24_adverse", "k24_victim") == [
            ("k24_adverse", "cancelled", date(2032, 11, 16)),
            ("k24_victim", "cancelled", date(2027, 12, 16)),
        ]
        assert (case.retention_class, case.dispose_after_date) == ("fraud_removed", date(2027, 11, 16))
        people = CaseParty.objects.filter(case=case).values_list("retention_class", "dispose_after_date")
        assert set(people) == {("fraud_removed", date(2027, 11, 16))}
        assert self.letters() == [("n11", 2, "dispatched"), ("n19", 2, "due")]
        self.verified()

    def test_who_was_told_confirms_and_until_then_the_clock_runs(self):
        self.tell_police()
        self.remove()
        self.end("fpa_remove", "delivered")
        notice = self.end("correction_removed", "delivered")
        self.say("fpa.removed")
        assert self.clocks("correction_acknowledgement")[0][1] == "running"
        self.say("correction.acknowledged", message=notice, agency="sandbox-report-fraud")
        assert self.clocks("correction_acknowledgement")[0][1] == "met"

    def test_a_removal_that_nobody_asked_for_is_left_to_people(self):
        with nothing_written(), pytest.raises(DoesNotFit, match="nobody of ours asked it to take down"):
            self.say("fpa.removed")

    def test_what_it_does_to_a_filing_that_is_down_is_left_to_people_and_a_late_word_of_before_is_not(self):
        """A marker that stands again would stand for ever: no clock of ours counts for it."""
        OutboxMessage.objects.filter(case=self.filed, kind="fpa_file").update(state="acknowledged", settled_at=FILED_AT)
        amended = self.amended()
        self.remove()
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        first = OutboxMessage.objects.get(case=self.filed, kind="fpa_file")
        for kind, message, why in (("filed", first, "filed this after"), ("amended", amended, "amended this after")):
            with nothing_written(), pytest.raises(DoesNotFit, match=why):
                self.say(f"fpa.{kind}", message=message, occurred_at=NEXT_DAY + timedelta(hours=1), at=LATER)
        with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.filed", message=first, occurred_at=FILED_AT - timedelta(hours=1), at=LATER)
        self.say("fpa.amended", message=amended, occurred_at=FILED_AT - timedelta(hours=1), at=LATER)

    def test_whoever_complains_of_a_filing_that_is_down_is_answered_all_the_same(self):
        """UK GDPR Art 12(3): the month is theirs, whatever stands."""
        self.say("fpa.disputed", grounds="not_me", subject=1)
        self.remove()
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        for subject, grounds in ((2, "innocent"), (2, "paid"), (None, "objection"), (9, "objection")):
            self.say("fpa.disputed", grounds=grounds, subject=subject, at=LATER)
        with nothing_written(), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.disputed", grounds="innocent", subject=2, at=LATER)
        case = Case.objects.get(pk=self.filed.pk)
        running = case.clocks.filter(rule="k10_request", state="running", started_at=LATER).order_by("pk")
        month = date(2026, 12, 18)
        mine = [(clock.party and clock.party.number, clock.due_date) for clock in running]
        assert mine == [(2, month), (None, month), (None, month)]
        owed = case.tasks.filter(kind="fraud_answer_by_hand", detail__cause="when_down").order_by("pk")
        told = "who complained of it when it was down already"
        assert [wording.task_label(task.kind, task.detail).partition(": ")[2] for task in owed] == [
            f"person 2, {told}, “I was deceived, coerced or impersonated”",
            f"person 2, {told}, “It was a debt, and is paid”",
            *[f"{told}, “Objection to the processing”"] * 2,
        ]
        assert {task.due_at for task in owed} == {running[0].due_at}
        assert (case.state, case.dispose_after_date) == ("removed", date(2027, 11, 16))
        for task in owed:
            edits.close_task(case.pk, task.pk, actor=self.people["d.osei"], at=LATER, reason="I wrote to them.")
        assert not running.all().exists()
        self.verified()

    def amended(self):
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=7)
        self.do("amend", "d.osei")
        return self.end("fpa_amend", "delivered")

    def test_only_the_register_removes(self):
        self.remove()
        for kind in ("fpa.removed", "fpa.suspended"):
            with nothing_written(), pytest.raises(CaseError, match="Only the fraud prevention agency"):
                self.say(kind, agency="sandbox-post")

    def test_an_agency_that_does_not_remove_becomes_a_task(self):
        self.remove()
        self.end("fpa_remove", "refused", errors=[{"pointer": "/filing_reference", "code": "UNKNOWN_FILING"}])
        task = Task.objects.get(case=self.filed, kind="fraud_removal_refused")
        assert task.detail == {"codes": ["UNKNOWN_FILING"]}
        assert Case.objects.get(pk=self.filed.pk).state == "removal_requested"

    def test_a_removal_does_not_wait_for_a_channel(self):
        self.close_the_channel()
        case = self.remove()
        task = Task.objects.get(case=case, kind="correction_by_hand")
        assert (case.state, task.detail) == (
            "removal_requested",
            {"agency": "fpa", "change": "removed", "cause": "NoChannel"},
        )
        self.say("fpa.removed")
        assert self.clocks("removal_transmission")[0][1] == "met"


class Expiry(Stage):
    VICTIM_OVER = datetime(2027, 12, 17, 3, 0, tzinfo=UTC)
    OVER = datetime(2032, 11, 17, 3, 0, tzinfo=UTC)

    def test_the_last_marker_takes_what_was_derived_from_it(self):
        sweeps.end_due_clocks(now=self.VICTIM_OVER)
        flags = DerivedFlag.objects.filter(case=self.filed)
        assert list(flags.values_list("purged_at", flat=True)) == [None]
        sweeps.end_due_clocks(now=self.OVER)
        assert list(flags.values_list("purged_at", flat=True)) == [self.OVER]
        assert Case.objects.get(pk=self.filed.pk).state == "expired"

    def test_a_disputed_filing_expires_too_and_the_dispute_with_it(self):
        self.do("dispute", "i.sowande", **PRESENT)
        sweeps.end_due_clocks(now=self.OVER)
        sweeps.end_due_clocks(now=self.OVER)
        assert Case.objects.get(pk=self.filed.pk).state == "expired"
        assert FraudDispute.objects.get(case=self.filed).outcome == "expired"
        assert "fraud_dispute" not in self.tasks()
        task = Task.objects.get(case=self.filed, kind="fraud_answer_by_hand")
        assert (task.detail, task.due_at is None) == ({"cause": "expired", "person": 2}, False)
        edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=self.OVER, reason="I wrote to her.")
        clock = self.filed.clocks.get(rule="k10_request")
        assert (clock.state, clock.ended_at) == ("breached", self.OVER)  # the month had passed years before

    def test_the_agency_is_asked_to_confirm_and_its_word_is_on_record(self):
        with undone():
            transitions.apply(self.shorter().pk, "expire", actor=actors.system("tests"), at=NEXT_DAY)
            assert [body["reason"] for _, _, body in self.sent("fpa_remove")] == ["expired"]
            case = self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
            assert case.state == "expired"
            assert LedgerEvent.objects.filter(stream=case.uid, action="filing.expiry_confirmed").count() == 1

    def shorter(self):
        """Let the markers be over by tomorrow."""
        with record.act(self.filed, "tests.shorter", actor=actors.system("tests"), at=FILED_AT):
            for clock in self.filed.clocks.filter(rule__startswith="k24_"):
                clock.due_at = FILED_AT
                clock.save()
        return self.filed

    def test_where_no_message_can_go_somebody_has_it_confirmed_by_hand(self):
        self.close_the_channel()
        sweeps.end_due_clocks(now=self.OVER)
        assert (Case.objects.get(pk=self.filed.pk).state, self.tasks()) == ("expired", ["correction_by_hand"])

    def test_the_retail_alert_hears_that_its_time_is_up_and_the_police_do_not(self):
        self.tell_police()
        alert = Agency.objects.get(code="sandbox-retail-alert")
        self.tell(alert, self.fraudster)
        sweeps.end_due_clocks(now=self.OVER)
        notices = OutboxMessage.objects.filter(case=self.filed, kind="correction_removed")
        assert list(notices.values_list("channel__agency__code", flat=True)) == ["sandbox-retail-alert"]


def test_the_desk_is_offered_what_it_may_do_with_a_filing(db):
    people = factories.office()
    case = factories.filed(people)
    open_to = {
        who: {offer.transition.name for offer in transitions.offers(case, people[who]) if offer.is_open}
        for who in ("a.byrne", "d.osei", "p.nair", "i.sowande")
    }
    assert {who: names - {"void", "merge", "reopen"} for who, names in open_to.items()} == {
        "a.byrne": {"amend", "remove", "report_to_police"},
        "d.osei": {"amend", "remove", "report_to_police"},
        "p.nair": set(),
        "i.sowande": {"dispute"},
    }
