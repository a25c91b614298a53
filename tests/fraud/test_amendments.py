"""What was filed is said anew where it changed, and whoever holds it hears. Expected values by hand from the design."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from cases.agencies import queue
from cases.agencies.directory import TERMS
from cases.fraud import astold, messages
from cases.fraud.models import DerivedFlag, FraudDispute
from cases.kernel import actors, edits, locks, outbox, record, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, agreements
from cases.kernel.exchange.misfits import DoesNotFit
from cases.kernel.models import (
    Agency,
    Approval,
    Case,
    OutboxMessage,
    Task,
)
from cases.kernel.timing import sweeps
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import letters
from tests import factories
from tests.factories import FILED_AT
from tests.fraud.standing import NEXT_DAY, PRESENT, Stage
from tests.kernel.snapshots import nothing_written, undone


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

    def test_which_attack_it_was_is_owed_to_the_police_and_no_part_of_the_filing(self):
        attack = {"event_type": "network_attack", "attack": "denial_of_service"}
        with undone():
            self.change(facts=attack)
            assert self.tasks() == []
        self.tell_police()
        self.change(facts=attack)
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

    def test_a_filing_is_put_right_though_somebody_in_it_is_known_from_an_agency_now(self):
        """What only an agency told goes no further; the agency that has the filing was told of them before."""
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.party(1, source="agency")
        self.amended()
        ((_, state, body),) = self.sent("fpa_amend")
        assert (state, body["loss_pence"], len(body["subjects"])) == ("pending", 500, 2)

    def test_an_address_that_an_agency_told_us_goes_no_further(self):
        """The person is ours, one of their addresses is the agency's: it stays here, and is no change of the filing."""
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.add_address(1, "previous", line_1="3 Bureau Lane", postcode="LS2 0ZZ", source="agency")
        self.refused("The agency would be told just what it was told", "amend", "d.osei")
        self.amended()
        ((_, _, body),) = self.sent("fpa_amend")
        assert [place["line_1"] for place in body["subjects"][0]["addresses"]] == ["Unit 4, 77 Fiction Way"]

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

    def test_an_amendment_that_it_says_it_holds_after_it_refused_it_is_left_to_people(self):
        self.amended()
        message = self.end("fpa_amend", "delivered")
        self.say("fpa.rejected", message=message, errors=[{"pointer": "/x", "code": "X"}])
        with nothing_written(), pytest.raises(DoesNotFit, match="holds the amendment that it had refused"):
            self.say("fpa.amended", message=message)
        self.change(party=(2, {"date_of_birth": "1984-03-09"}))
        self.do("amend", "d.osei")
        self.say("fpa.amended", message=self.end("fpa_amend", "delivered"))
        assert LedgerEvent.objects.filter(stream=self.filed.uid, action="amendment.filed").count() == 1

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
