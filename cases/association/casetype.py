"""Declares the financial association to the catalogue."""

from __future__ import annotations

from cases.association import (
    callbacks,
    codes,
    effects,
    forms,
    intake,
    messages,
    opening,
    periods,
    report,
    rules,
    subject,
    ties,
    writing,
)
from cases.association.models import Association
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, Dimension
from cases.kernel.exchange import corrections, letters

__all__ = ["ASSOCIATION"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)
letters.declare(*writing.LETTERS)
corrections.declare(removals=[messages.CRA_ASSOC_REMOVE.code])

ASSOCIATION = CaseType(
    code="association",
    label="Financial association",
    summary="Somebody says that they are linked with another person by money. Told to the credit reference agencies.",
    prefix="ASC",
    not_for_subject=frozenset(
        {
            "Other person agrees",
            "Other person may be written to",
            "May be used in checks",
            "Jointly open",
            report.ASKER,
        }
    ),
    states_for_subject=subject.STATES,
    portable={codes.DECLARER: ("basis", "declared_at")},
    own_words={codes.DECLARER: {"declaration": "What you declared"}},
    for_subject=subject.for_subject,
    icon="link",
    team="credit",
    facts=Association,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="association_evidence",
    basis=Basis(
        why="To link the records of two people who are linked by money",
        gateway="gdpr_6_1_f",
        assessment="association_lia",
    ),
    opening_clock=periods.CONFIRM,
    reopening_clock=periods.CONFIRM,
    dimensions=(Dimension(code="basis", label="Basis", column="basis", words=lambda: dict(codes.BASES)),),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    open_facts=opening.open_facts,
    opened=effects.declared,
    changed=opening.still_two,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    tables=report.tables,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    check_person=opening.check_person,
    check_people=opening.check_people,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "challenge": forms.ChallengeForm,
        "dismiss_challenge": forms.DismissForm,
        "request_break": forms.BreakForm,
        "refuse_break": forms.RefuseBreakForm,
        "signpost": forms.SignpostForm,
        "corrected": forms.CorrectedForm,
    },
    sealed_labels={
        "declaration": "What was declared",
        "account_reference": "Joint account",
        "removal_note": "Why an agency did not confirm",
    },
    fact_categories={
        "declaration": "association",
        "account_reference": "financial",
        "removal_note": "case_record",
    },
    agency_kinds=frozenset({"cra"}),
    callbacks={
        "association.recorded": callbacks.recorded,
        "association.refused": callbacks.refused,
        "association.broken": callbacks.broken,
        "association.kept": callbacks.kept,
        "association.removed": callbacks.removed,
        "association.removal_refused": callbacks.removal_refused,
        **letters.CALLBACKS,
        **corrections.CALLBACKS,
    },
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    delivered={messages.CRA_ASSOC_REMOVE.code: corrections.delivered, **corrections.DELIVERED},
    refused={**callbacks.REFUSED, **corrections.REFUSED},
    clock_ends={
        periods.BREAK_RESULT: callbacks.chase,
        periods.BREAK_LAST: callbacks.give_up,
        periods.NOBODY_TOLD: callbacks.go_on,
        periods.SET_ASIDE: callbacks.go_on,
    },
    message_labels={
        **{kind.code: kind.label for kind in messages.ALL},
        letters.LETTER.code: letters.LETTER.label,
        **corrections.LABELS,
    },
    intake=intake.INTAKE,
    unspoken=frozenset({"asked_by"}),
    stored_codes={
        "asker_shown_by": dict(codes.IDENTITY_CHECKS),
        "exposure": dict(codes.EXPOSURES),
        "basis": dict(codes.BASES),
        "agreement_kind": dict(codes.AGREEMENTS),
    },
    may_add_person=opening.lacks_a_side,
    is_divisible=False,
    ties=ties.ties,
    said={
        "association.answered": "An agency answered",
        "association.broken_by_agency": "An agency ended the link",
        "association.kept_by_agency": "An agency kept the link",
        "association.chased": "Asked again those who have not answered",
        "association.no_reply": "An agency has not answered in its time",
        "association.recorded": "An agency recorded the link",
        "association.refused": "An agency refused the link",
        "association.removed_by_agency": "An agency removed the link",
        "association.removal_refused": "An agency refused to remove the link",
    },
)
