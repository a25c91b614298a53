"""Declares the suspicion report to the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud.suspicion import callbacks, codes, extension, forms, messages, periods, report, rules
from cases.fraud.suspicion.models import SuspicionReport
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, Referral
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["SUSPICION_REPORT"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action."""
    row = SuspicionReport(case=case, key=case.key, about_token=facts.get("about_token"))
    if once := facts.get("once"):
        row.once_token = sealing.keyed_hash("suspicion_once", str(once))
    typed = ("about_reference", "referral", "account_reference")
    sealing.seal(row, {name: facts.get(name) or None for name in typed}, key=case.key)
    row.save(force_insert=True)


def is_known(once: Any) -> bool:
    """Say whether a referral came before: a form that is sent twice is one referral."""
    return SuspicionReport.objects.filter(once_token__in=sealing.kept_hashes("suspicion_once", str(once))).exists()


SUSPICION_REPORT = CaseType(
    code="suspicion_report",
    label="Suspicion report",
    summary="Something may be money laundering. Read by the nominated officer alone.",
    icon="eye-off",
    team="financial_crime",
    facts=SuspicionReport,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="suspicion_report",
    basis=Basis(why="To report a suspicion of money laundering", gateway="gdpr_6_1_c"),
    opening_clock=periods.TRIAGE,
    reopening_clock=periods.TRIAGE,
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    open_facts=open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    needs=report.needs,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    transition_forms={"refuse": forms.RefusalForm},
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    sealed_labels={
        "about_reference": "It came from",
        "referral": "What the colleague wrote",
        "account_reference": "Accounts",
        "transactions": "Transactions",
        "narrative": "Narrative",
        "police_contact": "Contact at law enforcement",
    },
    fact_categories={
        "about_reference": "case_record",
        "referral": "suspicion",
        "account_reference": "financial",
        "transactions": "suspicion",
        "narrative": "suspicion",
        "police_contact": "case_record",
    },
    agency_kinds=frozenset({"fiu"}),
    callbacks={
        "fiu.acknowledged": callbacks.acknowledged,
        "fiu.consented": callbacks.consented,
        "fiu.refused": callbacks.refused,
    },
    delivered={messages.FIU_SAR.code: callbacks.delivered},
    refused={messages.FIU_SAR.code: callbacks.not_taken},
    extensions={periods.MORATORIUM: extension.MORATORIUM},
    clock_ends={periods.NOTICE: callbacks.deemed, periods.MORATORIUM: callbacks.moratorium_ended},
    message_labels={messages.FIU_SAR.code: messages.FIU_SAR.label},
    referral=Referral(
        label="Refer to the nominated officer",
        form=forms.ReferralForm,
        is_known=is_known,
        heading="Your suspicion",
        warning=(
            "Tell nobody that you did this",
            ", least of all the customer. Saying so can be a crime. Go on with the case as if you had not.",
        ),
    ),
)
