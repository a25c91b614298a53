"""Declares the transfer to the catalogue."""

from __future__ import annotations

from cases.disclosure.transfer import codes, effects, forms, opening, periods, report, rules
from cases.disclosure.transfer.models import Transfer
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType

__all__ = ["TRANSFER"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

TRANSFER = CaseType(
    code="transfer",
    label="Transfer abroad",
    summary="People's data would go abroad. The recipient gets nothing until the data protection officer approves.",
    icon="globe",
    prefix="TRF",
    team="rights",
    facts=Transfer,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="transfer",
    basis=Basis(why="To protect personal data that would go abroad", gateway="gdpr_6_1_c"),
    opening_clock=periods.DECISION,
    reopening_clock=periods.DECISION,
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.is_about,
    open_facts=opening.open_facts,
    changed=effects.follow,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"approve": forms.ApproveForm, "renew": forms.RenewForm},
    sealed_labels={"why": "Why it is needed"},
    fact_categories={"why": "case_record"},
    common_effects={"void": effects.stand, "merge": effects.stand, "reopen": effects.open_again},
    abroad=report.abroad,
    clock_ends={periods.REVIEW: effects.review_is_over},
)
