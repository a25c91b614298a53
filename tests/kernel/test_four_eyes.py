"""Who makes does not check, by person and not by role; and an approval binds to what the case says."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from django.test import TestCase

from cases.fraud.models import FraudReferral, PillarAnswer
from cases.kernel import edits, intake, policy, record, transitions, verdicts
from cases.kernel.models import Approval, ApprovalDecision, Case, OutboxMessage, Release
from cases.kernel.standing import Standing
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import APPROVED_AT, AT
from tests.kernel.snapshots import nothing_written, undone

PREPARED = "You prepared this case. Another person must decide."
CHANGED = "The case changed after it was sent for approval."
GONE = "Nothing waits for approval: the case changed after it was sent for approval."


def submit(case, by):
    return transitions.apply(case.pk, "submit", actor=by, at=AT, inputs={"pillars": factories.MAKER_ANSWERS})


def approve(case, by, **given):
    return transitions.apply(case.pk, "approve", actor=by, at=APPROVED_AT, inputs=factories.CHECKER_INPUTS, **given)


def attach(case, by):
    return edits.attach(case.pk, kind="chat", file_name="a.txt", media_type="text/plain", data=b"a", actor=by, at=AT)


class MakerAndChecker(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.investigating = factories.investigating(cls.people)
        cls.ready = factories.ready(cls.people)

    def setUp(self):
        both = frozenset({"fraud_analyst", "fraud_approver"})
        self.byrne = self.people["a.byrne"]
        self.osei = replace(self.people["d.osei"], roles=both)
        self.nair = replace(self.people["p.nair"], roles=both)
        assert self.byrne.roles == both

    def edit(self, case, by, **facts):
        with edits.change(case.pk, actor=by, at=AT) as edit:
            edit.facts(**facts)

    def refused(self, case, by, sentence=PREPARED):
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused) as refusal:
            approve(case, by)
        assert sentence in str(refusal.value)

    def test_maker_who_holds_both_roles_is_refused_every_verdict(self):
        self.refused(self.ready, self.byrne)
        for name in ("return", "refuse"):
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=PREPARED):
                transitions.apply(self.ready.pk, name, actor=self.byrne, at=APPROVED_AT, reason="No.")

    def test_who_opened_it_is_refused(self):
        case = intake.open_case(
            "fraud_referral",
            actor=self.osei,
            at=AT,
            facts=factories.FACTS,
            people=[factories.FRAUDSTER, factories.VICTIM],
        )
        for name in ("take", "accept"):
            transitions.apply(case.pk, name, actor=self.byrne, at=AT)
        attach(case, self.byrne)
        submit(case, self.byrne)
        self.refused(case, self.osei)
        assert approve(case, self.nair).state == "approved"

    def test_who_once_edited_it_is_refused_even_after_another_sent_it(self):
        self.edit(self.investigating, self.osei, loss_pence=5)
        self.edit(self.investigating, self.byrne, loss_pence=0)
        submit(self.investigating, self.byrne)
        self.refused(self.investigating, self.osei)
        assert approve(self.investigating, self.nair).state == "approved"

    def test_who_once_attached_a_document_is_refused(self):
        attach(self.investigating, self.osei)
        submit(self.investigating, self.byrne)
        self.refused(self.investigating, self.osei)

    def test_who_sent_an_earlier_version_is_refused_the_next(self):
        submit(self.investigating, self.osei)
        transitions.apply(self.investigating.pk, "return", actor=self.nair, at=AT, reason="Date missing.")
        submit(self.investigating, self.byrne)
        self.refused(self.investigating, self.osei)

    def test_who_took_a_person_out_of_it_is_refused(self):
        with edits.change(self.investigating.pk, actor=self.byrne, at=AT) as edit:
            edit.add_party({**factories.FRAUDSTER, "values": {"alias": "Lowen Tregaskis"}})
        person = {"person": 3}
        transitions.apply(self.investigating.pk, "detach", actor=self.osei, at=AT, reason="Namesake.", inputs=person)
        submit(self.investigating, self.byrne)
        self.refused(self.investigating, self.osei)
        assert approve(self.investigating, self.nair).state == "approved"

    def split_off(self, case, *, by, agreed_by):
        """Split off the fraudster with the document; return the new case, ready to be worked on."""
        given = {"people": [1], "both": [], "documents": [1]}
        transitions.apply(case.pk, "split", actor=by, at=AT, reason="Two incidents.", inputs=given)
        approval = Approval.objects.get(case=case, act="split", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=agreed_by, at=AT)
        return Case.objects.latest("pk")

    def test_who_shaped_the_case_it_was_split_from_or_proposed_the_split_is_refused(self):
        self.edit(self.investigating, self.byrne, loss_pence=5)
        third, fourth = factories.judge(self.people), replace(self.people["w.strake"], roles=self.osei.roles)
        fourth = replace(fourth, team_ids=self.osei.team_ids)
        new = self.split_off(self.investigating, by=self.nair, agreed_by=self.osei)
        for name in ("take", "accept"):
            transitions.apply(new.pk, name, actor=fourth, at=AT)
        submit(new, fourth)
        for person in (self.byrne, self.nair, self.osei, fourth):
            self.refused(new, person)
        assert approve(new, third).state == "approved"

    def test_who_shaped_what_is_split_twice_is_refused_in_the_last_case_too(self):
        first = self.split_off(self.investigating, by=self.nair, agreed_by=self.osei)
        with edits.change(first.pk, actor=self.nair, at=AT) as edit:
            edit.add_party(factories.VICTIM)
        last = self.split_off(first, by=self.nair, agreed_by=self.osei)
        assert LedgerEvent.objects.get(stream=last.uid).content()["detail"]["shaped_by"] == sorted(
            [self.byrne.label, self.nair.label, self.osei.label]
        )
        assert Standing(last, self.byrne, is_deciding=True).past.shaped_seq == 1

    def test_reading_noting_assigning_and_having_decided_before_is_not_making(self):
        edits.add_note(self.investigating.pk, "Rang the shop.", actor=self.osei, at=AT)
        edits.assign(self.investigating.pk, factories.user("a.byrne"), actor=self.osei, at=AT)
        submit(self.investigating, self.byrne)
        transitions.apply(self.investigating.pk, "return", actor=self.osei, at=AT, reason="Date missing.")
        submit(self.investigating, self.byrne)
        assert approve(self.investigating, self.osei).state == "approved"

    def test_each_kind_of_edit_voids_the_open_approval(self):
        changes = {
            "fact": lambda edit: edit.facts(loss_pence=1),
            "sealed fact": lambda edit: edit.facts(narrative="Another story."),
            "person": lambda edit: edit.party(2, date_of_birth="1984-03-09"),
            "innocent flag": lambda edit: edit.party(1, is_innocent=True),
            "address": lambda edit: edit.address(2, "current", postcode="TR18 1ZZ"),
            "new address": lambda edit: edit.address(2, "previous", line_1="1 Old Road", town="Truro"),
            "new person": lambda edit: edit.add_party(factories.FRAUDSTER),
        }
        for what, change in changes.items():
            with undone():
                with edits.change(self.ready.pk, actor=self.byrne, at=AT) as edit:
                    change(edit)
                self.is_void(what)
        attach(self.ready, self.byrne)
        self.is_void("document")

    def is_void(self, what):
        approval = Approval.objects.get(case=self.ready)
        assert (approval.outcome, approval.voided_at, approval.closed_at) == ("void", AT, AT), what
        assert Case.objects.get(pk=self.ready.pk).state == "ready"
        self.refused(self.ready, self.osei, GONE)

    def test_putting_the_old_value_back_does_not_revive_the_approval(self):
        self.edit(self.ready, self.byrne, loss_pence=1)
        self.edit(self.ready, self.byrne, loss_pence=0)
        self.refused(self.ready, self.osei, GONE)
        transitions.apply(self.ready.pk, "return", actor=self.osei, at=AT, reason="Changed meanwhile.")
        submit(self.ready, self.byrne)
        assert approve(self.ready, self.osei).state == "approved"

    def test_what_an_approval_is_not_about_leaves_it_open(self):
        edits.add_note(self.ready.pk, "Rang the shop.", actor=self.nair, at=AT)
        edits.assign(self.ready.pk, factories.user("p.nair"), actor=self.nair, at=AT)
        assert Approval.objects.get(case=self.ready).closed_at is None
        assert approve(self.ready, self.osei).state == "approved"

    def test_a_change_that_went_round_the_verb_is_caught_by_the_digest(self):
        with record.act(self.ready, "tests.changed", actor=self.byrne, at=AT):
            row = FraudReferral.objects.get(pk=self.ready.pk)
            row.value_at_risk_pence = 1
            row.save()
        self.refused(self.ready, self.osei, CHANGED)

    def test_changed_pillars_are_caught_by_the_digest(self):
        with record.act(self.ready, "tests.changed", actor=self.byrne, at=AT):
            answer = PillarAnswer.objects.get(case=self.ready, pillar=4, side="maker")
            answer.is_met = False
            answer.save()
        self.refused(self.ready, self.osei, CHANGED)

    def test_a_page_read_before_the_last_change_decides_nothing(self):
        edits.add_note(self.ready.pk, "Rang the shop.", actor=self.nair, at=AT)
        with nothing_written(counted=1), pytest.raises(transitions.CaseChanged):
            approve(self.ready, self.osei, version=self.ready.version)
        stale = edits.change(self.ready.pk, actor=self.nair, at=AT, version=self.ready.version)
        with nothing_written(), pytest.raises(edits.EditConflict), stale as edit:
            edit.facts(loss_pence=3)

    def test_a_rule_that_is_missing_denies(self):
        key = ("fraud_referral", "fraud_referral.approve")
        with patch.dict(policy._table):
            del policy._table[key]
            self.refused(self.ready, self.osei, "Nobody does this by hand.")

    def test_an_agreement_needs_every_pillar_and_a_look_at_the_innocent(self):
        unmet = {number: {"is_met": number != 3} for number in (1, 2, 3, 4)}
        for inputs, sentence in (
            ({}, "Pillar 1, 2, 3, 4: you must agree with every pillar to approve; else return it."),
            ({**factories.CHECKER_INPUTS, "pillars": unmet}, "Pillar 3: you must agree with every pillar"),
            ({**factories.CHECKER_INPUTS, "has_reviewed_innocent": False}, "Confirm that you reviewed who is marked"),
        ):
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=sentence):
                transitions.apply(self.ready.pk, "approve", actor=self.osei, at=APPROVED_AT, inputs=inputs)

    def test_one_agreement_has_one_effect_and_names_both_people(self):
        approve(self.ready, self.osei)
        decision = ApprovalDecision.objects.get(approval__case=self.ready)
        assert (decision.maker_id, decision.checker_id) == (self.byrne.user_id, self.osei.user_id)
        assert (decision.role, decision.verdict) == ("fraud_approver", "agreed")
        assert decision.digest == decision.approval.digest
        assert OutboxMessage.objects.filter(case=self.ready).count() == 1
        assert Release.objects.filter(case=self.ready).count() == 1
        self.refused(self.ready, self.nair, f"{self.ready.reference} is approved;")

    def test_taking_a_filing_back_voids_what_was_agreed(self):
        approve(self.ready, self.osei)
        transitions.apply(self.ready.pk, "withdraw", actor=self.osei, at=APPROVED_AT, reason="Wrong account.")
        approval = Approval.objects.get(case=self.ready)
        assert (approval.outcome, approval.voided_at) == ("agreed", APPROVED_AT)
        assert OutboxMessage.objects.get(case=self.ready).state == "withdrawn"
        submit(self.ready, self.byrne)
        assert approve(self.ready, self.osei).state == "approved"
        assert Approval.objects.filter(case=self.ready, voided_at=None).count() == 1
