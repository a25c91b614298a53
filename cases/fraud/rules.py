"""Who may do what to a fraud referral and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.fraud import after_filing, alerts, anew, effects, guards
from cases.fraud.models import FraudReferral, PillarAnswer, PillarEvidence
from cases.kernel import holdkinds
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseAddress, CaseParty, Evidence
from cases.kernel.policy import BREAK_GLASS, GLASS_ROLES, Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_DESK = frozenset({"fraud_analyst", "fraud_approver"})
_ANALYST = frozenset({"fraud_analyst"})
_APPROVER = frozenset({"fraud_approver"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})
# They work on no referral: one enters an objection to a filing, the other advises on evidence and orders.
_RIGHTS = frozenset({"rights_officer"})
_COUNSEL = frozenset({"legal_counsel"})

POLICY = (
    Rule(act="view", kind="fraud_referral", roles=_DESK),
    Rule(act="view", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
    Rule(act="view", kind="fraud_referral", roles=_RIGHTS | _COUNSEL, scope="all", needs_reason=True),
    Rule(act="reveal", kind="fraud_referral", roles=_RIGHTS | _COUNSEL, scope="all"),
    Rule(act="download", kind="fraud_referral", roles=_COUNSEL, scope="all", needs_reason=True),
    Rule(act="note", kind="fraud_referral", roles=_DESK),
    Rule(act="edit", kind="fraud_referral", roles=_ANALYST),
    Rule(act="attach", kind="fraud_referral", roles=_ANALYST),
    Rule(act="take", kind="fraud_referral", roles=_DESK),
    Rule(act="assign", kind="fraud_referral", roles=_DESK),
    Rule(act="reveal", kind="fraud_referral", roles=_DESK),
    Rule(act="download", kind="fraud_referral", roles=_DESK),
    Rule(act="close_task", kind="fraud_referral", roles=_DESK),
    Rule(act="match", kind="fraud_referral", roles=_DESK),
    Rule(act="decide_match", kind="fraud_referral", roles=_DESK),
    Rule(act="decide_enquiry", kind="fraud_referral", roles=_DESK),
    Rule(act="decide_alert_hit", kind="fraud_referral", roles=_DESK),
    Rule(act="decide_protective_registration", kind="fraud_referral", roles=_DESK),
    Rule(act="decide_removal_instruction", kind="fraud_referral", roles=_APPROVER, is_grave=True),
    Rule(act="report", kind="fraud_referral", roles=_DESK),
    Rule(act="report", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
    Rule(act="view_audit", kind="fraud_referral", roles=_DESK),
    Rule(act="view_audit", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
    *(
        Rule(act=act, kind="fraud_referral", roles=frozenset({"nominated_officer"}), scope="compartment")
        for act in ("view", "reveal", "download")
    ),
    Rule(act=BREAK_GLASS, kind="fraud_referral", roles=GLASS_ROLES, scope="any", needs_reason=True, is_grave=True),
)


def approval_rows(case: Case) -> list[Model]:
    """Return the rows an approval is about: facts, people, addresses, documents, the maker's answers and links."""
    answers = list(PillarAnswer.objects.filter(case=case, side="maker").order_by("pillar"))
    return [
        FraudReferral.objects.get(pk=case.pk),
        *CaseParty.objects.filter(case=case).order_by("number"),
        *CaseAddress.objects.filter(party__case=case).order_by("pk"),
        *Evidence.objects.filter(case=case).order_by("number"),
        *answers,
        *PillarEvidence.objects.filter(answer__in=answers).order_by("pk"),
    ]


# A hold may say that nothing more is reported.
_REPORT = frozenset({holdkinds.REPORT})
LIFECYCLE = Lifecycle(
    initial="referred",
    desk=_ANALYST,
    second="fraud_approver",
    reopens_to="investigating",
    final=frozenset({"removed", "expired"}),
    opening_roles=frozenset({"any_staff", "agency", "own-orders", "own-detection"}),
    editable=frozenset({"referred", "triage", "investigating", "ready", "filed", "disputed"}),
    steps=(
        ("referred", "Referred"),
        ("investigating", "Investigated"),
        ("ready", "Submitted"),
        ("approved", "Approved"),
        ("submitted", "Sent"),
        ("filed", "Filed"),
    ),
    states=(
        State(code="referred", label="Referred", tone="wait", step="referred"),
        State(code="triage", label="In triage", tone="info", step="referred"),
        State(code="investigating", label="Investigating", tone="info", step="investigating"),
        State(code="ready", label="Awaiting approval", tone="warn", step="ready"),
        State(code="approved", label="Approved", tone="info", step="approved"),
        State(code="submitted", label="Sent to agency", tone="wait", step="submitted"),
        State(code="rejected", label="Returned by agency", tone="bad", step="submitted"),
        State(code="filed", label="Filed", tone="done", step="filed", is_dormant=True),
        State(
            code="no_action",
            label="No further action",
            tone="hold",
            is_terminal=True,
            retention_class="fraud_not_filed",
        ),
        State(code="refused", label="Refused", tone="hold", is_terminal=True, retention_class="fraud_not_filed"),
        *after_filing.STATES,
    ),
    transitions=(
        Transition(
            name="take",
            label="Take into triage",
            source=frozenset({"referred"}),
            target="triage",
            roles=_ANALYST,
            effects=(effects.assign_to_actor, effects.hand_on_staff),
            consequence="You become its caseworker",
        ),
        Transition(
            name="accept",
            label="Accept for investigation",
            source=frozenset({"triage"}),
            target="investigating",
            roles=_ANALYST,
            effects=(effects.meet_triage, effects.start_investigation),
            consequence="The referral is worth investigating",
        ),
        Transition(
            name="close_no_action",
            label="Close without filing",
            source=frozenset({"triage", "investigating"}),
            target="no_action",
            roles=_ANALYST,
            needs_reason=True,
            guards=(anew.police_know,),
            effects=(effects.end_clocks,),
            consequence="Nothing is filed; kept for 12 months",
            tone="quiet",
        ),
        Transition(
            name="submit",
            label="Send for approval",
            source=frozenset({"investigating"}),
            target="ready",
            roles=_ANALYST,
            opens="approve",
            approver_role="fraud_approver",
            blocked_by=_REPORT,
            guards=(
                guards.has_subject,
                guards.filing_fits_its_people,
                guards.product_is_not_given_back,
                guards.is_not_filed_already,
                guards.maker_answers_four_pillars,
                guards.has_evidence_for_each_pillar,
                guards.has_notice_version,
            ),
            effects=(effects.answer_pillars_as_maker, effects.meet_investigation, effects.start_check),
            consequence="A second person decides on exactly what the case says now",
            tone="primary",
        ),
        Transition(
            name="return",
            label="Return to the caseworker",
            source=frozenset({"ready"}),
            target="investigating",
            roles=_APPROVER,
            distinct=frozenset({"maker"}),
            decides="approve",
            verdict="returned",
            needs_reason=True,
            effects=(effects.meet_check, effects.start_investigation),
            consequence="Back to the caseworker with your reason",
        ),
        Transition(
            name="refuse",
            label="Refuse to file",
            source=frozenset({"ready"}),
            target="refused",
            roles=_APPROVER,
            distinct=frozenset({"maker"}),
            decides="approve",
            verdict="refused",
            needs_reason=True,
            effects=(effects.end_clocks, anew.say),
            consequence="Nothing is filed and the case closes",
            tone="danger",
        ),
        Transition(
            name="approve",
            label="Approve and file",
            source=frozenset({"ready"}),
            target="approved",
            roles=_APPROVER,
            distinct=frozenset({"maker"}),
            decides="approve",
            verdict="agreed",
            is_grave=True,
            blocked_by=_REPORT,
            guards=(
                guards.filing_fits_its_people,
                guards.product_is_not_given_back,
                guards.is_not_filed_already,
                guards.has_notice_version,
                guards.checker_answers_four_pillars,
                guards.has_reviewed_innocent_flags,
            ),
            effects=(effects.answer_pillars_as_checker, effects.meet_check, effects.send_filing, anew.say),
            consequence="The filing is sent to the fraud prevention agency",
            tone="primary",
        ),
        Transition(
            name="withdraw",
            label="Withdraw before it is sent",
            source=frozenset({"approved"}),
            target="investigating",
            roles=_APPROVER,
            needs_reason=True,
            guards=(guards.is_not_delivered,),
            effects=(effects.void_approvals, effects.withdraw_filing, effects.start_investigation),
            consequence="The message is taken back; the approval is void",
            tone="danger",
        ),
        Transition(
            name="submitted",
            label="Record delivery",
            source=frozenset({"approved"}),
            target="submitted",
            roles=frozenset({"system"}),
            effects=(effects.start_acknowledgement,),
        ),
        Transition(
            name="reject_by_agency",
            label="Record the agency's refusal",
            source=frozenset({"approved", "submitted"}),
            target="rejected",
            roles=frozenset({"agency", "system"}),
            effects=(effects.note_field_errors,),
        ),
        Transition(
            name="correct",
            label="Correct the filing",
            source=frozenset({"rejected"}),
            target="investigating",
            roles=_ANALYST,
            effects=(
                effects.void_approvals,
                effects.close_field_errors,
                effects.start_investigation,
                effects.assign_to_actor,
            ),
            consequence="The approval is void; a second person decides again after your correction",
            tone="primary",
        ),
        Transition(
            name="file",
            label="Record the filing",
            source=frozenset({"approved", "submitted"}),
            target="filed",
            roles=frozenset({"agency"}),
            guards=(guards.has_agency_reference,),
            effects=(
                effects.note_filing,
                effects.mark_each_subject,
                alerts.tell,
                effects.warn_others,
            ),
        ),
        *after_filing.MOVES,
    ),
)
