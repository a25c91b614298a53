"""Who may do what to a disclosure request and when: its policy rows and its lifecycle."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from cases.disclosure import cancelling, checking, effects, giving, guards
from cases.disclosure.models import AddressHolder, DisclosureRequest, ItemGround, PackagePart
from cases.kernel import approvals
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "le_disclosure"
_OFFICER = frozenset({"disclosure_officer"})
_APPROVER = frozenset({"disclosure_approver"})
_COUNSEL = frozenset({"legal_counsel"})
_INTAKE = _OFFICER | frozenset({"emergency_operator"})
_UNIT = _INTAKE | _APPROVER | _COUNSEL
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_UNIT)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task")
    ),
    *(Rule(act=act, kind=_KIND, roles=_INTAKE) for act in ("edit", "attach", "take")),
    Rule(act="assign", kind=_KIND, roles=_OFFICER | _APPROVER),
    Rule(act="match", kind=_KIND, roles=_OFFICER),
    Rule(act="view_register", kind=_KIND, roles=_UNIT, scope="all"),
    Rule(act="export_inspection", kind=_KIND, roles=_OFFICER | _APPROVER | _COUNSEL, scope="all"),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a request says; an act of two people is bound to it."""
    return [
        DisclosureRequest.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
        *ItemGround.objects.filter(case=case).order_by("item"),
        *AddressHolder.objects.filter(case=case).order_by("number"),
        *PackagePart.objects.filter(case=case).order_by("number"),
    ]


def _is_person_at_risk(context: Any) -> bool:
    return bool(context.case.disclosure_request.is_person_at_risk)


_SCOPED = frozenset({"authenticated", "validated"})
_GIVEN = frozenset({"released", "receipted"})
# Whoever did any of this as an officer is not the second person who looks at it.
_NOT_OFFICER = frozenset({"maker", "verify", "validate", "extract", "submit"})
_NOT_WHO_RELEASED = frozenset({"release", "release_urgent"})
_IN_ORDER = (
    guards.desk_may_still_ask,
    checking.is_checked_by_its_maker,
    checking.package_is_in_order,
    checking.is_the_redacted_copy,
    checking.files_are_whole,
)
LIFECYCLE = Lifecycle(
    initial="received",
    desk=_OFFICER,
    second="disclosure_approver",
    reopens_to="received",
    opening_roles=frozenset({"agency"}) | _INTAKE,
    editable=frozenset({"received", "on_notice", "authenticated"}),
    papers=frozenset({"extracting", "released", "receipted", "error_review"}),
    steps=(
        ("received", "Received"),
        ("authenticated", "Authenticated"),
        ("validated", "Validated"),
        ("released", "Released"),
        ("receipted", "Received by them"),
    ),
    states=(
        State(code="received", label="Received", tone="wait", step="received"),
        State(code="on_notice", label="Order applied for", tone="hold", step="received"),
        State(code="authenticated", label="Authenticated", tone="info", step="authenticated"),
        State(code="validated", label="Validated", tone="info", step="validated"),
        State(code="extracting", label="Being taken out", tone="info", step="validated"),
        State(code="quality_check", label="With a second person", tone="wait", step="validated"),
        State(code="released", label="Released", tone="ok", step="released"),
        State(code="receipted", label="Received by them", tone="ok", step="receipted"),
        State(code="error_review", label="Error under review", tone="warn", step="released"),
        State(code="clarification", label="Asked the authority", tone="warn", step="authenticated"),
        State(
            code="refused",
            label="Refused",
            tone="hold",
            is_terminal=True,
            retention_class="le_disclosure",
        ),
        State(
            code="out_of_scope",
            label="Passed to the interception unit",
            tone="hold",
            is_terminal=True,
            retention_class="le_disclosure",
        ),
        State(
            code="closed",
            label="Closed",
            tone="hold",
            is_terminal=True,
            retention_class="le_disclosure",
        ),
        State(
            code="cancelled",
            label="Cancelled",
            tone="hold",
            is_terminal=True,
            retention_class="le_disclosure",
        ),
    ),
    transitions=(
        Transition(
            name="verify",
            label="Record that you called the authority back",
            source=frozenset({"received"}),
            target="authenticated",
            roles=_INTAKE,
            guards=(guards.is_called_back, guards.is_not_ones_own_entry, guards.is_of_the_kind_that_it_says),
            effects=(effects.note_who_asks,),
            consequence="The authority is told that its request is here",
            tone="primary",
        ),
        Transition(
            name="give_notice_of_application",
            label="Hold everything: an order is applied for",
            source=frozenset({"received"}),
            target="on_notice",
            roles=_OFFICER,
            guards=(guards.is_notice_of_application,),
            effects=(effects.hold_everything,),
            consequence="A legal hold begins, and legal counsel is told",
        ),
        Transition(
            name="order_made",
            label="Record that the order was made",
            source=frozenset({"on_notice"}),
            target="received",
            roles=_OFFICER,
            guards=(guards.order_is_attached,),
            effects=(effects.go_on,),
            consequence="The request goes on as an order; correct what came",
            tone="primary",
        ),
        Transition(
            name="application_lapsed",
            label="Record that no order was made",
            source=frozenset({"on_notice"}),
            target="closed",
            roles=_OFFICER,
            guards=(guards.hold_is_released,),
            effects=(effects.end_periods,),
            consequence="Two people release the legal hold before",
        ),
        Transition(
            name="validate",
            label="Accept what is asked for",
            source=frozenset({"authenticated"}),
            target="validated",
            roles=_OFFICER,
            guards=(
                guards.who_asked_is_who_was_verified,
                guards.may_be_answered,
                guards.is_described,
                guards.gate_is_open,
                guards.authorisation_was_in_force,
                guards.original_is_attached,
                guards.is_not_asked_already,
                guards.is_ours,
            ),
            consequence="Every item that stands may be taken out",
            tone="primary",
        ),
        Transition(
            name="refuse_items",
            label="Refuse the items that nothing opens",
            source=_SCOPED,
            target=None,
            roles=_OFFICER | frozenset({"system"}),
            guards=(guards.gate_shuts_some,),
            effects=(effects.refuse_items,),
            consequence="The authority is told which, why, and by which way it may ask; the rest goes on",
        ),
        Transition(
            name="override_gate",
            label="Open items by hand",
            source=_SCOPED,
            target=None,
            roles=_COUNSEL,
            agreed_by=(Agreement(role="disclosure_approver"),),
            needs_reason=True,
            guards=(guards.can_be_lifted,),
            effects=(effects.open_items_by_hand,),
            consequence="An approver agrees; then these items may be given on this ground",
            tone="danger",
        ),
        Transition(
            name="clarify",
            label="Ask the authority",
            source=_SCOPED | {"extracting"},
            target="clarification",
            roles=_OFFICER,
            guards=(guards.has_question,),
            effects=(effects.ask,),
            consequence="Our own time stands still until the answer; what was taken out waits, sealed",
        ),
        Transition(
            name="answer",
            label="Record the authority's answer",
            source=frozenset({"clarification"}),
            target="authenticated",
            roles=_OFFICER | frozenset({"agency"}),
            effects=(effects.take_answer,),
            consequence="The request is looked at again",
            tone="primary",
        ),
        Transition(
            name="refuse",
            label="Refuse the request",
            source=frozenset({"received", "authenticated", "validated", "clarification", "extracting"}),
            target="refused",
            roles=_OFFICER | frozenset({"system"}),
            agreed_by=(Agreement(role="disclosure_approver", when=_is_person_at_risk),),
            guards=(guards.has_reason_code,),
            effects=(effects.refuse,),
            consequence="The authority is told why; where a person may be at risk an approver agrees first",
            tone="danger",
        ),
        Transition(
            name="out_of_scope",
            label="Pass to the interception unit",
            source=frozenset({"received"}),
            target="out_of_scope",
            roles=_OFFICER,
            guards=(guards.nothing_else_is_recorded,),
            effects=(effects.end_periods,),
            consequence="Nothing else is recorded here",
            tone="quiet",
        ),
        Transition(
            name="cancel",
            label="Record the authority's cancellation",
            source=frozenset(
                {
                    "received",
                    "on_notice",
                    "authenticated",
                    "validated",
                    "clarification",
                    "extracting",
                    "quality_check",
                }
            ),
            target="cancelled",
            roles=_OFFICER | frozenset({"agency"}),
            guards=(guards.has_cancellation,),
            effects=(effects.cancel,),
            consequence="Nothing is given, and what was taken out is destroyed; kept for 3 years",
            tone="quiet",
        ),
        Transition(
            name="extract",
            label="Take the data out",
            source=frozenset({"validated"}),
            target="extracting",
            roles=_OFFICER,
            consequence="On the page Package: reasons for every item, who held each address, and the files",
            tone="primary",
        ),
        Transition(
            name="submit",
            label="Send to a second person",
            source=frozenset({"extracting"}),
            target="quality_check",
            roles=_OFFICER,
            opens="release",
            approver_role="disclosure_approver",
            guards=_IN_ORDER,
            effects=(giving.seal_package,),
            consequence="An approver lays request and package side by side",
            tone="primary",
        ),
        Transition(
            name="release",
            label="Release to the authority",
            source=frozenset({"quality_check"}),
            target="released",
            roles=_APPROVER,
            distinct=_NOT_OFFICER,
            decides="release",
            verdict="agreed",
            is_grave=True,
            guards=(
                guards.desk_may_still_ask,
                checking.is_compared,
                checking.each_file_was_opened,
                checking.is_what_was_sent_to_be_checked,
                checking.files_are_whole,
            ),
            effects=(giving.give,),
            consequence="The package goes to the authority through its channel and cannot be called back",
            tone="primary",
        ),
        Transition(
            name="return",
            label="Return to the officer",
            source=frozenset({"quality_check"}),
            target="extracting",
            roles=_APPROVER,
            distinct=_NOT_OFFICER,
            decides="release",
            verdict="returned",
            guards=(checking.names_the_difference,),
            effects=(giving.take_back,),
            consequence="It is made anew; what was too much or wrong is a recordable error",
        ),
        Transition(
            name="release_urgent",
            label="Release at once",
            source=frozenset({"extracting"}),
            target="released",
            roles=_OFFICER,
            confirmed_by=(Agreement(role="disclosure_approver"),),
            is_grave=True,
            guards=(checking.is_one_officers_alone, *_IN_ORDER),
            effects=(giving.seal_package, giving.give),
            consequence="Immediate threat to life only; an approver looks at it within one working day",
            tone="danger",
        ),
        Transition(
            name="confirm_receipt",
            label="Record that they have it",
            source=frozenset({"released"}),
            target="receipted",
            roles=_OFFICER | frozenset({"agency"}),
            guards=(checking.says_how_it_was_confirmed,),
            effects=(giving.note_receipt,),
            consequence="Our copy is destroyed after 30 days; hash and list of columns stay",
            tone="primary",
        ),
        Transition(
            name="take_back",
            label="End as cancelled: they do not have it",
            source=frozenset({"released"}),
            target="cancelled",
            roles=_OFFICER | frozenset({"agency"}),
            guards=(guards.has_cancellation, checking.has_not_arrived, checking.is_known_not_to_be_there),
            foreseen=(checking.has_not_arrived,),
            effects=(cancelling.take_back, effects.cancel),
            consequence="It is sent no more, our copy is destroyed, and nothing counts as given; kept for 3 years",
            tone="quiet",
        ),
        Transition(
            name="note_cancellation",
            label="Record a cancellation that came afterwards",
            source=frozenset({"released", "receipted", "error_review"}),
            target=None,
            roles=_OFFICER | frozenset({"agency"}),
            guards=(checking.may_be_there, guards.has_cancellation),
            foreseen=(checking.may_be_there,),
            effects=(cancelling.note,),
            consequence="It is sent no more, and somebody asks the authority whether it has it",
            tone="quiet",
        ),
        Transition(
            name="confirm_in_writing",
            label="Record the written notice",
            source=_GIVEN,
            target=None,
            roles=_OFFICER | frozenset({"agency"}),
            guards=(checking.was_oral, checking.is_now_written),
            foreseen=(checking.was_oral,),
            effects=(giving.note_writing,),
            consequence="What was asked for by word of mouth is on paper",
        ),
        Transition(
            name="miss_writing",
            label="The written notice is missing",
            source=_GIVEN,
            target=None,
            roles=frozenset({"system"}),
            guards=(checking.writing_is_overdue,),
            effects=(giving.miss_writing,),
            consequence="An error of the authority's is on record, and the notice is chased",
        ),
        Transition(
            name="report_error",
            label="Report an error",
            source=_GIVEN,
            target="error_review",
            roles=_INTAKE | _APPROVER,
            guards=(checking.describes_the_error,),
            effects=(giving.note_error,),
            consequence="It is reported within five working days; the data protection officer hears of a breach",
            tone="danger",
        ),
        Transition(
            name="settle_error",
            label="Settle the error",
            source=frozenset({"error_review"}),
            target="receipted",
            roles=_APPROVER,
            distinct=_NOT_WHO_RELEASED,
            guards=(checking.has_receipt, checking.explains_the_error, checking.asks_to_destroy),
            effects=(giving.settle_error,),
            consequence="The authority is asked to destroy what it was wrongly given; the report goes out",
            tone="primary",
        ),
        Transition(
            name="settle_error_unreceipted",
            label="Settle the error before the receipt",
            source=frozenset({"error_review"}),
            target="released",
            roles=_APPROVER,
            distinct=_NOT_WHO_RELEASED,
            guards=(checking.has_no_receipt, checking.explains_the_error, checking.asks_to_destroy),
            effects=(giving.settle_error,),
            consequence="As above, while the receipt is still owed",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"receipted"}),
            target="closed",
            roles=_OFFICER,
            guards=(checking.nothing_is_open,),
            effects=(giving.end_periods,),
            consequence="Kept for 3 years; our copy still goes on its day",
            tone="primary",
        ),
    ),
)
