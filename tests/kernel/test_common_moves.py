"""Void, merge and reopen from every state of every kind, by every role, against the one table."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import TestCase

from cases.kernel import casetypes, edits, holds, locks, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, CaseParty, OutboxMessage, Team
from cases.kernel.roles import ROLES
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.kernel import design
from tests.kernel.attempts import STATES as EVERY_STATE
from tests.kernel.attempts import designed
from tests.kernel.snapshots import nothing_written, undone
from tests.kernel.test_lifecycle_table import COMMON, TERMINAL

AT = factories.FILED_AT
# Releasing a hold, splitting and detaching lead nowhere else; tests of their own tell of them.
MOVES = [row for row in design.common_moves() if row.target != "="]
# A restricted kind has its own tests, beside its family's.
STATES = {"fraud_referral": EVERY_STATE["fraud_referral"]}
# An agency was told, or is about to be: what it holds is taken back first.
TOLD = {"approved", "submitted", "rejected", "filed", "disputed", "removal_requested"}
BEYOND = "Somebody outside was told of this case. Take that back or correct it first."


def agreed(case, name, people, *, inputs=None, reason="Opened twice.", by="a.byrne", checker="d.osei"):
    transitions.apply(case.pk, name, actor=people[by], at=AT, reason=reason, inputs=inputs)
    approval = Approval.objects.get(case=case, act=name, closed_at=None)
    return verdicts.decide(approval.uid, "agreed", actor=people[checker], at=AT)


class CommonMoves(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.fraud = Team.objects.get(code="fraud")
        cls.cases = {
            (kind, state): build(cls.people) for kind, states in STATES.items() for state, build in states.items()
        }
        for kind in STATES:
            other = factories.referred(cls.people)
            for end, inputs in (("void", {}), ("merge", {"into": str(other.uid)})):
                case = agreed(factories.referred(cls.people), end, cls.people, inputs=inputs)
                cls.cases[kind, case.state] = case
        cls.other = other

    def person(self, role):
        fitting = next((one for one in self.people.values() if one.roles == {role}), self.people["d.osei"])
        return replace(fitting, roles=frozenset({role}), team_ids=frozenset({self.fraud.pk}))

    def start(self, case, row, actor):
        inputs = {"into": str(self.other.uid)} if row.name == "merge" else {}
        return transitions.apply(case.pk, row.name, actor=actor, at=AT, reason="Tried.", inputs=inputs)

    def test_cases_stand_in_every_state_there_is(self):
        for kind in STATES:
            expected = set(STATES[kind]) | {"void", "merged"}
            assert {state for each, state in self.cases if each == kind} == expected
            assert {state.code for state in casetypes.get(kind).lifecycle.all_states} == expected

    def test_each_starts_where_the_table_says_and_nowhere_else(self):
        for (kind, state), case in self.cases.items():
            *_, final = COMMON[kind]
            ends = TERMINAL[kind] | {"void", "merged"}
            for row in MOVES:
                starts = state in ends - final if row.leaves == "ends" else state not in ends | TOLD
                if not starts:
                    with nothing_written(counted=1), pytest.raises(CaseError):
                        self.start(case, row, self.people["a.byrne"])
                    continue
                with undone():
                    moved = self.start(case, row, self.people["a.byrne"])
                    if row.agrees:
                        assert moved.state == state, (row, state)
                        checker = replace(self.people["p.nair"], roles=frozenset({COMMON[kind][1]}))
                        waiting = Approval.objects.get(case=case, act=row.name, closed_at=None)
                        moved = verdicts.decide(waiting.uid, "agreed", actor=checker, at=AT)
                    assert moved.state == (COMMON[kind][2] if row.target == "reopens_to" else row.target)
                    assert Case.objects.get(pk=case.pk).is_closed == (row.leaves == "open")

    def test_what_was_told_to_an_agency_is_neither_voided_nor_merged(self):
        for state in sorted(TOLD):
            case = self.cases["fraud_referral", state]
            for row in MOVES[:2]:
                with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=BEYOND):
                    self.start(case, row, self.people["a.byrne"])

    def test_what_is_always_refused_is_shown_among_why_not_and_not_offered(self):
        for state in sorted(TOLD | {"investigating"}):
            case = self.cases["fraud_referral", state]
            offers = {each.transition.name: each for each in transitions.offers(case, self.people["a.byrne"], at=AT)}
            for name in ("void", "merge"):
                assert offers[name].refusals == ((BEYOND,) if state in TOLD else ())

    def test_what_an_agency_may_have_had_is_neither_voided_nor_merged_either(self):
        case = factories.approved(self.people)
        filing = OutboxMessage.objects.get(case=case)
        for state, attempts in (("refused", 1), ("dead", 10), ("skipped", 10), ("withdrawn", 3)):
            OutboxMessage.objects.filter(pk=filing.pk).update(state=state, attempts=attempts)
            for row in MOVES[:2]:
                with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=BEYOND):
                    self.start(case, row, self.people["a.byrne"])
        OutboxMessage.objects.filter(pk=filing.pk).update(state="skipped", attempts=0)
        assert agreed(case, "void", self.people).state == "void"

    def test_each_is_open_to_the_roles_of_the_table_alone(self):
        desk, second, *_ = COMMON["fraud_referral"]
        for row in MOVES:
            case = self.cases["fraud_referral", "triage" if row.leaves == "open" else "no_action"]
            may = desk if row.proposes == "desk" else {second}
            for role in sorted(set(ROLES) - {"agency"}):
                if role in may:
                    with undone():
                        assert self.start(case, row, self.person(role))
                else:
                    with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused):
                        self.start(case, row, self.person(role))

    def test_nothing_else_leaves_a_void_or_merged_case(self):
        for kind in STATES:
            for state in ("void", "merged"):
                case = self.cases[kind, state]
                assert [move.name for move in casetypes.get(kind).lifecycle.leaving(state)] == [
                    "reopen",
                    "release_hold",
                    "detach",
                ]
                with nothing_written(counted=len(designed(kind))):
                    for name in designed(kind):
                        with pytest.raises(CaseError):
                            transitions.apply(case.pk, name, actor=self.people["a.byrne"], at=AT, reason="Tried.")
                edit = edits.change(case.pk, actor=self.people["a.byrne"], at=AT)
                with nothing_written(), pytest.raises(edits.EditRefused), edit as open_edit:
                    open_edit.facts(loss_pence=1)

    def test_a_void_case_is_kept_twelve_months_and_nothing_of_it_is_due(self):
        case = Case.objects.get(pk=self.cases["fraud_referral", "void"].pk)
        assert (case.retention_class, str(case.closed_date), str(case.dispose_after_date)) == (
            "void",
            "2026-11-16",
            "2027-11-16",
        )
        assert case.due_at is None
        assert {party.retention_class for party in CaseParty.objects.filter(case=case)} == {"void"}
        assert not case.clocks.filter(ended_at=None).exists()
        assert not case.tasks.filter(closed_at=None).exists()

    def test_what_is_done_on_a_case_that_has_ended_keeps_it_no_longer(self):
        """UK GDPR Art 5(1)(e): the period counts from the end, not from the last hold that was released."""
        case = self.cases["fraud_referral", "no_action"]
        hold = holds.enter(case.pk, "legal", actor=self.people["a.byrne"], at=AT, source="court", reason="An order.")
        before = Case.objects.get(pk=case.pk)
        with patch(f"{__name__}.AT", AT + timedelta(days=8)):
            agreed(case, "release_hold", self.people, inputs={"hold": str(hold.pk)})
            given = {"actor": self.people["a.byrne"], "at": AT, "reason": "Another.", "inputs": {"person": "1"}}
            transitions.apply(case.pk, "detach", **given)
        after = Case.objects.get(pk=case.pk)
        assert after.version > before.version + 1
        for name in ("is_closed", "closed_date", "dispose_after_date", "retention_class"):
            assert getattr(after, name) == getattr(before, name), name
        assert set(case.parties.values_list("dispose_after_date", flat=True)) == {before.dispose_after_date}

    def test_a_merged_reference_leads_to_the_other_case_and_the_other_tells_of_it(self):
        case = Case.objects.get(pk=self.cases["fraud_referral", "merged"].pk)
        assert case.merged_into_id == self.other.pk
        told = LedgerEvent.objects.get(stream=self.other.uid, action="case.merged_from")
        assert told.content()["detail"] == {"reference": case.reference}

    def test_nothing_is_merged_into_a_case_that_ends_at_the_same_moment(self):
        """Somebody ends the other case after this one was looked at and before it is locked."""
        case, other, lock = self.cases["fraud_referral", "referred"], self.other, locks.another_for_update

        def too_late(case_id):
            found = lock(case_id)
            found.is_closed = True  # as it is read under the lock
            return found

        given = {"actor": self.people["a.byrne"], "at": AT, "reason": "Twice.", "inputs": {"into": str(other.uid)}}
        transitions.apply(case.pk, "merge", **given)
        approval = Approval.objects.get(case=case, act="merge", closed_at=None)
        with (
            patch("cases.kernel.locks.another_for_update", too_late),
            nothing_written(counted=1),
            pytest.raises(CaseError, match="has ended meanwhile"),
        ):
            verdicts.decide(approval.uid, "agreed", actor=self.people["d.osei"], at=AT)

    def test_a_case_is_merged_only_into_another_open_case_of_its_kind(self):
        case = factories.referred(self.people)
        void, sentence = self.cases["fraud_referral", "void"], "It can only be merged into an open case of the same"
        for into, why in (
            ("", "Name the case it is merged into."),
            ("6f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f", "Name the case it is merged into."),
            (str(case.uid), "A case is not merged into itself."),
            (str(void.uid), sentence),
        ):
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=why):
                transitions.apply(
                    case.pk, "merge", actor=self.people["a.byrne"], at=AT, reason="Twice.", inputs={"into": into}
                )

    def test_reopening_stops_the_retention_clock(self):
        for state in ("no_action", "void", "merged"):
            case = self.cases["fraud_referral", state]
            with undone():
                agreed(case, "reopen", self.people, reason="New evidence.")
                case = Case.objects.get(pk=case.pk)
                assert (case.is_closed, case.closed_date, case.dispose_after_date) == (False, None, None)
                assert (case.retention_class, case.merged_into_id) == ("fraud_not_filed", None)
                assert not case.parties.exclude(closed_date=None, dispose_after_date=None).exists()

    def test_a_reopened_case_is_nobody_s_and_its_period_begins(self):
        with undone():
            case = self.cases["fraud_referral", "triage"]
            edits.assign(case.pk, factories.user("p.nair"), actor=self.people["p.nair"], at=AT)
            agreed(case, "void", self.people, reason="Twice.")
            agreed(case, "reopen", self.people, reason="It was another call.")
            case = Case.objects.get(pk=case.pk)
            running = case.clocks.filter(state="running").values_list("rule", "started_at")
            assert (case.assignee_id, list(running)) == (None, [("fraud_investigation", AT)])
            assert case.due_at == case.clocks.get(state="running").due_at

    def test_each_needs_a_reason(self):
        for row in MOVES:
            case = self.cases["fraud_referral", "triage" if row.leaves == "open" else "no_action"]
            inputs = {"into": str(self.other.uid)}
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=r"^Give a reason\.$"):
                transitions.apply(case.pk, row.name, actor=self.people["a.byrne"], at=AT, reason=" ", inputs=inputs)
