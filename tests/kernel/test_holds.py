"""Holds overlap, say what they stop, are released by two people where policy says so, and are looked at again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.kernel import casetypes, edits, holdkinds, holds, record, transitions, verdicts
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Approval, Case, Hold, Task
from cases.kernel.reading import worklist
from cases.kernel.restricted import quietholds
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

LATER = AT + timedelta(days=40)
BLOCKED = "A policy hold stops this."

# Copied from the design: what each kind stops, and whether two people release it. The quiet ones stop what a hidden one
# stops of a debt, so that "a policy hold" on a sale or a batch does not mean a restricted matter (rulings).
DEBT = {"contact", "enforce", "interest_fees", "place", "sell", "cra_default"}
KINDS = {
    "legal": ({"dispose"}, True),
    "dispute": ({"enforce", "place", "sell", "cra_default"}, True),
    "complaint": ({"enforce", "place", "sell", "cra_default", "dispose"}, True),
    "breathing_space": (DEBT, True),
    "mental_health_crisis": (DEBT, True),
    "scottish_moratorium": (DEBT, True),
    "insolvency": (DEBT, True),
    "deceased": (DEBT, True),
    "vulnerable": ({"contact", "enforce", "place", "sell"}, False),
    "fraud_victim": (DEBT, True),
    "data_protection": ({"place", "sell", "dispose"}, True),
    "objection": ({"place", "sell", "dispose"}, True),
    "staff_account": ({"place", "sell"}, True),
    "protected_address": ({"contact", "place", "sell"}, True),
}


def test_kinds_are_the_designs():
    assert {kind.code: (set(kind.blocks), kind.is_released_by_two) for kind in holdkinds.KINDS.values()} == KINDS
    quiet = {kind.code for kind in holdkinds.KINDS.values() if kind.is_quiet}
    assert quiet == {"data_protection", "objection", "staff_account", "protected_address"}
    assert {holdkinds.shown_label(code) for code in (*quiet, "restricted", "")} == {"Policy hold"}


class Holds(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)

    def setUp(self):
        self.byrne, self.osei = self.people["a.byrne"], self.people["d.osei"]

    def enter(self, kind, **given):
        usual = {"actor": self.byrne, "at": AT, "source": "customer", "reason": "They wrote."}
        return holds.enter(self.case.pk, kind, **{**usual, **given})

    def release(self, hold, by=None, at=AT):
        return transitions.apply(
            self.case.pk, "release_hold", actor=by or self.byrne, at=at, reason="Settled.", inputs={"hold": hold.pk}
        )

    def test_a_hold_says_who_asked_from_when_until_when_and_what_it_stops(self):
        hold = self.enter("dispute", reference="SVC-771", document=1, person=2)
        assert (hold.blocks, hold.source, hold.began_at, hold.received_at, hold.ends_at) == (
            ["cra_default", "enforce", "place", "sell"],
            "customer",
            AT,
            AT,
            None,
        )
        assert (hold.review_at, hold.evidence.number, hold.party.number) == (AT + timedelta(days=30), 1, 2)
        assert b"SVC-771" not in hold.reference.ciphertext
        event = LedgerEvent.objects.filter(stream=self.case.uid).latest("seq")
        assert (event.action, event.content()["detail"]) == ("hold.entered", {"hold": "dispute"})

    def test_a_quiet_hold_is_named_nowhere_in_the_story(self):
        self.enter("staff_account")
        event = LedgerEvent.objects.filter(stream=self.case.uid).latest("seq")
        assert event.content()["detail"] == {"hold": "policy"}

    def test_what_several_holds_stop_is_stopped_until_the_last_is_over(self):
        first = self.enter("dispute")
        self.enter("breathing_space", ends_at=AT + timedelta(days=10))
        case = self.case
        assert holds.blocks(case, "sell", at=AT) == BLOCKED
        assert holds.blocks(case, "contact", at=AT) == BLOCKED
        assert holds.blocks(case, "dispose", at=AT) is None
        assert holds.blocks(case, "contact", at=AT + timedelta(days=11)) is None
        self.release(first)
        verdicts.decide(Approval.objects.get(act="release_hold").uid, "agreed", actor=self.osei, at=AT)
        assert holds.blocks(case, "sell", at=AT) == BLOCKED
        assert holds.blocks(case, "sell", at=AT + timedelta(days=11)) is None

    def test_a_hold_from_a_later_day_stops_nothing_before(self):
        self.enter("dispute", began_at=AT + timedelta(days=3))
        assert holds.blocks(self.case, "sell", at=AT) is None
        assert holds.blocks(self.case, "sell", at=AT + timedelta(days=4)) == BLOCKED

    def test_a_hold_may_name_a_step(self):
        with edits.change(self.case.pk, actor=self.byrne, at=AT, act="note", verb="tests.held", shapes=False) as edit:
            Hold.objects.create(case=edit.case, kind="legal", blocks=["submit"], source="legal", began_at=AT)
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=BLOCKED):
            transitions.apply(
                self.case.pk, "submit", actor=self.byrne, at=AT, inputs={"pillars": factories.MAKER_ANSWERS}
            )

    def test_a_hold_that_stops_reports_stops_filing_and_its_offer_says_so(self):
        hold = self.enter("legal", blocks=["dispose", "report"], ends_at=AT + timedelta(days=2))
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=BLOCKED):
            transitions.apply(
                self.case.pk, "submit", actor=self.byrne, at=AT, inputs={"pillars": factories.MAKER_ANSWERS}
            )
        stopped = {move.name for move in casetypes.get("fraud_referral").lifecycle.moves if "report" in move.blocked_by}
        assert stopped == {"submit", "approve", "report_to_police"}
        over = hold.ends_at + timedelta(seconds=1)
        done = transitions.apply(
            self.case.pk, "submit", actor=self.byrne, at=over, inputs={"pillars": factories.MAKER_ANSWERS}
        )
        assert done.state == "ready"

        self.enter("dispute", blocks=["report"])
        offered = {each.transition.name: each.refusals for each in transitions.offers(done, self.osei)}
        assert BLOCKED in offered["approve"] and BLOCKED not in offered["return"]

    def test_a_hold_for_one_person_stops_nothing_towards_another(self):
        self.enter("deceased", person=2, ends_at=AT + timedelta(days=9))
        self.enter("vulnerable", person=2)
        first, second = self.case.parties.order_by("number")
        assert holds.blocks(self.case, "contact", at=AT, person=first) is None
        assert holds.blocks(self.case, "contact", at=AT, person=second) == BLOCKED
        assert holds.blocks(self.case, "contact", at=AT + timedelta(days=10), person=second) == BLOCKED
        assert holds.blocks(self.case, "contact", at=AT) == BLOCKED
        assert holds.blocks(self.case, "interest_fees", at=AT + timedelta(days=10), person=second) is None

    def test_a_hold_in_a_compartment_answers_the_same_words_and_nothing_else(self):
        other = factories.referred(self.people)
        tokens = [quietholds.case_token(self.case.uid), quietholds.account_token("NM-4471")]
        with record.act(other, "tests.placed", actor=self.byrne, at=AT):
            quietholds.place(other, tokens, blocks=["dispose", "submit"], at=AT)
        assert holds.blocks(self.case, "dispose") == BLOCKED
        assert holds.blocks("nm 4471".replace(" ", "-"), "dispose") == BLOCKED
        assert holds.blocks(other, "dispose") is None
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=BLOCKED):
            transitions.apply(
                self.case.pk, "submit", actor=self.byrne, at=AT, inputs={"pillars": factories.MAKER_ANSWERS}
            )

    def test_two_people_release_what_two_must(self):
        hold = self.enter("legal", source="legal")
        self.release(hold)
        hold.refresh_from_db()
        assert hold.released_at is None
        approval = Approval.objects.get(case=self.case, act="release_hold")
        with nothing_written(counted=1), pytest.raises(CaseError, match="You asked for this."):
            verdicts.decide(approval.uid, "agreed", actor=self.byrne, at=AT)
        verdicts.decide(approval.uid, "agreed", actor=self.osei, at=AT)
        hold.refresh_from_db()
        assert (hold.released_at, hold.released_by_id) == (AT, self.osei.user_id)
        with nothing_written(counted=1), pytest.raises(CaseError, match="This hold is released already."):
            self.release(hold)

    def test_one_person_releases_what_one_may(self):
        hold = self.enter("vulnerable")
        self.release(hold)
        hold.refresh_from_db()
        assert (hold.released_at, hold.released_by_id) == (AT, self.byrne.user_id)
        assert not Approval.objects.filter(act="release_hold").exists()

    def test_what_makes_no_sense_is_refused_and_nothing_is_written(self):
        for given in (
            {"kind": "mood"},
            {"kind": "legal", "source": "rumour"},
            {"kind": "legal", "blocks": ["sleep"]},
            {"kind": "legal", "ends_at": AT},
            {"kind": "legal", "document": 9},
            {"kind": "legal", "person": 9},
        ):
            with nothing_written(), pytest.raises(CaseError):
                self.enter(given.pop("kind"), **given)
        stranger = replace(self.byrne, roles=frozenset({"rights_officer"}))
        with nothing_written(), pytest.raises(NotAllowed):
            self.enter("legal", actor=stranger)

    def test_a_hold_that_alone_keeps_a_closed_case_is_looked_at_again(self):
        """UK GDPR Art 5(1)(e): nothing is kept for ever because nobody looks."""
        person = self.people["d.osei"]
        for kind in ("legal", "vulnerable"):
            holds.enter(self.case.pk, kind, actor=person, at=AT, source="court", reason="An order.")
        case = transitions.apply(
            self.case.pk, "close_no_action", actor=self.people["a.byrne"], at=AT, reason="A mistake."
        )
        assert holds.ask_for_reviews(now=LATER) == 0
        over = AT + timedelta(days=366)
        assert [holds.ask_for_reviews(now=over) for _ in range(2)] == [1, 0]
        task = Task.objects.get(case=case, kind="hold_review")
        assert task.detail == {"hold": Hold.objects.get(case=case, kind="legal").pk}

    def test_a_review_date_that_passes_raises_one_task(self):
        hold = self.enter("dispute")
        assert holds.ask_for_reviews(now=AT) == 0
        assert [holds.ask_for_reviews(now=LATER) for _ in range(2)] == [1, 0]
        task = Task.objects.get(case=self.case, kind="hold_review")
        assert task.detail == {"hold": hold.pk}
        self.release(hold, at=LATER)
        verdicts.decide(Approval.objects.get(act="release_hold").uid, "agreed", actor=self.osei, at=LATER)
        task.refresh_from_db()
        assert task.closed_at == LATER

    def test_the_queue_has_a_view_of_what_is_held(self):
        self.enter("dispute", ends_at=AT + timedelta(days=5))
        factories.referred(self.people)
        view = worklist.Filters(view="held")
        assert worklist.queue(self.byrne, view, at=AT).rows == [self.case]
        assert worklist.queue(self.byrne, view, at=LATER).rows == []
        assert worklist.counts(self.byrne, at=AT)["view.held"] == 1
        assert Case.objects.count() == 2
