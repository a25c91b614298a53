"""The moves of a referral whose filing stands at the agency: disputed, upheld, removed, expired."""

from __future__ import annotations

from cases.fraud import disputes, guards, removal
from cases.kernel.lifecycle import Agreement, State, Transition

__all__ = ["MOVES", "STATES"]

_APPROVER = frozenset({"fraud_approver"})
# Whoever shaped the case or decided on it before does not judge it again.
_OTHERS = frozenset({"maker", "checker"})

STATES = (
    State(code="disputed", label="Disputed", tone="warn", step="filed"),
    State(code="removal_requested", label="Being removed", tone="wait", step="filed"),
    State(code="removed", label="Removed", tone="hold", is_terminal=True, retention_class="fraud_removed"),
    State(code="expired", label="Expired", tone="hold", is_terminal=True, retention_class="fraud_expired"),
)

MOVES = (
    Transition(
        name="dispute",
        label="Record a dispute",
        source=frozenset({"filed"}),
        target="disputed",
        roles=frozenset({"rights_officer", "agency"}),
        scope="all",
        guards=(disputes.names_grounds_and_person,),
        effects=(disputes.open_dispute,),
        consequence="The desk looks at it again; the agency may suspend use of the marker",
        tone="primary",
    ),
    Transition(
        name="uphold",
        label="Uphold the filing",
        source=frozenset({"disputed"}),
        target="filed",
        roles=_APPROVER,
        distinct=_OTHERS,
        needs_reason=True,
        guards=(guards.product_is_not_given_back,),
        effects=(disputes.uphold,),
        consequence="The filing stands; the person gets an answer with where to complain",
    ),
    Transition(
        name="remove",
        label="Remove the filing",
        source=frozenset({"filed", "disputed"}),
        target="removal_requested",
        roles=_APPROVER,
        confirmed_by=(Agreement(role="fraud_approver"),),
        payload=removal.nothing_but_what_was_typed,
        is_grave=True,
        guards=(removal.gives_reason_code,),
        effects=(removal.remove,),
        consequence="Asked of the agency at once, told to whoever heard of it; another approver looks at it afterwards",
        tone="danger",
    ),
    Transition(
        name="confirm_removal",
        label="Record the removal",
        source=frozenset({"removal_requested"}),
        target="removed",
        roles=frozenset({"agency"}),
        effects=(removal.confirm,),
    ),
    Transition(
        name="expire",
        label="Let the filing expire",
        source=frozenset({"filed", "disputed"}),
        target="expired",
        roles=frozenset({"system"}),
        guards=(guards.has_reached_expiry,),
        effects=(removal.expire,),
    ),
)
