"""Who may do what to a moratorium and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.debt.moratorium import effects, guards
from cases.debt.moratorium.models import Moratorium, MoratoriumDebt
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.policy import Rule

__all__ = ["ASK", "LIFECYCLE", "POLICY", "approval_rows"]

ASK = "ask_fee_reversals"
_KIND = _CLASS = "moratorium"
_ANALYST, _MANAGER = frozenset({"collections_analyst"}), frozenset({"collections_manager"})
_DESK, _COUNSEL = _ANALYST | _MANAGER, frozenset({"legal_counsel"})
_SYSTEM, _AGENCY = frozenset({"system"}), frozenset({"agency"})
_IN_FORCE = frozenset({"applied", "review_requested"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("edit", "attach", "match")),
    Rule(act=ASK, kind=_KIND, roles=frozenset({"own-billing"}), scope="all"),
    *(Rule(act=act, kind=_KIND, roles=_COUNSEL, scope="all") for act in ("view", "download")),
    *(
        Rule(
            act=act, kind=_KIND, roles=frozenset({"auditor", "data_protection_officer"}), scope="all", needs_reason=True
        )
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a moratorium says; an act of two people is bound to it."""
    return [
        Moratorium.objects.get(pk=case.pk),
        *MoratoriumDebt.objects.filter(case=case).order_by("number"),
        *CaseParty.objects.filter(case=case).order_by("number"),
        *CaseAddress.objects.filter(party__case=case).order_by("pk"),
    ]


_ENDS = {
    "not_found": "Nobody found",
    "forwarded": "Passed on to the buyer",
    "ended": "Ended",
    "cancelled": "Cancelled",
}

LIFECYCLE = Lifecycle(
    initial="received",
    desk=_ANALYST,
    second="collections_manager",
    reopens_to="received",
    opening_roles=_AGENCY | _DESK,
    editable=frozenset({"received"}),
    papers=_IN_FORCE,
    final=frozenset({"ended", "cancelled"}),
    steps=(("received", "Received"), ("applied", "Applied"), ("ended", "Ended")),
    states=(
        State(code="received", label="Received", tone="wait", step="received"),
        State(code="applied", label="Applied", tone="ok", step="applied", is_dormant=True),
        State(code="review_requested", label="Review asked for", tone="info", step="applied", is_dormant=True),
        *(
            State(code=code, label=label, tone="hold", step="ended", is_terminal=True, retention_class=_CLASS)
            for code, label in _ENDS.items()
        ),
    ),
    transitions=(
        Transition(
            name="apply",
            label="Apply it to the debtor's accounts",
            source=frozenset({"received"}),
            target="applied",
            roles=_SYSTEM | _ANALYST,
            guards=(guards.is_matched,),
            effects=(effects.apply,),
            consequence="The chosen debts are protected from the first day on; agencies, the register and the adviser "
            "are told; charges since are taken back",
            tone="primary",
        ),
        Transition(
            name="not_found",
            label="Answer that nobody is found",
            source=frozenset({"received"}),
            target="not_found",
            roles=_ANALYST,
            effects=(effects.not_found,),
            consequence="The register is told that the debtor owes us nothing",
        ),
        Transition(
            name="forward",
            label="Pass it on to the buyer of the debt",
            source=frozenset({"received"}),
            target="forwarded",
            roles=_SYSTEM,
            guards=(guards.is_sold,),
            effects=(effects.forward,),
        ),
        Transition(
            name="add_debt",
            label="Add a debt to it",
            source=_IN_FORCE,
            target=None,
            roles=_AGENCY | _ANALYST,
            guards=(guards.names_debt,),
            effects=(effects.add_debt,),
            consequence="This debt is protected from the day on that is named; a review may be asked for anew",
        ),
        Transition(
            name="request_review",
            label="Ask the adviser for a review",
            source=frozenset({"applied"}),
            target="review_requested",
            roles=_MANAGER,
            agreed_by=(Agreement(role="legal_counsel"),),
            guards=(guards.is_within_review, guards.ground_is_given),
            foreseen=(guards.is_within_review,),
            effects=(effects.request_review,),
            consequence="Legal counsel agrees first; the protection goes on until the adviser has decided",
        ),
        Transition(
            name="review_refused",
            label="The adviser lets it stand",
            source=frozenset({"review_requested"}),
            target="applied",
            roles=_AGENCY,
            effects=(effects.review_refused,),
        ),
        Transition(
            name="review_granted",
            label="The adviser cancels it",
            source=frozenset({"review_requested"}),
            target="cancelled",
            roles=_AGENCY,
            effects=(effects.review_granted,),
        ),
        Transition(
            name="end",
            label="Its last day is over",
            source=_IN_FORCE,
            target="ended",
            roles=_SYSTEM | _AGENCY,
            guards=(guards.is_over,),
            effects=(effects.end,),
        ),
        Transition(
            name="cancel",
            label="It is cancelled",
            source=_IN_FORCE | {"received"},
            target="cancelled",
            roles=_AGENCY,
            effects=(effects.cancel,),
        ),
        Transition(
            name="reverse_fee",
            label="Have a charge taken back",
            source=_IN_FORCE,
            target=None,
            roles=_SYSTEM,
            guards=(guards.charge_is_inside,),
            effects=(effects.reverse_fee,),
        ),
    ),
)
