"""Declares the complaint about data to the catalogue."""

from __future__ import annotations

from cases.kernel import retention
from cases.kernel.casetypes import Basis, CaseType, Dimension
from cases.kernel.exchange import letters
from cases.kernel.retention import RetentionClass
from cases.rights import codes as rights_codes
from cases.rights import opening, periods
from cases.rights.complaints import codes, forms, report, rules
from cases.rights.forms import PartyForm
from cases.rights.models import DpComplaint
from cases.rights.report import amount

__all__ = ["DP_COMPLAINT"]

retention.declare(
    RetentionClass(
        code="dp_complaint",
        label="Complaint about personal data",
        trigger="outcome",
        months=36,
        source="Retention schedule: rights and complaint cases 3 years",
    )
)

DP_COMPLAINT = CaseType(
    code="dp_complaint",
    label="Complaint about data",
    summary="Somebody complains about how we use their data. Acknowledged within 30 days.",
    prefix="CMP",
    icon="message-square-warning",
    team="rights",
    facts=DpComplaint,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="dp_complaint",
    basis=Basis(why="To answer a complaint about how personal data is used", gateway="gdpr_6_1_c"),
    dimensions=(Dimension(code="about", label="About", column="about", words=lambda: dict(codes.ABOUT)),),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=amount,
    is_about=opening.names_nobody,
    open_facts=report.open_facts,
    changed=report.count_anew,
    reopening_clock=periods.COMPLAINT,
    runs_in={"acknowledged": (periods.COMPLAINT, rules.CLOCK, rules.TO_ANSWER)},
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=PartyForm,
    party_roles=rights_codes.ROLES,
    beside=rights_codes.BESIDE,
    evidence_kinds=rights_codes.EVIDENCE_KINDS,
    transition_forms={"close": forms.CloseForm},
    own_words={"person": {"complaint": "In your words", "answer": "What we answered"}},
    portable={"person": ("about", "received_at")},
    sealed_labels={"complaint": "In their words", "enquiries": "Enquired into", "answer": "Answer"},
    fact_categories=dict.fromkeys(("complaint", "enquiries", "answer"), "case_record"),
    callbacks=letters.CALLBACKS,
    refused=letters.REFUSED,
    message_labels={letters.LETTER.code: letters.LETTER.label},
    intake=forms.INTAKE,
)
