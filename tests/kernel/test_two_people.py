"""Acts of several people: proposed, agreed, declined, taken back; and acts that are looked at afterwards."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import TestCase

from cases.catalogue import CASE_TYPES
from cases.kernel import approvals, casetypes, edits, policy, transitions, typed, verdicts
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.lifecycle import Agreement, Transition
from cases.kernel.models import Approval, ApprovalDecision, Case, Task
from cases.kernel.office import kinds
from cases.kernel.timing import sweeps
from cases.ledger.models import AccessEvent, LedgerEvent, SecurityEvent
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

LATER = AT + timedelta(hours=2)
ASKED = "You asked for this. Another person must agree."
seen = []


def says_calls(context):
    return bool(context.inputs.get("has_calls"))


def adds_adverse(context):
    return bool(context.inputs.get("is_adverse"))


def remember(context):
    seen.append((context.actor.label, context.proposer, context.reason, dict(context.inputs)))


def move(name, **given):
    usual = {"label": name.capitalize(), "source": frozenset({"investigating"}), "target": None}
    usual["roles"] = frozenset({"fraud_approver"})
    return Transition(name=name, **{**usual, **given})


EXTRA = (
    move("tell", agreed_by=(Agreement(role="legal_counsel", when=says_calls),), effects=(remember,)),
    move(
        "widen",
        target="triage",
        agreed_by=(
            Agreement(role="fraud_approver"),
            Agreement(role="fraud_approver", when=adds_adverse),
        ),
        payload=lambda case: [],
        effects=(remember,),
        needs_reason=True,
    ),
    move("rewrite", agreed_by=(Agreement(role="fraud_approver"),)),
    move("hurry", confirmed_by=(Agreement(role="fraud_approver"),), effects=(remember,)),
    move("receive", roles=frozenset({"agency"}), agreed_by=(Agreement(role="fraud_analyst"),), effects=(remember,)),
    move("undo", distinct=frozenset({"tell"})),
    move("recheck", distinct=frozenset({"requester"})),
    move("amend", target="investigating", distinct=frozenset({"editor"})),
    move("overrule", distinct=frozenset({"maker", "checker"})),
)


class ActsOfSeveralPeople(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)

    def setUp(self):
        seen.clear()
        (fraud, *others) = CASE_TYPES
        own = fraud.lifecycle
        widened = replace(fraud, lifecycle=replace(own, transitions=(*own.transitions, *EXTRA)))
        self.install((widened, *others))
        self.addCleanup(self.install, CASE_TYPES)
        both = frozenset({"fraud_analyst", "fraud_approver"})
        self.osei, self.nair = self.people["d.osei"], replace(self.people["p.nair"], roles=both)
        self.byrne = self.people["a.byrne"]
        self.team = self.osei.team_ids
        self.counsel = replace(self.people["v.tranter"], team_ids=self.team, roles=frozenset({"legal_counsel"}) | both)
        self.third = replace(self.people["h.castellan"], roles=frozenset({"fraud_approver"}), team_ids=self.team)

    def install(self, types):
        casetypes.install(types)
        policy.install(types, kinds.rules())

    def propose(self, name, by=None, *, reason="Because.", **inputs):
        transitions.apply(self.case.pk, name, actor=by or self.osei, at=AT, reason=reason, inputs=inputs)
        return Approval.objects.filter(case=self.case, act=name, closed_at=None).first()

    def say(self, approval, verdict, by, **given):
        return verdicts.decide(approval.uid, verdict, actor=by, at=LATER, **given)

    def refused(self, why, act, *, counted=1, error=CaseError):
        with nothing_written(counted=counted), pytest.raises(error) as refusal:
            act()
        assert why in str(refusal.value), str(refusal.value)

    def test_a_proposal_changes_nothing_but_opens_an_approval_on_what_was_typed(self):
        before = Case.objects.get(pk=self.case.pk)
        approval = self.propose("widen", note="Morwenna Tregaskis")
        after = Case.objects.get(pk=self.case.pk)
        assert (after.state, after.version) == (before.state, before.version + 1)
        assert (approval.needs, approval.mode, approval.maker_id) == (
            ["fraud_approver"],
            "before",
            self.osei.user_id,
        )
        event = LedgerEvent.objects.filter(stream=self.case.uid).latest("seq")
        assert (event.action, event.content()["detail"]) == (
            "act.proposed",
            {"act": "widen", "needs": ["fraud_approver"]},
        )
        assert b"Tregaskis" not in bytes(event.body.encode() if isinstance(event.body, str) else event.body)
        assert b"Tregaskis" not in approval.typed.ciphertext
        assert seen == []

    def test_the_act_happens_with_the_proposers_words_when_another_agrees(self):
        approval = self.propose("widen", numbers={1: "one"}, day=date(2026, 11, 20))
        moved = self.say(approval, "agreed", self.nair, reason="Seen.")
        assert moved.state == "triage"
        assert seen == [
            (self.nair.label, self.osei.label, "Because.", {"numbers": {1: "one"}, "day": date(2026, 11, 20)})
        ]
        decision = ApprovalDecision.objects.get(approval=approval)
        assert (decision.maker_id, decision.checker_id, decision.role) == (
            self.osei.user_id,
            self.nair.user_id,
            "fraud_approver",
        )
        event = LedgerEvent.objects.filter(stream=self.case.uid).latest("seq")
        assert (event.action, event.actor) == ("fraud_referral.widen", self.nair.label)
        assert event.content()["detail"] == {
            "from": "investigating",
            "to": "triage",
            "proposed_by": self.osei.label,
        }
        opened = AccessEvent.objects.filter(streams__contains=[self.case.uid], purpose="approval")
        assert opened.count() == 1
        self.refused("This was decided already", lambda: self.say(approval, "agreed", self.third))

    def test_who_proposed_does_not_agree_and_nobody_agrees_twice(self):
        approval = self.propose("widen", is_adverse=True)
        assert approval.needs == ["fraud_approver", "fraud_approver"]
        self.refused(ASKED, lambda: self.say(approval, "agreed", self.osei))
        assert self.say(approval, "agreed", self.nair).state == "investigating"
        self.refused("You answered already.", lambda: self.say(approval, "agreed", self.nair))
        assert self.say(approval, "agreed", self.third).state == "triage"
        places = ApprovalDecision.objects.filter(approval=approval).order_by("place")
        assert [(each.role, each.place) for each in places] == [("fraud_approver", 1), ("fraud_approver", 2)]

    def test_further_roles_are_needed_only_where_the_case_or_what_was_typed_says_so(self):
        assert self.propose("tell") is None
        assert seen[0][:2] == (self.osei.label, "")
        approval = self.propose("tell", self.osei, has_calls=True)
        assert approval.needs == ["legal_counsel"]
        self.refused("This needs the role legal counsel.", lambda: self.say(approval, "agreed", self.nair))
        self.say(approval, "agreed", self.counsel)
        assert seen[1] == (self.counsel.label, self.osei.label, "Because.", {"has_calls": True})

    def test_who_shaped_the_content_does_not_agree_where_the_content_is_what_is_approved(self):
        approval = self.propose("rewrite")
        self.refused("You prepared this case.", lambda: self.say(approval, "agreed", self.byrne))
        self.say(approval, "agreed", self.nair)

    def test_a_changed_case_voids_what_its_content_is_about_and_nothing_else(self):
        rewrite, widen = self.propose("rewrite"), self.propose("widen")
        with edits.change(self.case.pk, actor=self.byrne, at=AT) as edit:
            edit.facts(loss_pence=7)
        rewrite.refresh_from_db()
        widen.refresh_from_db()
        assert (rewrite.outcome, widen.closed_at) == ("void", None)
        self.refused("This was decided already", lambda: self.say(rewrite, "agreed", self.nair))
        assert self.say(widen, "agreed", self.nair).state == "triage"

    def test_altered_words_do_not_pass(self):
        approval = self.propose("widen")
        with edits.change(self.case.pk, actor=self.byrne, at=AT, shapes=False, act="note", verb="tests.altered"):
            other = approvals.open_approval(
                self.case, "rewrite", maker=self.osei, needs=["fraud_approver"], at=AT, given={"reason": "x"}
            )
            other.digest = "0" * 64
            other.save()
        self.refused(approvals.CHANGED, lambda: self.say(other, "agreed", self.nair))
        assert approval.digest != approvals.digest(self.case, "widen", other.typed)

    def test_a_move_that_overtakes_a_proposal_voids_it(self):
        approval = self.propose("widen")
        transitions.apply(self.case.pk, "close_no_action", actor=self.byrne, at=AT, reason="Nothing in it.")
        approval.refresh_from_db()
        assert (approval.outcome, approval.voided_at) == ("void", AT)

    def test_one_proposal_of_an_act_at_a_time(self):
        self.propose("widen")
        self.refused("It is proposed already", lambda: self.propose("widen", self.nair))

    def test_what_may_not_be_made_may_not_be_proposed(self):
        analyst = replace(self.people["p.nair"], roles=frozenset({"fraud_analyst"}))
        self.refused("This needs the role fraud approver.", lambda: self.propose("widen", analyst))
        self.refused("Give a reason.", lambda: self.propose("widen", reason=" "))

    def test_declining_needs_a_reason_and_tells_who_proposed(self):
        approval = self.propose("widen")
        self.refused("Give a reason.", lambda: self.say(approval, "refused", self.nair))
        assert self.say(approval, "refused", self.nair, reason="Not clear.").state == "investigating"
        approval.refresh_from_db()
        assert approval.outcome == "refused"
        task = Task.objects.get(case=self.case, kind="proposal_declined")
        assert (task.assignee_id, task.detail) == (self.osei.user_id, {"act": "widen"})
        assert self.propose("widen") is not None

    def test_only_who_proposed_takes_it_back(self):
        approval = self.propose("widen")
        self.refused("Only who proposed it takes it back.", lambda: self.say(approval, "withdrawn", self.nair))
        self.say(approval, "withdrawn", self.osei)
        approval.refresh_from_db()
        assert approval.outcome == "withdrawn"

    def test_guards_and_holds_count_again_when_the_act_happens(self):
        approval = self.propose("widen")
        with edits.change(self.case.pk, actor=self.byrne, at=AT, shapes=False, act="note", verb="tests.held") as edit:
            edit.case.holds.create(kind="dispute", blocks=["widen"], source="test", began_at=AT)
        self.refused("A policy hold stops this.", lambda: self.say(approval, "agreed", self.nair))

    def test_a_stale_page_and_an_unknown_approval_decide_nothing(self):
        approval = self.propose("widen")
        self.refused("Somebody changed", lambda: self.say(approval, "agreed", self.nair, version=1))
        self.refused("cannot be answered", lambda: self.say(approval, "confirmed", self.nair))
        self.refused(
            "There is no such case.",
            lambda: verdicts.decide(UUID(int=7), "agreed", actor=self.nair, at=LATER),
            error=NotVisible,
        )

    def test_a_verdict_of_no_kind_is_refused_and_counted_without_what_was_typed(self):
        approval = self.propose("widen")
        self.refused("cannot be answered", lambda: self.say(approval, "Tregaskis\0", self.nair))
        assert SecurityEvent.objects.latest("pk").act == "widen.verdict"

    def test_an_agency_proposes_and_a_person_confirms(self):
        transitions.apply(self.case.pk, "receive", actor=factories.fpa(), at=AT, inputs={"paid_pence": 5})
        approval = Approval.objects.get(case=self.case, act="receive")
        assert (approval.maker_id, approval.needs) == (None, ["fraud_analyst"])
        self.say(approval, "agreed", self.nair)
        assert seen == [(self.nair.label, "agency:sandbox-fraud-register", "", {"paid_pence": 5})]

    def test_a_check_afterwards_is_due_in_one_working_day_and_changes_nothing_when_confirmed(self):
        approval = self.propose("hurry")
        assert len(seen) == 1
        case = Case.objects.get(pk=self.case.pk)
        due = datetime(2026, 11, 16, 23, 59, 59, tzinfo=UTC)  # the act was on Saturday
        assert (approval.mode, approval.due_at, case.due_at) == ("after", due, due)
        assert Task.objects.get(case=case, kind="check_after").due_at == due
        self.refused(ASKED, lambda: self.say(approval, "confirmed", self.osei))
        self.refused("cannot be answered", lambda: self.say(approval, "agreed", self.nair))
        self.say(approval, "confirmed", self.nair)
        assert len(seen) == 1
        assert not Task.objects.filter(case=case, kind="check_after", closed_at=None).exists()
        assert case.clocks.get(rule="check_after").state == "met"

    def test_a_check_that_is_not_confirmed_raises_a_task(self):
        approval = self.propose("hurry")
        self.refused("Give a reason.", lambda: self.say(approval, "not_confirmed", self.nair))
        self.say(approval, "not_confirmed", self.nair, reason="Too much was told.")
        approval.refresh_from_db()
        assert approval.outcome == "not_confirmed"
        assert Task.objects.get(case=self.case, kind="not_confirmed").detail == {"act": "hurry"}

    def test_two_acts_may_wait_to_be_looked_at_and_a_late_look_is_a_breach(self):
        first, second = self.propose("hurry"), None
        self.propose("hurry", self.third)
        second = Approval.objects.exclude(pk=first.pk).get(case=self.case, act="hurry", closed_at=None)
        self.say(first, "confirmed", self.nair)
        assert self.case.clocks.filter(rule="check_after", state="running").count() == 2
        sweeps.end_due_clocks(now=AT + timedelta(days=4))
        assert Task.objects.filter(case=self.case, kind="clock_over").count() == 2
        self.say(second, "confirmed", self.nair)
        assert {clock.ended_at for clock in self.case.clocks.filter(rule="check_after")} == {LATER}

    def test_distinct_speaks_of_persons(self):
        cases = {
            "recheck": (self.byrne, self.nair, "You prepared this case."),
            "amend": (self.byrne, self.nair, "You prepared this case."),
            "overrule": (self.byrne, self.nair, "You prepared this case."),
        }
        with edits.change(self.case.pk, actor=self.byrne, at=AT) as edit:
            edit.facts(loss_pence=9)
        for name, (close, free, why) in cases.items():
            self.refused(why, lambda name=name, close=close: self.propose(name, close))
            self.propose(name, free)
        self.propose("tell", self.osei)
        self.refused("You took part in this step: tell.", lambda: self.propose("undo", self.osei))
        self.propose("undo", self.nair)

    def test_an_editor_of_before_the_last_step_is_not_the_editor_of_now(self):
        self.propose("amend", self.people["d.osei"])
        self.refused("You prepared this case.", lambda: self.propose("overrule", self.byrne))
        assert self.propose("amend", self.byrne) is None

    def test_who_checked_once_is_no_longer_fresh(self):
        approval = self.propose("widen")
        self.say(approval, "refused", self.nair, reason="No.")
        self.refused("You decided on this case before.", lambda: self.propose("overrule", self.nair))
        self.propose("overrule", self.third)


def test_what_was_typed_comes_back_as_it_was():
    given = {
        "text": "Zoë",
        "number": 3,
        "flag": True,
        "none": None,
        "day": date(2026, 11, 20),
        "moment": AT,
        "id": UUID(int=5),
        "money": Decimal("10.50"),
        "keyed": {1: {"is_met": True, "evidence": [1, 2]}},
    }
    assert typed.read(typed.write(given)) == given
    assert typed.read(typed.write({"set": {2, 1}, "tuple": ("a",)})) == {"set": [1, 2], "tuple": ["a"]}
    with pytest.raises(TypeError, match="bytes is not kept"):
        typed.write({"file": b"x"})
