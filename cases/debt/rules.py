"""Who may do what to a placement and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.debt import effects, guards, remitting
from cases.debt.models import Placement
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "VIEW_BATCHES", "approval_rows"]

_KIND, _CLASS = "debt_placement", "placement"
VIEW_BATCHES, BUILD, RELEASE = "view_batches", "build_batch", "release_batch"
_ANALYST, _MANAGER = frozenset({"collections_analyst"}), frozenset({"collections_manager"})
_DESK = _ANALYST | _MANAGER
_SYSTEM, _AGENCY = frozenset({"system"}), frozenset({"agency"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})
_BOTH = frozenset({"active", "recall_requested"})
_CONTACT = frozenset({"contact", "enforce", "place"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
    Rule(act=VIEW_BATCHES, kind=_KIND, roles=_DESK | _OVERSIGHT, scope="all"),
    Rule(act=BUILD, kind=_KIND, roles=_ANALYST, scope="all"),
    Rule(act=RELEASE, kind=_KIND, roles=_MANAGER, scope="all"),
    Rule(act=remitting.CLOSE, kind=_KIND, roles=_MANAGER, scope="all"),
)


_NOT_APPROVED = (
    *("collected_pence", "commission_pence", "vat_pence", "booked_pence", "seen_pence"),
    *("stopped_by", "gate_at", "is_told_of_hold", "told_digest", "ceased_at", "file_uid"),
)


def approval_rows(case: Case) -> list[Model]:
    """Return the rows an approval is about: what was placed where, the people and where they live. What the gate says
    every night, what the agency was told and passes on change nothing of it: rules are asked again at the act."""
    placement = Placement.objects.get(pk=case.pk)
    for name in _NOT_APPROVED:
        setattr(placement, name, None)
    return [
        placement,
        *CaseParty.objects.filter(case=case).order_by("number"),
        *CaseAddress.objects.filter(party__case=case).order_by("pk"),
    ]


_CONFIRMS = (Agreement(role="collections_analyst"),)
_END = ("excluded", "rejected", "recalled", "paid", "settled", "returned", "insolvent", "deceased", "transferred")
_LABELS = {
    "excluded": "Excluded",
    "rejected": "Rejected by the agency",
    "recalled": "Recalled",
    "paid": "Paid",
    "settled": "Settled",
    "returned": "Returned",
    "insolvent": "Insolvent",
    "deceased": "Deceased",
    "transferred": "Handed to the next agency",
}


def _said(name: str, label: str, target: str, **more: object) -> Transition:
    """Return a move that the agency makes and an analyst looks at afterwards."""
    return Transition(
        name=name,
        label=label,
        source=_BOTH,
        target=target,
        roles=_AGENCY,
        confirmed_by=_CONFIRMS,
        **more,  # type: ignore[arg-type]  # -- what differs
    )


LIFECYCLE = Lifecycle(
    initial="selected",
    desk=_ANALYST,
    second="collections_manager",
    reopens_to="selected",
    final=frozenset(_END) - {"excluded", "rejected"},
    opening_roles=_ANALYST | {"system"},
    steps=(("chosen", "Chosen"), ("released", "Released"), ("active", "At the agency"), ("ended", "Ended")),
    states=(
        State(code="selected", label="Selected", tone="wait", step="chosen"),
        State(code="gated", label="No exclusion applies", tone="info", step="chosen"),
        State(code="in_batch", label="In a batch", tone="info", step="chosen"),
        State(code="released", label="Released", tone="info", step="released", is_dormant=True),
        State(code="sent", label="Sent to the agency", tone="info", step="released", is_dormant=True),
        State(code="active", label="At the agency", tone="done", step="active", is_dormant=True),
        State(code="recall_requested", label="Recall requested", tone="warn", step="active"),
        *(
            State(code=code, label=_LABELS[code], tone="hold", step="ended", is_terminal=True, retention_class=_CLASS)
            for code in _END
        ),
    ),
    transitions=(
        Transition(
            name="pass_gate",
            label="No exclusion applies",
            source=frozenset({"selected"}),
            target="gated",
            roles=_SYSTEM,
            guards=(guards.gate_is_clear,),
        ),
        Transition(
            name="exclude",
            label="Exclude: a rule stops it",
            source=frozenset({"selected", "gated", "in_batch"}),
            target="excluded",
            roles=_SYSTEM | _ANALYST,
            guards=(guards.is_stopped,),
            foreseen=(guards.is_stopped,),
            consequence="It is handed to nobody; it may be chosen again when the rule no longer applies",
            tone="danger",
        ),
        Transition(
            name="batch",
            label="Put in a batch",
            source=frozenset({"gated"}),
            target="in_batch",
            roles=_ANALYST,
            blocked_by=_CONTACT,
            guards=(guards.gate_is_clear, guards.has_batch),
            foreseen=(guards.gate_is_clear, guards.has_batch),
            consequence="It goes to the agency when somebody else releases the batch",
        ),
        Transition(
            name="release",
            label="Release with its batch",
            source=frozenset({"in_batch"}),
            target="released",
            roles=_MANAGER,
            distinct=frozenset({"batch"}),
            blocked_by=_CONTACT,
            guards=(guards.has_file, guards.gate_is_clear),
            effects=(effects.release,),
            foreseen=(guards.has_file,),
            consequence="It goes to the agency with its whole batch",
        ),
        Transition(
            name="send",
            label="The file has left",
            source=frozenset({"released"}),
            target="sent",
            roles=_SYSTEM,
            effects=(effects.tell_if_held,),
        ),
        Transition(
            name="pull",
            label="Take it out of the file",
            source=frozenset({"released"}),
            target="excluded",
            roles=_SYSTEM | _MANAGER,
            guards=(guards.file_waits, guards.has_cause),
            foreseen=(guards.file_waits, guards.has_cause),
            effects=(effects.pull,),
            consequence="The rest of the file goes without it; the customer gets no letter",
            tone="danger",
        ),
        Transition(
            name="accept",
            label="The agency accepts it",
            source=frozenset({"sent"}),
            target="active",
            roles=_AGENCY,
            effects=(effects.watch,),
        ),
        Transition(
            name="reject",
            label="The agency rejects it",
            source=frozenset({"sent"}),
            target="rejected",
            roles=_AGENCY,
            needs_reason=True,
            effects=(effects.ask_why,),
        ),
        Transition(
            name="recall",
            label="Recall it from the agency",
            source=frozenset({"sent", "active"}),
            target="recall_requested",
            roles=_ANALYST,
            agreed_by=(Agreement(role="collections_manager", when=guards.is_many),),
            needs_reason=True,
            effects=(effects.recall,),
            consequence="The agency is told to cease; unconfirmed after one working day a colleague rings them",
            tone="danger",
        ),
        Transition(
            name="confirm_recall",
            label="The agency confirms that it has ceased",
            source=frozenset({"recall_requested"}),
            target="recalled",
            roles=_AGENCY,
            guards=(guards.has_ceased,),
            effects=(effects.say_recalled,),
        ),
        Transition(
            name="note_ceased",
            label="Note that the agency has ceased",
            source=frozenset({"recall_requested"}),
            target="recalled",
            roles=_ANALYST,
            agreed_by=(Agreement(role="collections_manager"),),
            needs_reason=True,
            guards=(guards.is_unanswered,),
            foreseen=(guards.is_unanswered,),
            effects=(effects.say_recalled,),
            consequence="A manager agrees first; the customer is told, and another agency or a buyer may have it",
        ),
        _said(
            "pay",
            "Paid in full at the agency",
            "paid",
            guards=(guards.is_paid_in_full,),
            effects=(effects.book,),
        ),
        Transition(
            name="settle",
            label="Settled for less at the agency",
            source=_BOTH,
            target="settled",
            roles=_AGENCY,
            agreed_by=(Agreement(role="collections_manager", when=guards.is_below_authority),),
            guards=(guards.has_amount,),
            effects=(effects.settle,),
        ),
        _said(
            "return",
            "Returned by the agency",
            "returned",
            guards=(guards.has_return_code,),
            effects=(effects.learn,),
        ),
        _said("insolvent", "The customer is insolvent", "insolvent", effects=(effects.learn,)),
        _said("deceased", "The customer has died", "deceased", effects=(effects.learn,)),
        Transition(
            name="transfer_tier",
            label="Hand it to the next agency",
            source=frozenset({"active"}),
            target="transferred",
            roles=_MANAGER,
            blocked_by=_CONTACT,
            guards=(guards.has_given_up,),
            foreseen=(guards.has_given_up,),
            effects=(effects.transfer,),
            consequence="The account is chosen anew and checked against every exclusion; an analyst batches it",
        ),
        Transition(
            name="tell_hold",
            label="Tell the agency to stop, or to go on",
            source=frozenset({"sent", "active", "recall_requested"}),
            target=None,
            roles=_SYSTEM | _ANALYST,
            guards=(guards.has_something_to_tell,),
            effects=(effects.tell_hold,),
            consequence="It stops or goes on; the reason of a stop is not told",
        ),
    ),
)
