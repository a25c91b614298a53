"""Who may do what to an emergency disclosure and when: its policy rows and its lifecycle.

It is the one kind in which a person acts first and others look afterwards: nothing here waits for a second person.
"""

from __future__ import annotations

from django.db.models import Model

from cases.disclosure.emergency import effects, guards
from cases.disclosure.emergency.models import EmergencyDisclosure
from cases.kernel import approvals
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "emergency_disclosure"
_OPERATOR = frozenset({"emergency_operator"})
_APPROVER = frozenset({"disclosure_approver"})
_UNIT = _OPERATOR | _APPROVER | frozenset({"disclosure_officer", "legal_counsel"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_UNIT)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task")
    ),
    *(Rule(act=act, kind=_KIND, roles=_OPERATOR) for act in ("edit", "attach", "take", "match")),
    Rule(act="assign", kind=_KIND, roles=_OPERATOR | _APPROVER),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what is on record of an emergency; whoever looks afterwards looks at this."""
    return [
        EmergencyDisclosure.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


_LOOK = (Agreement(role="disclosure_approver"),)
_NOT_THE_OPERATOR = frozenset({"maker", "disclose", "refuse", "disclose_more", "refuse_more", "write_up"})
_GIVING = (
    guards.is_within_hour,
    guards.is_as_the_sheet_says,
    guards.is_called_back,
    guards.is_not_ones_own_entry,
    guards.is_least,
    guards.is_read_back,
)
LIFECYCLE = Lifecycle(
    initial="live",
    desk=_OPERATOR,
    second="disclosure_approver",
    reopens_to="written_up",
    opening_roles=_OPERATOR,
    editable=frozenset({"live", "disclosed", "refused"}),
    steps=(
        ("live", "Live"),
        ("answered", "Answered"),
        ("written_up", "Written up"),
        ("checked", "Checked"),
    ),
    states=(
        State(code="live", label="Live", tone="bad", step="live"),
        State(code="disclosed", label="Disclosed", tone="warn", step="answered"),
        State(code="refused", label="Refused", tone="warn", step="answered"),
        State(code="written_up", label="Written up", tone="info", step="written_up"),
        State(code="over_disclosed", label="Too much was given", tone="bad", step="written_up"),
        State(code="checked", label="Checked", tone="ok", step="checked", is_dormant=True),
        State(
            code="closed",
            label="Closed",
            tone="hold",
            is_terminal=True,  # kept by its own class, or by that of what was complained of
        ),
    ),
    transitions=(
        Transition(
            name="disclose",
            label="Record what you gave",
            source=frozenset({"live"}),
            target="disclosed",
            roles=_OPERATOR,
            confirmed_by=_LOOK,
            is_grave=True,
            guards=_GIVING,
            foreseen=(guards.is_within_hour,),
            effects=(effects.give,),
            consequence="Write it up within the hour; another person checks it within one working day",
            tone="primary",
        ),
        Transition(
            name="refuse",
            label="Refuse",
            source=frozenset({"live"}),
            target="refused",
            roles=_OPERATOR,
            confirmed_by=_LOOK,
            needs_reason=True,
            guards=(guards.has_reason_code,),
            effects=(effects.refuse,),
            consequence="Nothing is given; tell the control room by which way it may ask",
            tone="danger",
        ),
        Transition(
            name="write_up",
            label="Write it up",
            source=frozenset({"disclosed", "refused"}),
            target="written_up",
            roles=_OPERATOR,
            guards=(guards.has_account,),
            effects=(effects.write_up,),
            consequence="Another person checks it",
            tone="primary",
        ),
        Transition(
            name="check",
            label="Check: it was right",
            source=frozenset({"written_up"}),
            target="checked",
            roles=_APPROVER,
            distinct=_NOT_THE_OPERATOR,
            effects=(effects.confirm,),
            consequence="It closes after one working day, unless more is asked",
            tone="primary",
        ),
        Transition(
            name="find_over_disclosure",
            label="Find that too much was given",
            source=frozenset({"written_up", "checked"}),
            target="over_disclosed",
            roles=_APPROVER,
            distinct=_NOT_THE_OPERATOR,
            guards=(guards.says_what,),
            effects=(effects.go_on, effects.open_error),
            consequence="An error is open: reported within five working days; the data protection officer hears of it",
            tone="danger",
        ),
        Transition(
            name="settle",
            label="Settle the error",
            source=frozenset({"over_disclosed"}),
            target="checked",
            roles=_APPROVER,
            distinct=frozenset({"find_over_disclosure"}),
            guards=(guards.says_how_settled,),
            effects=(effects.settle,),
            consequence="The control room is asked to destroy what was too much",
            tone="primary",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"checked"}),
            target="closed",
            roles=frozenset({"system"}),
            guards=(guards.no_look_is_open, guards.nothing_is_owed),
            effects=(effects.end_periods,),
            consequence="Kept for 2 years, or for 6 where there was a complaint",
        ),
        Transition(
            name="disclose_more",
            label="Record what you gave besides",
            source=frozenset({"disclosed", "written_up"}),
            target="disclosed",
            roles=_OPERATOR,
            confirmed_by=_LOOK,
            is_grave=True,
            guards=_GIVING,
            foreseen=(guards.is_within_hour,),
            effects=(effects.give,),
            consequence="It is written up and checked again",
        ),
        Transition(
            name="refuse_more",
            label="Refuse what is asked besides",
            source=frozenset({"disclosed", "written_up", "checked"}),
            target=None,
            roles=_OPERATOR,
            confirmed_by=_LOOK,
            needs_reason=True,
            guards=(guards.is_past_or_too_much,),
            effects=(effects.refuse_more,),
            consequence="Nothing more is given; a disclosure officer expects the urgent request",
            tone="danger",
        ),
    ),
)
