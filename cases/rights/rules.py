"""Who may do what to a rights request and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.kernel import approvals
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule
from cases.rights import access, effects, guards
from cases.rights.models import RightsRequest

__all__ = ["ASK", "LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "rights_request"
_OFFICER = frozenset({"rights_officer"})
_DPO = frozenset({"data_protection_officer"})
_DESK = _OFFICER | _DPO
# Whether somebody may be contacted is asked by whoever sends for us, and by nobody else.
ASK = "ask_may_contact"

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_OFFICER) for act in ("edit", "attach", "match", "extend_period")),
    Rule(act=access.MAKE, kind=_KIND, roles=_DESK),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
    Rule(act=ASK, kind=_KIND, roles=frozenset({"agency", "own-messaging", "own-website"}), scope="all"),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a request says; an act of two people is bound to it."""
    return [
        RightsRequest.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


LIFECYCLE = Lifecycle(
    initial="received",
    desk=_OFFICER,
    second="data_protection_officer",
    reopens_to="received",
    opening_roles=frozenset({"any_staff", "own-website", "own-messaging"}),
    editable=frozenset({"received", "identity_check"}),
    papers=frozenset({"actioned", "propagating"}),
    steps=(
        ("received", "Received"),
        ("actioned", "Carried out"),
        ("propagating", "Passed on"),
        ("closed", "Confirmed"),
    ),
    states=(
        State(code="received", label="Received", tone="wait", step="received"),
        State(code="identity_check", label="Identity being checked", tone="warn", step="received"),
        State(code="actioned", label="Carried out", tone="ok", step="actioned", is_dormant=True),
        State(code="propagating", label="Passed on", tone="wait", step="propagating", is_dormant=True),
        State(code="closed", label="Confirmed", tone="done", step="closed", is_terminal=True, retention_class=_KIND),
        State(code="refused", label="Refused", tone="hold", is_terminal=True, retention_class=_KIND),
    ),
    transitions=(
        Transition(
            name="ask_identity",
            label="Ask who they are",
            source=frozenset({"received"}),
            target="identity_check",
            roles=_OFFICER,
            guards=(guards.is_no_stop,),
            foreseen=(guards.is_no_stop,),
            effects=(effects.pause,),
            consequence="Our month stands still until they have answered",
        ),
        Transition(
            name="confirm_identity",
            label="Record that it is them",
            source=frozenset({"received", "identity_check"}),
            target="received",
            roles=_OFFICER,
            guards=(guards.is_no_stop, guards.is_not_known_yet, guards.identity_is_checked),
            foreseen=(guards.is_no_stop, guards.is_not_known_yet),
            effects=(effects.note_identity,),
            consequence="Our month goes on; nobody is asked who came with proof",
            tone="primary",
        ),
        Transition(
            name="act",
            label="Carry it out",
            source=frozenset({"received"}),
            target="actioned",
            roles=frozenset({"system", "any_staff", "rights_officer"}),
            guards=(
                guards.is_a_stop_or_ones_own_field,
                guards.knows_who_asks,
                guards.knows_what_is_held,
                guards.acts_with_authority,
                guards.says_what_was_done,
                guards.says_why_the_rest_is_kept,
                guards.can_be_erased,
                guards.is_true_of_what_is_kept,
                guards.copy_is_given,
                guards.says_where_it_changed,
                guards.is_put_right,
                guards.is_restricted,
                guards.person_was_told_first,
            ),
            foreseen=(
                guards.is_a_stop_or_ones_own_field,
                guards.knows_who_asks,
                guards.knows_what_is_held,
                guards.acts_with_authority,
                guards.person_was_told_first,
            ),
            effects=(effects.carry_out,),
            agreed_by=(Agreement(role="data_protection_officer", when=guards.needs_another, is_grave=True),),
            consequence="Whoever has to know is told; then the person is",
            tone="primary",
        ),
        Transition(
            name="refuse",
            label="Refuse",
            source=frozenset({"received", "identity_check"}),
            target="refused",
            roles=_DPO,
            needs_reason=True,
            guards=(guards.is_no_stop, guards.has_reason_code, guards.is_refused_for_what_is_open),
            foreseen=(guards.is_no_stop,),
            effects=(effects.refuse,),
            consequence="The person is told why, and where they can complain",
            tone="danger",
        ),
        Transition(
            name="propagate",
            label="Pass it on",
            source=frozenset({"actioned"}),
            target="propagating",
            roles=frozenset({"system"}),
            guards=(guards.somebody_has_to_know,),
            effects=(effects.tell_others,),
        ),
        Transition(
            name="confirm",
            label="Confirm",
            source=frozenset({"actioned", "propagating"}),
            target="closed",
            roles=frozenset({"system"}),
            guards=(guards.everybody_has_confirmed,),
            effects=(effects.confirm,),
        ),
    ),
)
