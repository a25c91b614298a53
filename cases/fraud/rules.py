"""Who may do what to a fraud referral, when, and what follows: its policy rows, clocks, guards and lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Model

from cases.fraud import codes, messages
from cases.fraud.models import FraudReferral, PillarAnswer, PillarEvidence
from cases.kernel import approvals, calendars, clocks, letters, outbox, retention, tasks
from cases.kernel.clocks import ClockRule
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseAddress, CaseParty, Evidence, OutboxMessage
from cases.kernel.policy import Rule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "LIFECYCLE", "POLICY", "RETENTION", "approval_rows"]

_DESK = frozenset({"fraud_analyst", "fraud_approver"})
_ANALYST = frozenset({"fraud_analyst"})
_APPROVER = frozenset({"fraud_approver"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})

POLICY = (
    Rule(act="view", kind="fraud_referral", roles=_DESK),
    Rule(act="view", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
    Rule(act="note", kind="fraud_referral", roles=_DESK),
    Rule(act="edit", kind="fraud_referral", roles=_ANALYST),
    Rule(act="attach", kind="fraud_referral", roles=_ANALYST),
    Rule(act="take", kind="fraud_referral", roles=_DESK),
    Rule(act="assign", kind="fraud_referral", roles=_DESK),
    Rule(act="reveal", kind="fraud_referral", roles=_DESK),
    Rule(act="download", kind="fraud_referral", roles=_DESK),
    Rule(act="close_task", kind="fraud_referral", roles=_DESK),
    Rule(act="report", kind="fraud_referral", roles=_DESK),
    Rule(act="report", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
    Rule(act="view_audit", kind="fraud_referral", roles=_DESK),
    Rule(act="view_audit", kind="fraud_referral", roles=_OVERSIGHT, scope="all", needs_reason=True),
)

_K24 = "Domain rule K24, agency handbook: retention of markers"
CLOCKS = (
    ClockRule(
        code="fraud_triage",
        label="Triage",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_check",
        label="Second person's check",
        length=1,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_acknowledgement",
        label="Agency's answer",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="k24_adverse",
        label="Adverse marker expires",
        length=6,
        unit="years",
        source=_K24,
        effective_from=date(2018, 5, 25),
        is_work=False,
    ),
    ClockRule(
        code="k24_victim",
        label="Victim marker expires",
        length=13,
        unit="months",
        source=_K24,
        effective_from=date(2018, 5, 25),
        is_work=False,
    ),
)

RETENTION = (
    RetentionClass(code="fraud_not_filed", trigger="closure", months=12, source="Retention schedule: not filed"),
    RetentionClass(code="fraud_adverse", trigger="filing", months=72, source="Retention schedule: adverse filing"),
    RetentionClass(code="fraud_victim", trigger="filing", months=13, source="Retention schedule: victim"),
    RetentionClass(code="fraud_expired", trigger="expiry", months=0, source="Retention schedule: at expiry"),
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


# Guards: each reads the context and returns the sentence why not, or None.


def has_subject(context: Any) -> str | None:
    if not CaseParty.objects.filter(case=context.case, is_detached=False).exists():
        return "Add at least one person first."
    return None


def maker_answers_four_pillars(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    unmet = [number for number, _ in codes.PILLARS if not _is_met(number, answers.get(number, {}))]
    if unmet:
        return f"Pillar {', '.join(map(str, unmet))}: answer yes, or close the referral without filing."
    return None


def _is_met(number: int, answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("is_met")) or (number == 4 and bool(answer.get("exception")))


def has_evidence_for_each_pillar(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    bare = [number for number, _ in codes.PILLARS if not answers.get(number, {}).get("evidence")]
    if bare:
        return f"Pillar {', '.join(map(str, bare))}: link at least one document."
    wanted = {number for answer in answers.values() for number in answer.get("evidence", ())}
    known = set(Evidence.objects.filter(case=context.case, number__in=wanted).values_list("number", flat=True))
    return None if wanted <= known else "One of the linked documents is not part of this case."


def has_notice_version(context: Any) -> str | None:
    """Nobody has to show a notice to an unknown fraudster; the person in whose name it was done must have had one."""
    named = CaseParty.objects.filter(case=context.case, role__in=["applicant", "account_holder", *codes.VICTIM_ROLES])
    if named.exists() and not context.case.fraud_referral.notice_version:
        return "Record which version of the privacy notice the applicant or account holder was shown, and when."
    return None


def checker_answers_four_pillars(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    unmet = [number for number, _ in codes.PILLARS if not answers.get(number, {}).get("is_met")]
    if unmet:
        return f"Pillar {', '.join(map(str, unmet))}: you must agree with every pillar to approve; else return it."
    return None


def has_reviewed_innocent_flags(context: Any) -> str | None:
    if not context.inputs.get("has_reviewed_innocent"):
        return "Confirm that you reviewed who is marked innocent."
    return None


def is_not_delivered(context: Any) -> str | None:
    gone = OutboxMessage.objects.filter(
        case=context.case, kind="fpa_file", state__in=["sending", "delivered", "acknowledged", "unknown"]
    )
    return "The agency may have received the filing already." if gone.exists() else None


def has_agency_reference(context: Any) -> str | None:
    return None if context.inputs.get("agency_reference") else "The agency gave no reference."


def has_reached_expiry(context: Any) -> str | None:
    running = context.case.clocks.filter(rule__startswith="k24_", state__in=["running", "paused"])
    left = running.filter(due_at__gt=context.at)
    return "A marker of this filing has not expired yet." if left.exists() else None


# Effects: each writes inside the transition's transaction and ledger event.


def assign_to_actor(context: Any) -> None:
    context.case.assignee_id = context.actor.user_id


def meet_triage(context: Any) -> None:
    clocks.meet(context.case, "fraud_triage", at=context.at)


def answer_pillars_as_maker(context: Any) -> None:
    _answer_pillars(context, side="maker")


def answer_pillars_as_checker(context: Any) -> None:
    _answer_pillars(context, side="checker")


def _answer_pillars(context: Any, *, side: str) -> None:
    documents = {row.number: row for row in Evidence.objects.filter(case=context.case)}
    known = {row.pillar: row for row in PillarAnswer.objects.filter(case=context.case, side=side)}
    for number, given in sorted(context.inputs.get("pillars", {}).items()):
        row = known.get(number) or PillarAnswer(case=context.case, pillar=number, side=side)
        row.is_met, row.exception = bool(given.get("is_met")), given.get("exception", "")
        row.answered_by_id, row.answered_at = context.actor.user_id, context.at
        row.save()
        _link_documents(row, {documents[each] for each in given.get("evidence", ())})


def _link_documents(answer: PillarAnswer, wanted: set[Evidence]) -> None:
    linked = {link.evidence_id: link for link in PillarEvidence.objects.filter(answer=answer)}
    for evidence_id, link in linked.items():
        if evidence_id not in {row.pk for row in wanted}:
            link.delete()
    for row in sorted(wanted, key=lambda each: each.number):
        if row.pk not in linked:
            PillarEvidence.objects.create(answer=answer, evidence=row)


def start_check(context: Any) -> None:
    clocks.start(context.case, "fraud_check", started_at=context.at)


def meet_check(context: Any) -> None:
    clocks.meet(context.case, "fraud_check", at=context.at)


def send_filing(context: Any) -> None:
    messages.file(context.case, actor=context.actor, at=context.at)


def withdraw_filing(context: Any) -> None:
    outbox.withdraw(context.case, "fpa_file", at=context.at)


def void_approvals(context: Any) -> None:
    approvals.void_all(context.case, at=context.at)


def start_acknowledgement(context: Any) -> None:
    clocks.start(context.case, "fraud_acknowledgement", started_at=context.at)


def note_field_errors(context: Any) -> None:
    facts = context.case.fraud_referral
    facts.field_errors = [
        {"pointer": str(error.get("pointer", ""))[:120], "code": str(error.get("code", ""))[:80]}
        for error in context.inputs.get("errors", ())
    ]
    facts.save(update_fields=["field_errors"])
    clocks.end(context.case, "fraud_acknowledgement", at=context.at, state="met")
    tasks.raise_task(
        "fraud_field_errors",
        case=context.case,
        at=context.at,
        codes=[error["code"] for error in facts.field_errors],
    )


def close_field_errors(context: Any) -> None:
    tasks.close_all(context.case, "fraud_field_errors", actor=context.actor, at=context.at)


def note_filing(context: Any) -> None:
    facts = context.case.fraud_referral
    facts.filing_reference = str(context.inputs["agency_reference"])[:40]
    facts.filed_date = calendars.london_date(context.occurred_at)
    facts.field_errors = []
    facts.save(update_fields=["filing_reference", "filed_date", "field_errors"])
    clocks.meet(context.case, "fraud_acknowledgement", at=context.at)


def start_expiry_of_each_subject(context: Any) -> None:
    for party in CaseParty.objects.filter(case=context.case, is_detached=False).order_by("number"):
        rule = "k24_victim" if party.is_innocent else "k24_adverse"
        clocks.start(context.case, rule, started_at=context.occurred_at, party=party)
        party.retention_class = "fraud_victim" if party.is_innocent else "fraud_adverse"
        party.dispose_after_date = retention.dispose_after(
            party.retention_class, trigger_date=calendars.london_date(context.occurred_at)
        )
        party.save(update_fields=["retention_class", "dispose_after_date"])


def write_to_victims(context: Any) -> None:
    """Only the innocent are written to, and not while telling them would prejudice an investigation."""
    if context.case.fraud_referral.prejudice_recorded:
        return
    for party in CaseParty.objects.filter(case=context.case, is_innocent=True, is_detached=False):
        letters.request(context.case, party, template="n11", at=context.at)


def end_clocks(context: Any) -> None:
    for rule in ("fraud_triage", "fraud_check", "fraud_acknowledgement"):
        clocks.end(context.case, rule, at=context.at, state="cancelled")


def end_expiry_clocks(context: Any) -> None:
    for rule in ("k24_adverse", "k24_victim"):
        clocks.meet(context.case, rule, at=context.at)


LIFECYCLE = Lifecycle(
    initial="referred",
    opening_roles=frozenset({"any_staff", "agency", "own-orders", "own-detection"}),
    editable=frozenset({"referred", "triage", "investigating", "ready"}),
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
        State(code="filed", label="Filed", tone="done", step="filed"),
        State(
            code="no_action",
            label="No further action",
            tone="hold",
            is_terminal=True,
            retention_class="fraud_not_filed",
        ),
        State(code="refused", label="Refused", tone="hold", is_terminal=True, retention_class="fraud_not_filed"),
        State(code="expired", label="Expired", tone="hold", is_terminal=True, retention_class="fraud_expired"),
    ),
    transitions=(
        Transition(
            name="take",
            label="Take into triage",
            source=frozenset({"referred"}),
            target="triage",
            roles=_ANALYST,
            effects=(assign_to_actor,),
            consequence="You become its caseworker",
        ),
        Transition(
            name="accept",
            label="Accept for investigation",
            source=frozenset({"triage"}),
            target="investigating",
            roles=_ANALYST,
            effects=(meet_triage,),
            consequence="The referral is worth investigating",
        ),
        Transition(
            name="close_no_action",
            label="Close without filing",
            source=frozenset({"triage", "investigating"}),
            target="no_action",
            roles=_ANALYST,
            needs_reason=True,
            effects=(end_clocks,),
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
            guards=(
                has_subject,
                maker_answers_four_pillars,
                has_evidence_for_each_pillar,
                has_notice_version,
            ),
            effects=(answer_pillars_as_maker, start_check),
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
            effects=(end_clocks,),
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
            effects=(end_clocks,),
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
            guards=(checker_answers_four_pillars, has_reviewed_innocent_flags),
            effects=(answer_pillars_as_checker, meet_check, send_filing),
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
            guards=(is_not_delivered,),
            effects=(void_approvals, withdraw_filing),
            consequence="The message is taken back; the approval is void",
            tone="danger",
        ),
        Transition(
            name="submitted",
            label="Record delivery",
            source=frozenset({"approved"}),
            target="submitted",
            roles=frozenset({"system"}),
            effects=(start_acknowledgement,),
        ),
        Transition(
            name="reject_by_agency",
            label="Record the agency's refusal",
            source=frozenset({"approved", "submitted"}),
            target="rejected",
            roles=frozenset({"agency", "system"}),
            effects=(note_field_errors,),
        ),
        Transition(
            name="correct",
            label="Correct the filing",
            source=frozenset({"rejected"}),
            target="investigating",
            roles=_ANALYST,
            effects=(void_approvals, close_field_errors, assign_to_actor),
            consequence="The approval is void; a second person decides again after your correction",
            tone="primary",
        ),
        Transition(
            name="file",
            label="Record the filing",
            source=frozenset({"approved", "submitted"}),
            target="filed",
            roles=frozenset({"agency"}),
            guards=(has_agency_reference,),
            effects=(note_filing, start_expiry_of_each_subject, write_to_victims),
        ),
        Transition(
            name="expire",
            label="Let the filing expire",
            source=frozenset({"filed"}),
            target="expired",
            roles=frozenset({"system"}),
            guards=(has_reached_expiry,),
            effects=(end_expiry_clocks,),
        ),
    ),
)
