"""Who may do what to a breach and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.disclosure.breach import effects, guards
from cases.disclosure.breach.models import Breach
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseParty, Evidence
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "breach"
_OFFICER = frozenset({"data_protection_officer"})
_ACTS = (
    *("view", "note", "edit", "attach", "take", "assign", "reveal", "download"),
    *("close_task", "report", "view_audit", "match"),
)
POLICY = (
    *(Rule(act=act, kind=_KIND, roles=_OFFICER) for act in _ACTS),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what is on record of a breach."""
    return [
        Breach.objects.get(pk=case.pk),
        *CaseParty.objects.filter(case=case).order_by("number"),
        *Evidence.objects.filter(case=case).order_by("number"),
    ]


LIFECYCLE = Lifecycle(
    initial="suspected",
    desk=_OFFICER,
    second="data_protection_officer",
    reopens_to="suspected",
    opening_roles=frozenset({"any_staff"}),
    editable=frozenset({"suspected", "assessed"}),
    papers=frozenset({"notified"}),
    steps=(
        ("suspected", "Reported"),
        ("assessed", "Assessed"),
        ("notified", "Being told"),
        ("closed", "Closed"),
    ),
    states=(
        State(code="suspected", label="Suspected", tone="warn", step="suspected"),
        State(code="assessed", label="Assessed", tone="bad", step="assessed"),
        State(code="notified", label="Being told", tone="info", step="notified"),
        State(code="not_a_breach", label="Not a breach", tone="hold", is_terminal=True, retention_class="breach"),
        State(
            code="closed",
            label="Closed",
            tone="hold",
            step="closed",
            is_terminal=True,
            retention_class="breach",
        ),
    ),
    transitions=(
        Transition(
            name="assess",
            label="Assess",
            source=frozenset({"suspected", "assessed"}),
            target="assessed",
            roles=_OFFICER,
            guards=(guards.is_assessed,),
            effects=(effects.assess,),
            consequence="The secrecy test decides which Commissioner may be told",
            tone="primary",
        ),
        Transition(
            name="dismiss",
            label="Find that it is no breach",
            source=frozenset({"suspected", "assessed"}),
            target="not_a_breach",
            roles=_OFFICER,
            needs_reason=True,
            effects=(effects.end_periods,),
            consequence="Nobody is told; kept for 5 years",
            tone="quiet",
        ),
        Transition(
            name="notify",
            label="Notify the Commissioner",
            source=frozenset({"assessed"}),
            target="notified",
            roles=_OFFICER,
            guards=(guards.says_what_may_be_told, guards.says_what_is_done, guards.says_why_late),
            effects=(effects.notify,),
            consequence="Nature, numbers, consequences and measures go to the Commissioner of the secrecy test",
            tone="primary",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"assessed", "notified"}),
            target="closed",
            roles=_OFFICER,
            guards=(
                guards.says_why_untold,
                guards.has_measures,
                guards.the_commissioner_has_it,
                guards.people_are_told,
            ),
            effects=(effects.keep_measures, effects.note_told, effects.end_periods),
            consequence="Kept for 5 years",
        ),
    ),
)
