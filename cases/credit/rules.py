"""Who may do what to a check and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.credit import effects, guards
from cases.credit.models import Check, CheckDecision
from cases.kernel import approvals
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["ASK", "LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "check"
_OFFICER = frozenset({"credit_officer"})
_REVIEWER = frozenset({"credit_reviewer"})
_DESK = _OFFICER | _REVIEWER
_SYSTEM = frozenset({"system"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})
# Whoever handed an application in asks what came of it.
ASK = "ask_decision"

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    Rule(act="edit", kind=_KIND, roles=_OFFICER),
    Rule(act="view", kind=_KIND, roles=frozenset({"rights_officer"}), scope="all", needs_reason=True),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
    Rule(act=ASK, kind=_KIND, roles=frozenset({"own-orders"}), scope="all"),
)


def approval_rows(case: Case) -> list[Model]:
    """Return the rows an approval is about."""
    return [
        Check.objects.get(pk=case.pk),
        *CheckDecision.objects.filter(case=case).order_by("number"),
        *approvals.people_and_documents(case),
    ]


LIFECYCLE = Lifecycle(
    initial="running",
    desk=_OFFICER,
    second="credit_reviewer",
    reopens_to="decided",
    opening_roles=_OFFICER | {"own-orders"},
    editable=frozenset({"referred"}),
    papers=frozenset({"decided"}),
    steps=(("running", "Agencies are asked"), ("decided", "Decided"), ("closed", "Closed")),
    states=(
        State(code="running", label="Agencies are asked", tone="wait", step="running", is_dormant=True),
        State(code="referred", label="Referred to a person", tone="warn", step="running"),
        State(code="decided", label="Decided", tone="ok", step="decided", is_dormant=True),
        State(code="closed", label="Closed", tone="done", step="closed", is_terminal=True),
    ),
    transitions=(
        Transition(
            name="refer",
            label="Refer to a person",
            source=frozenset({"running"}),
            target="referred",
            roles=_SYSTEM,
            guards=(guards.searches_are_over,),
            effects=(effects.refer,),
        ),
        Transition(
            name="decide",
            label="Decide",
            source=frozenset({"running", "referred"}),
            target="decided",
            roles=_SYSTEM | _OFFICER,
            guards=(
                guards.is_decided_by_whom_it_may_be,
                guards.searches_are_over,
                guards.says_what_is_decided,
                guards.may_be_alone,
            ),
            foreseen=(guards.is_decided_by_whom_it_may_be,),
            effects=(effects.decide,),
            consequence="The person is told in writing of a decision against them, and which agency was searched",
            tone="primary",
        ),
        Transition(
            name="redecide",
            label="Decide again after a contest",
            source=frozenset({"decided"}),
            target=None,
            roles=_REVIEWER,
            guards=(guards.is_contest_won, guards.is_out_of_original_path, guards.says_what_is_decided),
            foreseen=(guards.is_contest_won, guards.is_out_of_original_path),
            effects=(effects.redecide,),
            consequence="A second decision stands beside the first; no agency is searched again",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"decided"}),
            target="closed",
            roles=_SYSTEM,
            guards=(guards.is_old_and_uncontested,),
            effects=(effects.close,),
            consequence="30 days have passed since the last notice",
        ),
    ),
)
