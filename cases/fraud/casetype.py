"""Declares the fraud referral to the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cases.fraud import callbacks, codes, forms, intake, messages, periods, report, rules
from cases.fraud.models import FraudReferral
from cases.kernel import clocks, corrections, letters, retention, tasks
from cases.kernel.casetypes import CaseType
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["FRAUD_REFERRAL"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)
tasks.declare(
    {
        "fraud_field_errors": "The agency names fields to correct",
        "fraud_enquiry": "Another member asks about a filing",
        "fraud_same_incident": "An earlier referral tells of the same incident",
    }
)
letters.declare(
    letters.Template(
        code="n11",
        version=1,
        label="To a victim of impersonation or takeover",
        template="cases/fraud/letters/n11.html",
        effective_from=date(2026, 1, 1),
        extra={"filing_reference": "The agency's reference of the filing", "filed_date": "When it was filed"},
    )
)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action."""
    row = FraudReferral(
        case=case,
        key=case.key,
        **{
            name: facts[name]
            for name in (
                "fpa_case_type",
                "reasons",
                "product",
                "sales_channel",
                "is_facility_granted",
                "application_date",
                "discovered_date",
                "value_at_risk_pence",
                "loss_pence",
                "notice_version",
                "notice_shown_date",
                "may_share_with_police",
                "prejudice_recorded",
            )
            if facts.get(name) is not None
        },
    )
    incident = facts.get("incident_reference")
    row.incident_token = sealing.keyed_hash("fraud_incident", incident or str(case.uid))
    sealing.seal(
        row,
        {"account_reference": facts.get("account_reference") or None, "narrative": facts.get("narrative") or None},
        key=case.key,
    )
    row.save(force_insert=True)
    if incident:
        offer_duplicates(row, tokens=sealing.kept_hashes("fraud_incident", incident))


def offer_duplicates(row: FraudReferral, *, tokens: Sequence[bytes]) -> None:
    """Ask somebody to compare a new referral with an earlier one of the same incident. Joins nothing by itself."""
    same = FraudReferral.objects.filter(incident_token__in=tokens).exclude(pk=row.pk)
    earlier = same.order_by("pk").values_list("case__reference", flat=True).first()
    if earlier:
        tasks.raise_task("fraud_same_incident", case=row.case, at=row.case.opened_at, reference=earlier)


FRAUD_REFERRAL = CaseType(
    code="fraud_referral",
    label="Fraud referral",
    summary="Somebody defrauded us, or used another person's name. Told to the fraud prevention agency.",
    prefix="FRD",
    icon="shield-alert",
    team="fraud",
    facts=FraudReferral,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="fraud_not_filed",
    opening_clock="fraud_triage",
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    open_facts=open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"submit": forms.SubmitForm, "approve": forms.ApproveForm},
    sealed_labels={"account_reference": "Account", "narrative": "What happened"},
    agency_kinds=frozenset({"fpa"}),
    callbacks={
        "fpa.filed": callbacks.filed,
        "fpa.rejected": callbacks.rejected,
        "fpa.enquiry": callbacks.enquiry,
        **letters.CALLBACKS,
        **corrections.CALLBACKS,
    },
    delivered={messages.FPA_FILE.code: callbacks.delivered, **corrections.DELIVERED},
    refused={messages.FPA_FILE.code: callbacks.refused, **corrections.REFUSED},
    clock_ends={"k24_adverse": callbacks.expired, "k24_victim": callbacks.expired},
    message_labels={
        messages.FPA_FILE.code: messages.FPA_FILE.label,
        letters.LETTER.code: letters.LETTER.label,
        **corrections.LABELS,
    },
    intake=intake.INTAKE,
)
