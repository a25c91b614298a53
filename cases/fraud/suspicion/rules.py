"""Who may do what to a suspicion report and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.fraud.suspicion import effects, guards
from cases.fraud.suspicion.models import SuspicionReport
from cases.kernel import approvals
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "suspicion_report"
_OFFICER = frozenset({"nominated_officer"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})
_DESK_ACTS = (
    "view",
    "note",
    "edit",
    "attach",
    "take",
    "assign",
    "reveal",
    "download",
    "close_task",
    "report",
    "view_audit",
    "extend_period",
)

POLICY = (
    *(Rule(act=act, kind=_KIND, roles=_OFFICER) for act in _DESK_ACTS),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a report says; nobody approves one today, but every kind can say what would be approved."""
    return [
        SuspicionReport.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


_WAITING = frozenset({"submitted", "acknowledged"})
LIFECYCLE = Lifecycle(
    initial="draft",
    desk=_OFFICER,
    second="nominated_officer",
    reopens_to="draft",
    opening_roles=frozenset({"any_staff"}),
    editable=frozenset({"draft"}),
    steps=(
        ("draft", "Referred"),
        ("submitted", "Submitted"),
        ("acknowledged", "Acknowledged"),
        ("consented", "Decided"),
        ("closed", "Closed"),
    ),
    states=(
        State(code="draft", label="Draft", tone="wait", step="draft"),
        State(code="submitted", label="Submitted to the unit", tone="info", step="submitted"),
        State(code="acknowledged", label="Acknowledged", tone="info", step="acknowledged"),
        State(code="consented", label="Defence given", tone="done", step="consented"),
        State(code="moratorium", label="Refused, moratorium", tone="warn", step="consented"),
        State(
            code="dismissed",
            label="Dismissed",
            tone="hold",
            is_terminal=True,
            retention_class="suspicion_dismissed",
        ),
        State(
            code="closed",
            label="Closed",
            tone="hold",
            step="closed",
            is_terminal=True,
            retention_class="suspicion_report",
        ),
    ),
    transitions=(
        Transition(
            name="submit",
            label="Submit to the unit",
            source=frozenset({"draft"}),
            target="submitted",
            roles=_OFFICER,
            is_grave=True,
            guards=(guards.has_narrative, guards.names_what_waits),
            effects=(effects.send_report, effects.wait_for_the_defence),
            consequence="The report goes to the financial intelligence unit; if a defence is sought, payouts wait",
            tone="primary",
        ),
        Transition(
            name="dismiss",
            label="Dismiss",
            source=frozenset({"draft"}),
            target="dismissed",
            roles=_OFFICER,
            needs_reason=True,
            effects=(effects.end_everything,),
            consequence="Nothing is reported; kept for 5 years",
            tone="quiet",
        ),
        Transition(
            name="correct",
            label="Correct the report",
            source=frozenset({"submitted"}),
            target="draft",
            roles=_OFFICER,
            guards=(guards.unit_did_not_take_it,),
            foreseen=(guards.unit_did_not_take_it,),
            effects=(effects.take_back,),
            consequence="It can be changed and submitted again; what waits goes on waiting",
            tone="primary",
        ),
        Transition(
            name="acknowledge",
            label="Record the unit's acknowledgement",
            source=frozenset({"submitted"}),
            target="acknowledged",
            roles=frozenset({"agency"}),
            effects=(effects.note_the_units_reference,),
        ),
        Transition(
            name="consent",
            label="Record that the defence is given",
            source=_WAITING | {"moratorium"},
            target="consented",
            roles=frozenset({"agency", "nominated_officer"}),
            guards=(guards.sought_a_defence,),
            effects=(effects.lift_hold,),
            consequence="The unit said yes; the policy hold ends",
        ),
        Transition(
            name="deem_consent",
            label="Treat the defence as given",
            source=_WAITING,
            target="consented",
            roles=frozenset({"system"}),
            guards=(guards.sought_a_defence, guards.unit_has_the_report, guards.notice_is_over),
            effects=(effects.lift_hold,),
        ),
        Transition(
            name="refuse",
            label="Record that the defence is refused",
            source=_WAITING,
            target="moratorium",
            roles=frozenset({"agency", "nominated_officer"}),
            guards=(guards.sought_a_defence, guards.came_on_a_day),
            effects=(effects.start_moratorium,),
            consequence="The unit said no; payouts wait for the moratorium, from the day on which that came in",
            tone="danger",
        ),
        Transition(
            name="end_moratorium",
            label="End the moratorium",
            source=frozenset({"moratorium"}),
            target="consented",
            roles=frozenset({"system"}),
            guards=(guards.moratorium_is_over, guards.no_court_extended_it),
            effects=(effects.lift_hold,),
        ),
        Transition(
            name="close",
            label="Close the report",
            source=frozenset({"acknowledged", "consented"}),
            target="closed",
            roles=_OFFICER,
            guards=(guards.is_decided,),
            effects=(effects.end_everything,),
            consequence="Nothing more is to be done; kept for 5 years",
        ),
    ),
)
