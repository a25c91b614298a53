"""Who may do what to a trace and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.fraud.trace import effects, guards
from cases.fraud.trace.models import Trace
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseParty, Evidence
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "trace"
_ANALYST, _APPROVER = frozenset({"fraud_analyst"}), frozenset({"fraud_approver"})
_DESK = _ANALYST | _APPROVER
_ACTS = ("view", "note", "attach", "take", "assign", "reveal", "download", "close_task", "report", "view_audit")
POLICY = (
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in _ACTS),
    *(Rule(act=act, kind=_KIND, roles=_ANALYST) for act in ("edit", "match")),
    *(
        Rule(
            act=act, kind=_KIND, roles=frozenset({"auditor", "data_protection_officer"}), scope="all", needs_reason=True
        )
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what is on record of a trace."""
    return [
        Trace.objects.get(pk=case.pk),
        *CaseParty.objects.filter(case=case).order_by("number"),
        *Evidence.objects.filter(case=case).order_by("number"),
    ]


LIFECYCLE = Lifecycle(
    initial="requested",
    desk=_ANALYST,
    second="fraud_approver",
    reopens_to="requested",
    opening_roles=frozenset({"any_staff"}),
    editable=frozenset({"requested", "accepted", "tracing", "result_held"}),
    papers=frozenset({"passed"}),
    steps=(
        ("requested", "Requested"),
        ("accepted", "Accepted"),
        ("tracing", "Tracing"),
        ("result_held", "Result"),
        ("passed", "Passed on"),
        ("closed", "Closed"),
    ),
    states=(
        State(code="requested", label="Requested", tone="info", step="requested"),
        State(code="accepted", label="Accepted", tone="wait", step="accepted"),
        State(code="tracing", label="Tracing", tone="wait", step="tracing"),
        State(code="result_held", label="Result held", tone="warn", step="result_held"),
        State(code="passed", label="Passed on", tone="ok", step="passed"),
        State(code="declined", label="Declined", tone="hold", is_terminal=True, retention_class="trace"),
        State(code="closed", label="Closed", tone="ok", step="closed", is_terminal=True, retention_class="trace"),
    ),
    transitions=(
        Transition(
            name="accept",
            label="Accept",
            source=frozenset({"requested"}),
            target="accepted",
            roles=_APPROVER,
            distinct=frozenset({"requester"}),
            guards=(guards.has_calls_and_harm, guards.is_expedient),
            effects=(effects.accept,),
            consequence="A withheld number may be overridden to trace these calls",
            tone="primary",
        ),
        Transition(
            name="decline",
            label="Decline",
            source=frozenset({"requested"}),
            target="declined",
            roles=_APPROVER,
            needs_reason=True,
            effects=(effects.decline,),
            consequence="Whoever complained gets a letter, where the case names them; kept for 12 months",
            tone="danger",
        ),
        Transition(
            name="start",
            label="Ask the first provider",
            source=frozenset({"accepted"}),
            target="tracing",
            roles=_ANALYST,
            guards=(guards.names_asked_provider,),
            effects=(effects.ask,),
            consequence="The next provider is told line and times; its answer is due in five working days",
            tone="primary",
        ),
        Transition(
            name="ask_next",
            label="Ask the next provider",
            source=frozenset({"tracing"}),
            target=None,
            roles=_ANALYST,
            guards=(guards.names_asked_provider,),
            effects=(effects.ask_next,),
            consequence="Whoever was asked sent us on, or does not answer; the next answer is due in five working days",
        ),
        Transition(
            name="hold_result",
            label="Record the result",
            source=frozenset({"tracing"}),
            target="result_held",
            roles=_ANALYST | {"agency"},
            guards=(guards.names_provider, guards.says_result),
            effects=(effects.hold,),
            consequence="It is kept sealed, and is never told to whoever complained",
            tone="primary",
        ),
        Transition(
            name="no_result",
            label="Nothing was found",
            source=frozenset({"tracing"}),
            target="closed",
            roles=_ANALYST,
            needs_reason=True,
            effects=(effects.find_nothing,),
            consequence="Whoever complained gets a letter, where the case names them; kept for 12 months",
        ),
        Transition(
            name="pass",
            label="Pass the result on",
            source=frozenset({"result_held"}),
            target="passed",
            roles=_APPROVER,
            distinct=frozenset({"maker"}),
            is_grave=True,
            guards=(guards.another_recorded_it, guards.goes_to_who_may_have_it, guards.names_interest),
            foreseen=(guards.another_recorded_it,),
            effects=(effects.pass_on,),
            consequence="The police or a provider is told who called; whoever complained gets a letter without a name",
            tone="primary",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"result_held", "passed"}),
            target="closed",
            roles=_ANALYST,
            guards=(guards.says_why_it_stays,),
            effects=(effects.close,),
            consequence="Kept for 12 months; where nothing was passed on, whoever complained gets a letter",
        ),
    ),
)
