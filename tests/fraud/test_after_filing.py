"""What becomes of a filing that stands: disputed, upheld, removed, expired. Expected values by hand from the design."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.agencies import queue, settlement
from cases.agencies.directory import TERMS
from cases.fraud import astold, messages
from cases.fraud.models import DerivedFlag, FraudDispute
from cases.kernel import actors, casetypes, edits, locks, outbox, record, releases, transitions, verdicts
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, agreements
from cases.kernel.models import (
    Agency,
    Approval,
    Case,
    CaseParty,
    Channel,
    Letter,
    OutboxMessage,
    ReleasedItem,
    Task,
)
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import letters
from tests import factories
from tests.factories import FILED_AT
from tests.kernel.snapshots import nothing_written, undone
from tests.reports import reading

NEXT_DAY = FILED_AT + timedelta(days=1)
PRESENT = {"grounds": "innocent", "subject": "2"}
TOLD = releases.MessageKind(
    code="tests_told",
    label="A story",
    recipient_kind="",
    purpose="correct_recipients",
    necessity="The tests need it.",
    categories={"story": "correction"},
)


class Stage(TestCase):
    """One office with filed cases; whatever a test does is undone after it."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.people["judge"] = factories.judge(cls.people)
        cls.filed = factories.filed(cls.people)
        cls.fraudster, cls.victim = CaseParty.objects.filter(case=cls.filed).order_by("number")

    def do(self, name, by, *, case=None, at=FILED_AT, reason="", **inputs):
        actor = self.people.get(by) or {"agency": factories.fpa(), "system": actors.system("tests")}[by]
        return transitions.apply((case or self.filed).pk, name, actor=actor, at=at, reason=reason, inputs=inputs)

    def refused(self, why, name, by, *, error=CaseError, **given):
        with nothing_written(counted=1), pytest.raises(error) as refusal:
            self.do(name, by, **given)
        assert why in str(refusal.value), str(refusal.value)

    def sent(self, *kinds):
        rows = OutboxMessage.objects.filter(case=self.filed, kind__in=kinds).order_by("pk")
        return [(row.kind, row.state, factories.body_of(row)) for row in rows]

    def tasks(self, case=None):
        rows = Task.objects.filter(case=case or self.filed, closed_at=None).order_by("pk")
        return list(rows.values_list("kind", flat=True))

    def clocks(self, *rules):
        rows = self.filed.clocks.filter(rule__in=rules).order_by("pk")
        return list(rows.values_list("rule", "state", "due_date"))

    def letters(self):
        rows = Letter.objects.filter(case=self.filed).order_by("pk")
        return list(rows.values_list("template", "party__number", "state"))

    def say(self, kind, *, message=None, agency="sandbox-fraud-register", at=FILED_AT, **data):
        row = Agency.objects.get(code=agency)
        content = Content(
            type=kind,
            agency_code=row.code,
            agency_kind=row.kind,
            agency_reference=data.pop("reference", "SFR-2026-0004417"),
            agency_sequence=1,
            occurred_at=None,
            data=data,
            message=message,
            callback_uid=uuid4(),
        )
        case = locks.case_for_update(self.filed.pk)
        casetypes.get(case.kind).callbacks[kind](case, content, actor=actors.agency(row), at=at)
        return Case.objects.get(pk=case.pk)

    def end(self, kind, state, *, at=NEXT_DAY, **columns):
        """Let the last message of a kind end as delivery would, and the case take note."""
        message = OutboxMessage.objects.filter(case=self.filed, kind=kind).latest("pk")
        if state == "delivered":
            columns["delivered_at"] = at
        OutboxMessage.objects.filter(pk=message.pk).update(state=state, attempts=1, **columns)
        settlement.settle(now=at)
        message.refresh_from_db()
        return message

    def tell_police(self):
        return self.tell(Agency.objects.get(code="sandbox-report-fraud"), self.fraudster, self.victim)

    def tell(self, agency, *parties):
        """Have told an agency of people of the case, on record."""
        case = locks.case_for_update(self.filed.pk)
        osei = self.people["d.osei"]
        with record.act(case, "tests.told", actor=osei, at=FILED_AT):
            message = releases.send(
                case,
                replace(TOLD, recipient_kind=agency.kind),
                agency=agency,
                body={"story": "told"},
                actor=osei,
                at=FILED_AT,
                subject_count=len(parties),
                parties=parties,
            )
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", attempts=1, delivered_at=FILED_AT)
        return message

    def close_the_channel(self):
        with record.act(self.filed, "tests.disabled", actor=actors.system("tests"), at=FILED_AT):
            for channel in Channel.objects.filter(agency__kind="fpa", direction="out"):
                channel.state = "disabled"
                channel.save()

    def verified(self):
        assert {each.level for each in verify.verify_stream(self.filed.uid)} <= {"recorded late"}


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
        with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.disputed", grounds="not_me")

    def test_a_complaint_that_says_little_is_an_objection_of_nobody_named(self):
        case = self.say("fpa.disputed", grounds=["x"], subject="me")
        dispute = FraudDispute.objects.get(case=case)
        assert (case.state, dispute.grounds, dispute.party_id) == ("disputed", "objection", None)

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


class Amendments(Stage):
    def change(self, by="p.nair", *, at=FILED_AT, facts=None, party=None, person=None):
        with edits.change(self.filed.pk, actor=self.people[by], at=at) as edit:
            if facts:
                edit.facts(**facts)
            if party:
                edit.party(party[0], **party[1])
            if person:
                edit.add_party(person)

    def amended(self, **given):
        self.change(facts={"loss_pence": 500})
        return self.do("amend", "d.osei", **given)

    def test_what_was_put_back_or_is_no_part_of_it_is_no_amendment(self):
        waits = ("The agency would be told just what it was told", "amend", "d.osei")
        self.change(facts={"loss_pence": 500})
        assert self.tasks() == ["fraud_amendment"]
        self.change(facts={"loss_pence": 0})
        assert self.tasks() == []
        self.refused(*waits)
        self.change(party=(2, {"phone": "+447700900999"}))
        self.change(party=(2, {"phone": factories.VICTIM["values"]["phone"]}))
        assert self.tasks() == []
        self.refused(*waits)
        self.change(facts={"narrative": "Caller passed security twice."})  # the agency gets no story
        assert self.tasks() == []
        self.refused(*waits)
        offer = next(
            each
            for each in transitions.offers(Case.objects.get(pk=self.filed.pk), self.people["d.osei"], at=FILED_AT)
            if each.transition.name == "amend"
        )
        assert waits[0] in " ".join(offer.refusals)
        self.change(party=(2, {"phone": "+447700900999"}))
        assert self.tasks() == ["fraud_amendment"]
        self.do("amend", "d.osei")
        assert self.tasks() == []
        self.verified()

    def test_a_story_that_others_were_told_is_owed_to_them(self):
        self.tell_police()
        self.change(facts={"narrative": "Caller passed security twice."})
        assert self.tasks() == ["fraud_amendment"]
        self.do("amend", "d.osei")
        assert [body["change"] for _, _, body in self.sent("correction_amended")] == ["amended"]

    def test_looking_whether_anything_changed_opens_no_value(self):
        self.change(party=(2, {"phone": "+447700900999"}))
        looks = AccessEvent.objects.count()
        assert transitions.offers(Case.objects.get(pk=self.filed.pk), self.people["d.osei"], at=FILED_AT)
        assert AccessEvent.objects.count() == looks

    def test_a_filing_made_before_digests_were_kept_is_amended_as_ever(self):
        assert astold.differs(self.filed, at=FILED_AT) is False
        with record.act(self.filed, "fraud_referral.approve", actor=actors.system("tests"), at=FILED_AT):
            pass
        assert astold.differs(self.filed, at=FILED_AT) is True

    def test_a_change_of_a_filing_is_owed_to_the_agency(self):
        self.change(facts={"loss_pence": 500})
        self.change(facts={"loss_pence": 600})
        assert self.tasks() == ["fraud_amendment"]
        assert Case.objects.get(pk=self.filed.pk).is_dormant is False

    def test_a_document_is_no_part_of_what_the_agency_was_told(self):
        paper = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
        edits.attach(self.filed.pk, **paper, actor=self.people["p.nair"], at=FILED_AT)
        assert self.tasks() == []
        self.refused("Nothing changed since the agency was told", "amend", "d.osei")

    def test_another_person_than_the_changer_amends_and_the_agency_gets_all_of_it(self):
        case = self.amended()
        ((_, state, body),) = self.sent("fpa_amend")
        assert (case.state, case.is_dormant, state, self.tasks()) == ("filed", True, "pending", [])
        assert (body["filing_reference"], body["loss_pence"], len(body["subjects"])) == ("SFR-2026-0004417", 500, 2)
        assert self.clocks("k24_adverse", "k24_victim") == [
            ("k24_adverse", "running", date(2032, 11, 16)),
            ("k24_victim", "running", date(2027, 12, 16)),
        ]
        self.refused("Nothing changed since the agency was told", "amend", "d.osei")
        self.verified()

    def test_the_maker_of_an_amendment_does_not_amend_however_the_case_moved(self):
        self.change("a.byrne", facts={"loss_pence": 500})  # who may also approve
        self.refused("You prepared this case", "amend", "a.byrne")
        self.do("dispute", "i.sowande", **PRESENT)
        self.refused("You prepared this case", "amend_disputed", "a.byrne")
        self.do("uphold", "judge", reason="It stands.")
        self.refused("You made this amendment", "amend", "a.byrne")
        assert self.do("amend", "d.osei").state == "filed"

    def test_the_agency_takes_it_or_names_fields_and_the_filing_stands(self):
        self.amended()
        with undone():
            self.say("fpa.amended", message=self.end("fpa_amend", "delivered"))
            assert LedgerEvent.objects.filter(stream=self.filed.uid, action="amendment.filed").count() == 1
        self.end("fpa_amend", "refused", errors=[{"pointer": "/subjects/1/date_of_birth", "code": "X"}])
        case = Case.objects.get(pk=self.filed.pk)
        assert (case.state, self.tasks()) == ("filed", ["fraud_field_errors"])
        assert case.fraud_referral.field_errors == [{"pointer": "/subjects/1/date_of_birth", "code": "X"}]
        self.change(party=(2, {"date_of_birth": "1984-03-09"}))
        self.do("amend", "d.osei")
        assert [state for _, state, _ in self.sent("fpa_amend")] == ["superseded", "pending"]
        assert (self.tasks(), Case.objects.get(pk=self.filed.pk).fraud_referral.field_errors) == ([], [])

    def test_a_refusal_by_callback_says_the_same(self):
        self.amended()
        self.say("fpa.rejected", message=self.end("fpa_amend", "delivered"), errors=[{"pointer": "/x", "code": "X"}])
        assert self.tasks() == ["fraud_field_errors"]

    def test_another_adverse_person_needs_a_second_approver(self):
        self.change(person={"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        case = self.do("amend", "d.osei")
        approval = Approval.objects.get(case=case, act="amend", closed_at=None)
        assert (case.state, approval.needs, self.sent("fpa_amend")) == ("filed", ["fraud_approver"], [])
        with nothing_written(counted=1), pytest.raises(CaseError, match="You asked for this"):
            verdicts.decide(approval.uid, "agreed", actor=self.people["d.osei"], at=NEXT_DAY)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
        ((_, _, body),) = self.sent("fpa_amend")
        assert [subject["number"] for subject in body["subjects"]] == [1, 2, 3]
        third = self.filed.clocks.get(rule="k24_adverse", party__number=3)
        assert third.due_date == date(2032, 11, 17)  # named a day later
        assert DerivedFlag.objects.filter(case=self.filed, party__number=3, purged_at=None).count() == 1
        self.verified()

    def test_a_change_after_the_first_agreement_makes_it_void(self):
        self.change(person={"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.do("amend", "d.osei")
        self.change(facts={"loss_pence": 7})
        assert not Approval.objects.filter(case=self.filed, act="amend", closed_at=None).exists()

    def test_a_victim_filed_as_principal_is_put_right(self):
        self.change(party=(1, {"is_innocent": True}), facts={"fpa_case_type": "victim_of_takeover"})
        self.do("amend", "d.osei")
        assert self.clocks("k24_adverse") == [("k24_adverse", "cancelled", date(2032, 11, 16))]
        assert self.clocks("k24_victim") == [
            ("k24_victim", "running", date(2027, 12, 16)),
            ("k24_victim", "running", date(2027, 12, 16)),
        ]
        assert not DerivedFlag.objects.filter(case=self.filed, purged_at=None).exists()
        assert self.letters() == [("n11", 2, "due")]  # whose role is no victim's is told of none

    def test_a_victim_filed_as_principal_is_sent_in_the_right_role(self):
        self.change(
            party=(1, {"role": "victim_of_impersonation", "is_innocent": True}),
            facts={"fpa_case_type": "victim_of_impersonation"},
        )
        self.do("amend", "d.osei")
        told = [(each["number"], each["role"], each["innocent"]) for each in self.sent("fpa_amend")[0][2]["subjects"]]
        assert told == [(1, "victim_of_impersonation", True), (2, "victim_of_takeover", True)]
        assert self.clocks("k24_adverse")[0][1] == "cancelled"
        assert [due for _, _, due in self.clocks("k24_victim")] == [date(2027, 12, 16), date(2027, 12, 16)]
        assert self.letters() == [("n11", 2, "due"), ("n11", 1, "due")]

    def test_the_agencys_longest_reference_goes_back_to_it_whole(self):
        longest = "SFR-" + "4" * 76
        case = factories.submitted(self.people)
        transitions.apply(case.pk, "file", actor=factories.fpa(), at=FILED_AT, inputs={"agency_reference": longest})
        transitions.apply(case.pk, "remove", actor=self.people["d.osei"], at=FILED_AT, inputs={"reason_code": "error"})
        removal = OutboxMessage.objects.get(case=case, kind="fpa_remove")
        assert factories.body_of(removal)["filing_reference"] == longest

    def test_a_victim_who_took_part_gets_no_letter_to_a_victim(self):
        self.change(party=(2, {"role": "aider", "is_innocent": False}))
        self.do("amend", "d.osei")
        approval = Approval.objects.get(case=self.filed, act="amend", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)
        assert self.sent("fpa_amend")[0][2]["subjects"][1]["role"] == "aider"
        assert self.letters() == [("n11", 2, "withdrawn")]

    def test_a_letter_to_a_victim_that_waits_is_taken_back_at_once_when_it_no_longer_fits(self):
        before = self.letters()
        assert before == [("n11", 2, "due")]
        for change in (
            {"facts": {"reasons": ["unauth_sim_swap", "deceased_impersonation"]}},
            {"facts": {"prejudice_recorded": True}},
            {"party": (2, {"is_innocent": False, "role": "aider"})},
            {"party": (2, {"role": "account_holder"})},
        ):
            with undone():
                self.change(**change)
                assert self.letters() == [("n11", 2, "withdrawn")], change
                assert letters.make_due_letters(now=NEXT_DAY) == 0
        self.change(facts={"loss_pence": 7})
        assert self.letters() == before

    def test_one_that_is_printed_and_not_yet_on_its_way_is_taken_back_with_its_message(self):
        assert letters.make_due_letters(now=FILED_AT) == 1
        with undone():
            self.change(facts={"reasons": ["unauth_sim_swap", "deceased_impersonation"]})
            assert self.letters() == [("n11", 2, "withdrawn")]
            assert [state for _, state, _ in self.sent("letter")] == ["withdrawn"]
        OutboxMessage.objects.filter(case=self.filed, kind="letter").update(state="delivered", attempts=1)
        self.change(facts={"reasons": ["unauth_sim_swap", "deceased_impersonation"]})
        assert self.letters() == [("n11", 2, "rendered")]  # it is gone

    def test_a_letter_that_was_taken_back_is_asked_for_anew_once_it_fits_again(self):
        self.change(facts={"reasons": ["unauth_sim_swap", "deceased_impersonation"]})
        self.change(facts={"reasons": ["unauth_sim_swap"]})
        assert self.letters() == [("n11", 2, "withdrawn"), ("n11", 2, "due")]
        self.change(party=(1, {"is_innocent": True, "role": "victim_of_impersonation"}))
        assert len(self.letters()) == 2  # who is named anew is written to with the amendment
        self.verified()

    def test_a_person_who_was_detached_is_taken_out_of_the_filing(self):
        self.do("detach", "p.nair", reason="Somebody else of that name.", person="1")
        approval = Approval.objects.get(case=self.filed, act="detach")
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=FILED_AT)
        self.change(facts={"fpa_case_type": "victim_of_takeover"})
        assert set(self.tasks()) == {"detached_filed", "fraud_amendment"}
        self.refused("You prepared this case.", "amend", "judge")
        self.do("amend", "d.osei")
        assert [subject["number"] for subject in self.sent("fpa_amend")[0][2]["subjects"]] == [2]
        assert (self.tasks(), DerivedFlag.objects.filter(case=self.filed, purged_at=None).count()) == ([], 0)

    def test_whoever_was_told_hears_of_an_amendment(self):
        self.tell_police()
        self.amended()
        assert [body["change"] for _, _, body in self.sent("correction_amended")] == ["amended"]
        assert self.clocks("correction_acknowledgement") == [
            ("correction_acknowledgement", "running", date(2026, 11, 23))
        ]

    def test_a_dispute_that_is_right_in_part_ends_in_an_amendment_and_an_answer(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.refused("Nothing changed since", "amend_disputed", "judge")
        self.change(facts={"loss_pence": 0, "reasons": ["call_divert"]})
        self.refused("You decided on this case before", "amend_disputed", "d.osei")
        case = self.do("amend_disputed", "judge", at=NEXT_DAY)
        assert (case.state, FraudDispute.objects.get(case=case).outcome) == ("filed", "amended")
        assert (self.tasks(), self.letters()) == ([], [("n11", 2, "due"), ("n18", 2, "due")])
        assert self.clocks("k10_request")[0][1] == "running"  # until the letter is in the post

    def test_a_dispute_marks_nobody_else(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.change(person={"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.refused("This would mark another person", "amend_disputed", "judge")

    def test_a_product_given_back_means_removal_and_nothing_else(self):
        self.change(facts={"is_reinstated": True})
        assert self.tasks() == ["fraud_must_remove"]
        self.refused("The product was given back", "amend", "d.osei")
        self.do("dispute", "i.sowande", **PRESENT)
        self.refused("The product was given back", "uphold", "judge", reason="It stands.")
        self.do("remove", "d.osei", reason_code="new_evidence")
        assert self.tasks() == ["check_after"]

    def test_a_marker_that_has_ended_is_neither_sent_again_nor_started_again(self):
        after_13_months = datetime(2027, 12, 17, 3, 0, tzinfo=UTC)
        sweeps.end_due_clocks(now=after_13_months)
        self.change(at=after_13_months, facts={"loss_pence": 500})
        self.do("amend", "d.osei", at=after_13_months)
        assert [subject["number"] for subject in self.sent("fpa_amend")[0][2]["subjects"]] == [1]
        assert self.clocks("k24_adverse", "k24_victim") == [
            ("k24_adverse", "running", date(2032, 11, 16)),
            ("k24_victim", "met", date(2027, 12, 16)),
        ]

    def test_a_marker_whose_end_was_not_noted_yet_is_not_sent_again_either(self):
        after_13_months = datetime(2027, 12, 17, 3, 0, tzinfo=UTC)
        self.change(at=after_13_months, facts={"loss_pence": 500})
        self.do("amend", "d.osei", at=after_13_months)
        assert [subject["number"] for subject in self.sent("fpa_amend")[0][2]["subjects"]] == [1]
        assert sweeps.end_due_clocks(now=after_13_months) == 1

    def test_nobody_is_warned_of_a_marker_that_has_ended(self):
        self.change(person={"role": "mule", "is_innocent": False, "values": {"surname": "Strake"}, "addresses": []})
        self.do("amend", "d.osei", at=NEXT_DAY)
        approval = Approval.objects.get(case=self.filed, act="amend", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
        first_over = datetime(2032, 11, 17, 3, 0, tzinfo=UTC)
        sweeps.end_due_clocks(now=first_over)
        warned = DerivedFlag.objects.filter(case=self.filed, purged_at=None)
        assert list(warned.values_list("party__number", flat=True)) == [3]
        self.change(at=first_over, facts={"loss_pence": 500})
        self.do("amend", "d.osei", at=first_over)
        assert [subject["number"] for subject in self.sent("fpa_amend")[-1][2]["subjects"]] == [3]
        assert list(warned.values_list("party__number", flat=True)) == [3]

    def test_nothing_older_to_the_agency_holds_a_removal_back(self):
        """A reminder that died and an answer that waits stand before it in the agency's ordered stream."""
        case = locks.case_for_update(self.filed.pk)
        reminder, answer, other = (
            outbox.post(case, outbox.Message(agency_code=agency, kind=kind, body={}), at=FILED_AT)
            for agency, kind in (
                ("sandbox-fraud-register", "chaser"),
                ("sandbox-fraud-register", "fpa_answer"),
                ("sandbox-post", "letter"),
            )
        )
        OutboxMessage.objects.filter(pk=reminder.pk).update(state="dead")
        self.do("remove", "d.osei", reason_code="error")
        states = dict(OutboxMessage.objects.filter(case=self.filed).values_list("kind", "state"))
        assert (states["chaser"], states["fpa_answer"], states["letter"]) == ("withdrawn", "withdrawn", "pending")
        assert states["fpa_remove"] == "pending"
        assert OutboxMessage.objects.get(pk=other.pk).settled_at is None

    def test_a_removal_does_not_wait_for_what_is_under_way(self):
        self.amended()
        OutboxMessage.objects.filter(case=self.filed, kind="fpa_file").update(state="acknowledged")
        lease = uuid4()
        amendment = OutboxMessage.objects.get(case=self.filed, kind="fpa_amend")
        OutboxMessage.objects.filter(pk=amendment.pk).update(
            state="sending", lease=lease, lease_until=NEXT_DAY + timedelta(days=3650)
        )
        self.do("remove", "d.osei", reason_code="error")
        OutboxMessage.objects.filter(case=self.filed, kind="fpa_remove").update(due_at=FILED_AT)
        removal = OutboxMessage.objects.get(case=self.filed, kind="fpa_remove")
        assert removal.pk in [one.message_id for one in queue.claim(uuid4())]
        OutboxMessage.objects.filter(pk=amendment.pk).update(state="pending", lease=None, lease_until=None)
        OutboxMessage.objects.filter(pk=removal.pk).update(lease=None, lease_until=None, state="pending")
        self.end("fpa_remove", "delivered")
        assert [state for _, state, _ in self.sent("fpa_amend")] == ["withdrawn"]  # never tried again

    def test_what_waits_to_be_said_of_a_filing_does_not_stand_in_the_way_of_its_removal(self):
        self.amended()
        self.do("dispute", "i.sowande", **PRESENT)
        self.end("fpa_amend", "dead")
        self.do("remove", "d.osei", reason_code="error")
        assert [(kind, state) for kind, state, _ in self.sent("fpa_amend", "fpa_dispute", "fpa_remove")] == [
            ("fpa_amend", "withdrawn"),
            ("fpa_dispute", "withdrawn"),
            ("fpa_remove", "pending"),
        ]


class Police(Stage):
    REPORT = {"people": ["1"], "documents": ["1"], "story_holds": "no"}

    def test_our_own_evidence_goes_without_communications_data(self):
        case = self.do("report_to_police", "d.osei", **self.REPORT)
        ((_, state, body),) = self.sent("report_fraud")
        assert (case.state, state) == ("filed", "pending")
        assert body["subjects"] == [
            {
                "number": 1,
                "role": "third_party_fraudster",
                "innocent": False,
                "alias": "Morwenna Tregaskis",
                "addresses": [
                    {"kind": "delivery", "line_1": "Unit 4, 77 Fiction Way", "town": "Leeds", "postcode": "LS1 0ZZ"}
                ],
            }
        ]
        assert [(each["number"], each["kind"]) for each in body["documents"]] == [(1, "call_recording")]
        assert body["what_happened"] == "Caller passed security, swapped the SIM and ordered a handset."
        items = ReleasedItem.objects.filter(release__message_kind="report_fraud").order_by("category")
        assert list(items.values_list("category", "clause", "gateway")) == [
            ("address", "report_crime_person", "annex1_p5"),
            ("application", "report_crime_person", "annex1_p5"),
            ("fraud_allegation", "report_crime_allegation", "dpa18_sch1_p10"),
            ("identity", "report_crime_person", "annex1_p5"),
        ]
        self.verified()

    def test_communications_data_goes_when_legal_counsel_agrees(self):
        self.do("report_to_police", "d.osei", has_communications_data=True, **self.REPORT)
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        assert (approval.needs, self.sent("report_fraud")) == (["legal_counsel"], [])
        with nothing_written(counted=1), pytest.raises(CaseError, match="legal counsel"):
            verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
        counsel = {"actor": self.people["v.tranter"], "at": NEXT_DAY}
        with nothing_written(counted=1), pytest.raises(CaseError, match="Answer this first: Does the story"):
            verdicts.decide(approval.uid, "agreed", **counsel)
        with undone(), pytest.raises(CaseError, match="Who proposed it says otherwise"):
            verdicts.decide(approval.uid, "agreed", answer="yes", **counsel)
        assert self.sent("report_fraud") == []
        verdicts.decide(approval.uid, "agreed", answer="no", **counsel)
        ((_, _, body),) = self.sent("report_fraud")
        assert body["subjects"][0]["ip_address"] == "203.0.113.45"
        event = LedgerEvent.objects.filter(stream=self.filed.uid, action="fraud_referral.report_to_police").latest(
            "seq"
        )
        said = {
            name: json.loads(event.body)["detail"][name] for name in ("answer", "communications_data", "in_the_story")
        }
        assert said == {"answer": "no", "communications_data": True, "in_the_story": False}

    def change(self, *, by="p.nair", **facts):
        with edits.change(self.filed.pk, actor=self.people[by], at=FILED_AT) as edit:
            edit.facts(**facts)

    def test_the_story_holds_no_communications_data_that_nobody_spoke_of(self):
        mute = {name: value for name, value in self.REPORT.items() if name != "story_holds"}
        self.refused("Say whether the story", "report_to_police", "d.osei", **mute)
        for text in (
            "He rang from 07700 900456.",
            "Called from +44 (0)7700 900-456 twice.",
            "Signed in from 203.0.113.45 at night.",
            "Signed in from 2001:db8::17 at night.",
            "A SIM 8944000000000000020 was put in.",
        ):
            self.change(narrative=text)
            self.refused("The story holds what looks like", "report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="Ordered on 2026-11-13 at 21:02 for £1,099.00, case NM-4471.")
        with undone():
            self.do("report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="He rang from 07700 900456.")
        self.do("report_to_police", "d.osei", **{**self.REPORT, "story_holds": "yes"})
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        assert (approval.needs, self.sent("report_fraud")) == (["legal_counsel"], [])
        verdicts.decide(approval.uid, "agreed", actor=self.people["v.tranter"], at=NEXT_DAY, answer="yes")
        ((_, _, body),) = self.sent("report_fraud")
        assert body["what_happened"] == "He rang from 07700 900456." and "ip_address" not in body["subjects"][0]

    def test_communications_data_is_never_said_anew_without_counsel(self):
        self.do("report_to_police", "d.osei", has_communications_data=True, **self.REPORT)
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        verdicts.decide(approval.uid, "agreed", actor=self.people["v.tranter"], at=FILED_AT, answer="no")
        self.change(loss_pence=500)
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert len(self.sent("report_fraud")) == 1
        ((_, _, notice),) = self.sent("correction_amended")
        assert notice["change"] == "amended" and "replaced_by" not in notice
        task = Task.objects.get(case=self.filed, kind="fraud_police_anew")
        assert task.closed_at is None
        self.do("report_to_police", "d.osei", at=NEXT_DAY, has_communications_data=True, **self.REPORT)
        assert len(self.sent("report_fraud")) == 1
        again = Approval.objects.get(case=self.filed, act="report_to_police", closed_at=None)
        verdicts.decide(again.uid, "agreed", actor=self.people["v.tranter"], at=NEXT_DAY, answer="no")
        assert [body["loss_pence"] for _, _, body in self.sent("report_fraud")] == [0, 500]
        task.refresh_from_db()
        assert task.closed_at == NEXT_DAY
        self.verified()

    def test_another_story_than_the_one_that_was_spoken_of_is_not_said_anew(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="Caller passed security and rang back from a telephone of his own.")
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert len(self.sent("report_fraud")) == 1
        assert Task.objects.filter(case=self.filed, kind="fraud_police_anew", closed_at=None).count() == 1
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="error")
        assert not Task.objects.filter(case=self.filed, kind="fraud_police_anew", closed_at=None).exists()

    def test_what_is_not_our_own_evidence_stays_and_nothing_is_written(self):
        self.refused("at least one person", "report_to_police", "d.osei", documents=["1"])
        self.refused("at least one person", "report_to_police", "d.osei", people=["9"], documents=["1"])
        self.refused("at least one document", "report_to_police", "d.osei", people=["1"], documents=["9"])
        paper = {"kind": "device_log", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
        edits.attach(self.filed.pk, **paper, actor=self.people["p.nair"], at=FILED_AT)
        self.refused(
            "communications data", "report_to_police", "d.osei", people=["1"], documents=["2"], story_holds="no"
        )
        with record.act(self.filed, "tests.source", actor=actors.system("tests"), at=FILED_AT):
            self.fraudster.source = "agency:sandbox-fraud-register"
            self.fraudster.save(update_fields=["source"])
        self.refused("not our own evidence", "report_to_police", "d.osei", **self.REPORT)
        self.refused("needs the role fraud approver", "report_to_police", "p.nair", people=["2"], documents=["1"])

    def test_the_crime_reference_is_kept_and_only_the_police_give_one(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        message = self.end("report_fraud", "delivered")
        with nothing_written(), pytest.raises(CaseError, match="Only the police"):
            self.say("report_fraud.recorded", reference="RF-1")
        case = self.say(
            "report_fraud.recorded", message=message, agency="sandbox-report-fraud", reference="RF-2026-0002201"
        )
        assert case.fraud_referral.police_reference == "RF-2026-0002201"

    def test_the_longest_reference_is_kept_whole(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        message = self.end("report_fraud", "delivered")
        longest = "RF-" + "7" * 77
        case = self.say("report_fraud.recorded", message=message, agency="sandbox-report-fraud", reference=longest)
        assert case.fraud_referral.police_reference == longest

    def test_the_police_hear_of_what_changes_and_of_a_removal(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=500)
        self.do("amend", "d.osei", at=NEXT_DAY)
        first, again = self.sent("report_fraud")
        assert (first[2]["loss_pence"], again[2]["loss_pence"]) == (0, 500)
        assert again[2]["subjects"] == first[2]["subjects"]
        assert [body["change"] for _, _, body in self.sent("correction_amended")] == ["amended"]
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="error")
        assert [body["change"] for _, _, body in self.sent("correction_removed")] == ["removed"]


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
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused):
            self.say("fpa.removed")

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


class Holders(Stage):
    """Where two fraud prevention agencies are in the register, only the one that has the filing hears more of it."""

    SECOND = "sandbox-second-register"

    def stand(self, code, state):
        terms = replace(TERMS, state=state)
        agreements.enter(Agency.objects.get(code=code), terms, actor=actors.system("tests"), at=FILED_AT)

    def second(self):
        listing = agencies.Listing(
            code=self.SECOND,
            kind="fpa",
            display_name="Sandbox Second Register",
            terms=TERMS,
            channels=(agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/second"),),
        )
        agencies.register(listing, actor=actors.system("tests"), at=FILED_AT)

    def file_with_the_second(self):
        """Have filed anew while the first agency took no part."""
        self.second()
        self.stand("sandbox-fraud-register", "suspended")
        with record.act(self.filed, "tests.filed_anew", actor=self.people["d.osei"], at=FILED_AT):
            messages.file(locks.case_for_update(self.filed.pk), actor=self.people["d.osei"], at=FILED_AT)
        self.stand("sandbox-fraud-register", "active")

    def heard(self):
        rows = OutboxMessage.objects.filter(case=self.filed, kind__in=("fpa_amend", "fpa_dispute", "fpa_remove"))
        return list(rows.order_by("pk").values_list("kind", "channel__agency__code"))

    def say_everything(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="It stands.")
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=500)
        self.do("amend", "d.osei")
        self.do("remove", "d.osei", reason_code="error")

    def test_what_is_said_of_a_filing_goes_to_the_agency_that_holds_it(self):
        self.file_with_the_second()
        self.say_everything()
        kinds = ("fpa_dispute", "fpa_dispute", "fpa_amend", "fpa_remove")
        assert self.heard() == [(kind, self.SECOND) for kind in kinds]

    def test_an_agency_that_holds_a_filing_and_takes_no_part_any_more_is_told_by_hand(self):
        self.second()
        self.stand("sandbox-fraud-register", "ended")
        self.say_everything()
        asked = Task.objects.filter(case=self.filed, kind="correction_by_hand").order_by("pk")
        assert self.heard() == []
        assert [task.detail["change"] for task in asked] == ["disputed", "disputed", "amended", "removed"]
        assert {(task.detail["agency"], task.detail["cause"]) for task in asked} == {("fpa", "NoChannel")}
        assert Case.objects.get(pk=self.filed.pk).state == "removal_requested"


class Letters(Stage):
    """The answers as people read them, from the person's own rows alone."""

    NOT_HERS = ("203.0.113.45", "Unit 4", "Fiction Way", "Leeds", "NM-4471", "Caller passed")
    ROUTES = ("Complain to us", "Communications Ombudsman or CISAS", "Information Commissioner’s Office", "court")

    def read(self, template):
        letters.make_due_letters(now=NEXT_DAY)
        letter = Letter.objects.get(case=self.filed, template=template)
        reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(self.filed.uid,))
        text = " ".join(reading.text_of(letters.open_letter(letter, reader=reader, at=NEXT_DAY)).split())
        assert (letter.state, letter.template_version, letter.language) == ("rendered", 1, "en-GB")
        assert letter.message.channel.agency.code == "sandbox-post"
        for said in ("Dear Morwenna Tregaskis,", self.filed.reference, "consumers@example.org", *self.ROUTES):
            assert said in text, said
        for secret in self.NOT_HERS:
            assert secret not in text, secret
        return text

    def test_the_filing_stands(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="The recording and the log agree.")
        text = self.read("n17")
        assert "It stands." in text
        assert "Until 16 December 2027." in text
        assert "The recording and the log agree" not in text

    def test_the_filing_was_amended(self):
        self.do("dispute", "i.sowande", **PRESENT)
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(reasons=["call_divert"])
        self.do("amend_disputed", "judge")
        text = self.read("n18")
        assert "corrected it." in text
        assert "calls diverted" in text

    def test_the_filing_was_removed_and_the_post_proves_the_letter(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("remove", "d.osei", reason_code="subject_innocent")
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        text = self.read("n19")
        assert "it has confirmed that it did" in text
        assert "SFR-2026-0004417" in text
        letter = Letter.objects.get(case=self.filed, template="n19")
        self.say("letter.dispatched", message=letter.message, agency="sandbox-post", at=NEXT_DAY)
        letter.refresh_from_db()
        assert (letter.state, letter.dispatched_date) == ("dispatched", date(2026, 11, 17))
        assert self.filed.clocks.get(rule="k10_request").state == "met"


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
