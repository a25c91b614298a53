"""The moves of a referral whose filing stands at the agency: amended, disputed, upheld, removed, expired; and the
report to the police, which may come before it."""

from __future__ import annotations

from cases.fraud import alerts, amending, disputes, guards, police, removal
from cases.kernel import holdkinds
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

# What an amendment must fulfil, beside who makes it.
_AMENDED = (
    amending.is_changed,
    amending.is_not_the_changer,
    amending.marks_nobody_under_a_hold,
    guards.has_subject,
    guards.filing_fits_its_people,
    guards.product_is_not_given_back,
    guards.has_notice_version,
)

MOVES = (
    Transition(
        name="amend",
        label="Amend the filing",
        source=frozenset({"filed"}),
        target="filed",
        roles=_APPROVER,
        distinct=frozenset({"editor"}),
        agreed_by=(Agreement(role="fraud_approver", when=amending.adds_adverse_person),),
        is_grave=True,
        guards=_AMENDED,
        foreseen=(amending.is_owed,),
        effects=(amending.amend,),
        consequence="The agency gets the case as it now is, and whoever was told before hears of it",
    ),
    Transition(
        name="dispute",
        label="Record a dispute",
        source=frozenset({"filed", "disputed"}),
        target="disputed",
        roles=frozenset({"rights_officer", "agency"}),
        scope="all",
        guards=(disputes.names_grounds_and_person, disputes.is_not_known),
        effects=(disputes.open_dispute,),
        consequence="The desk looks at it again; the agency may suspend use of the marker",
        tone="primary",
    ),
    Transition(
        name="note_dispute",
        label="Record a dispute",
        source=frozenset({"removal_requested"}),
        target=None,
        roles=frozenset({"rights_officer", "agency"}),
        scope="all",
        guards=(disputes.names_grounds_and_person, disputes.is_not_known),
        effects=(disputes.open_dispute,),
        consequence="The filing comes down already; the person is answered within the month",
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
        effects=(disputes.uphold, alerts.tell_undisputed),
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
        name="note_removal",
        label="Record that it is removed",
        source=frozenset({"removal_requested"}),
        target="removed",
        roles=_APPROVER,
        needs_reason=True,
        # Not asked beforehand: what that takes would stand on every page of a filing that is about to come down.
        guards=(removal.another_removed_it, removal.is_told_by_hand),
        effects=(removal.confirm,),
        consequence="Where no message of the agency can say so: what was put elsewhere goes, and people are told",
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
    Transition(
        name="amend_disputed",
        label="Amend the disputed filing",
        source=frozenset({"disputed"}),
        target="filed",
        roles=_APPROVER,
        distinct=_OTHERS,
        is_grave=True,
        guards=(*_AMENDED, amending.adds_nobody_adverse),
        foreseen=(amending.is_owed,),
        effects=(amending.amend_disputed, alerts.tell_undisputed),
        consequence="The agency gets the case as it now is; the person gets an answer with where to complain",
        tone="primary",
    ),
    Transition(
        name="report_to_police",
        label="Report to the police",
        source=frozenset({"investigating", "ready", "approved", "submitted", "filed", "disputed"}),
        target=None,
        roles=_APPROVER,
        agreed_by=(
            Agreement(
                role="legal_counsel",
                when=police.includes_communications_data,
                asks=police.QUESTION,
                answered=police.story_holds_communications_data,
            ),
        ),
        is_grave=True,
        blocked_by=frozenset({holdkinds.REPORT}),
        guards=(police.is_own_evidence, police.says_what_the_story_holds),
        effects=(police.report,),
        consequence="Our own evidence of a fraud against us goes to the police reporting centre",
        tone="quiet",
    ),
)
