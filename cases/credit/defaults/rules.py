"""Who may do what to a default and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.credit.defaults import effects, guards
from cases.credit.defaults.gate import BLOCK
from cases.credit.defaults.models import Default
from cases.kernel import approvals
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND, _CLASS = "default", "credit_default"
_STEWARD, _APPROVER = frozenset({"credit_data_steward"}), frozenset({"credit_data_approver"})
_ANALYST = frozenset({"collections_analyst"})
_DESK = _STEWARD | _APPROVER
_SYSTEM = frozenset({"system"})
_BLOCKED = frozenset({BLOCK})
_TOLD = frozenset({"filed", "satisfied"})
_AGREED = (Agreement(role="credit_data_approver"),)

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    *(Rule(act=act, kind=_KIND, roles=_ANALYST, scope="all") for act in ("view", "note")),
    *(
        Rule(
            act=act, kind=_KIND, roles=frozenset({"auditor", "data_protection_officer"}), scope="all", needs_reason=True
        )
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what an act of two people is about: the default, its documents, the people and where they live."""
    return [
        Default.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


LIFECYCLE = Lifecycle(
    initial="arrears",
    desk=_STEWARD,
    second="credit_data_approver",
    reopens_to="arrears",
    final=frozenset({"removed", "expired"}),
    opening_roles=_SYSTEM,
    papers=frozenset({"arrears", "notice_ready", "notice_sent", "arranged", "due", "filed", "satisfied"}),
    steps=(("arrears", "In arrears"), ("notice", "Notice"), ("approved", "Approved"), ("filed", "On file")),
    states=(
        State(code="arrears", label="In arrears", tone="wait", step="arrears", is_dormant=True),
        State(code="notice_ready", label="Notice is written", tone="info", step="notice"),
        State(code="notice_sent", label="Notice runs", tone="info", step="notice", is_dormant=True),
        State(code="arranged", label="Pays by arrangement", tone="hold", step="notice", is_dormant=True),
        State(code="due", label="To be decided", tone="warn", step="notice"),
        State(code="approved", label="Approved", tone="info", step="approved", is_dormant=True),
        State(code="filed", label="Default on file", tone="done", step="filed", is_dormant=True),
        State(code="satisfied", label="Default paid or settled", tone="ok", step="filed", is_dormant=True),
        State(code="cured", label="Arrears paid", tone="ok", is_terminal=True, retention_class=_CLASS),
        State(code="removed", label="Taken off", tone="hold", is_terminal=True, retention_class=_CLASS),
        State(
            code="expired", label="Off the file after six years", tone="hold", is_terminal=True, retention_class=_CLASS
        ),
    ),
    transitions=(
        Transition(
            name="flag",
            label="Write the notice of intention",
            source=frozenset({"arrears"}),
            target="notice_ready",
            roles=_SYSTEM,
            blocked_by=_BLOCKED,
            guards=(guards.gate_is_clear,),
            effects=(effects.flag,),
        ),
        Transition(
            name="issue",
            label="Enter the notice as served",
            source=frozenset({"notice_ready"}),
            target="notice_sent",
            roles=_STEWARD,
            guards=(guards.notice_is_posted, guards.nothing_holds_it),
            effects=(effects.issue,),
            consequence="It counts as served two working days after it was posted; then 28 days run",
            tone="primary",
        ),
        Transition(
            name="cure",
            label="The arrears are paid",
            source=frozenset({"arrears", "notice_ready", "notice_sent", "arranged", "due"}),
            target="cured",
            roles=_SYSTEM,
            guards=(guards.arrears_are_paid, guards.no_dispute_waits),
            effects=(effects.cure,),
        ),
        Transition(
            name="arrange",
            label="Record an arrangement",
            source=frozenset({"arrears", "notice_ready", "notice_sent", "due"}),
            target="arranged",
            roles=_ANALYST,
            scope="all",
            guards=(guards.plan_is_recorded,),
            effects=(effects.arrange,),
            consequence="No default comes of it while the customer pays as agreed",
        ),
        Transition(
            name="break_arrangement",
            label="An instalment is missed",
            source=frozenset({"arranged"}),
            target="arrears",
            roles=_SYSTEM,
            guards=(guards.instalment_is_missed,),
            effects=(effects.break_arrangement,),
        ),
        Transition(
            name="void_notice",
            label="The notice no longer counts",
            source=frozenset({"notice_sent", "due"}),
            target="arrears",
            roles=_SYSTEM | _STEWARD,
            guards=(guards.notice_no_longer_counts,),
            effects=(effects.void_notice,),
            consequence="The customer is told; another notice, with its own 28 days, comes before any default",
            tone="quiet",
        ),
        Transition(
            name="notice_over",
            label="The notice is over",
            source=frozenset({"notice_sent"}),
            target="due",
            roles=_SYSTEM,
            blocked_by=_BLOCKED,
            guards=(guards.notice_period_is_over, guards.gate_is_clear),
            effects=(effects.notice_over,),
        ),
        Transition(
            name="approve",
            label="Record the default",
            source=frozenset({"due"}),
            target="approved",
            roles=_APPROVER,
            distinct=frozenset({"issue"}),
            blocked_by=_BLOCKED,
            is_grave=True,
            guards=(
                guards.is_still_owed,
                guards.gate_is_clear,
                guards.everybody_has_notice,
                guards.default_date_is_right,
                guards.is_the_only_default,
            ),
            effects=(effects.approve,),
            consequence="Every credit reference agency is told; it stays on the customer's files for six years",
            tone="danger",
        ),
        Transition(
            name="file",
            label="The agencies have taken it",
            source=frozenset({"approved"}),
            target="filed",
            roles=_SYSTEM,
            blocked_by=_BLOCKED,
            guards=(guards.nothing_holds_it, guards.agencies_have_taken_it),
            effects=(effects.file,),
        ),
        Transition(
            name="part_satisfy",
            label="Record a part payment",
            source=frozenset({"filed"}),
            target="filed",
            roles=_STEWARD,
            guards=(guards.is_part_payment,),
            effects=(effects.part_satisfy,),
            consequence="Every agency is told what is left",
        ),
        Transition(
            name="satisfy",
            label="Record that it is paid in full",
            source=frozenset({"filed"}),
            target="satisfied",
            roles=_STEWARD,
            guards=(guards.is_paid_in_full,),
            effects=(effects.satisfy,),
            consequence="Every agency is told; the default stays on file as paid until its six years are over",
            tone="primary",
        ),
        Transition(
            name="settle",
            label="Record a settlement for less",
            source=frozenset({"filed"}),
            target="satisfied",
            roles=_STEWARD,
            agreed_by=_AGREED,
            guards=(guards.is_settlement, guards.has_evidence),
            effects=(effects.settle,),
            consequence="Nothing more is asked for; every agency is told that it was settled for less",
        ),
        Transition(
            name="correct",
            label="Correct the default",
            source=_TOLD,
            target=None,
            roles=_STEWARD,
            agreed_by=_AGREED,
            guards=(guards.has_evidence, guards.date_moves_no_later),
            effects=(effects.correct,),
            consequence="Every agency is told; the date of a default never moves later",
        ),
        Transition(
            name="remove",
            label="Take the default off",
            source=_TOLD,
            target="removed",
            roles=_STEWARD,
            agreed_by=_AGREED,
            guards=(guards.has_evidence,),
            effects=(effects.remove,),
            consequence="Every agency takes it off the customer's files",
            tone="danger",
        ),
        Transition(
            name="expire",
            label="The six years are over",
            source=_TOLD,
            target="expired",
            roles=_SYSTEM,
            guards=(guards.time_on_file_is_over,),
            effects=(effects.expire,),
        ),
        Transition(
            name="skip",
            label="Not due while a hold or a dispute stands",
            source=frozenset({"notice_sent"}),
            target=None,
            roles=_SYSTEM,
            guards=(guards.notice_period_is_over, guards.something_holds_it),
            effects=(effects.skip,),
        ),
        Transition(
            name="withdraw",
            label="Take it back before the agencies have it",
            source=frozenset({"approved"}),
            target="arrears",
            roles=_SYSTEM | _STEWARD,
            guards=(guards.has_ground_to_withdraw,),
            effects=(effects.withdraw,),
            consequence="What did not leave is taken back; an agency that has it already is told that there is none",
            tone="danger",
        ),
    ),
)
