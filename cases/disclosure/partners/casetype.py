"""Declares the partner's query to the catalogue."""

from __future__ import annotations

from cases.disclosure.partners import (
    callbacks,
    codes,
    forms,
    guessing,  # noqa: F401 -- whoever lists tasks must know its kind
    messages,
    opening,
    periods,
    report,
    rules,
    sharing,
    simevents,
    terms,
)
from cases.disclosure.partners.models import PartnerQuery
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType
from cases.kernel.exchange import corrections

__all__ = ["PARTNER_QUERY"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

PARTNER_QUERY = CaseType(
    code="partner_query",
    label="Partner query",
    summary="A bank or another provider asks whether the SIM of a number was changed. Answered by itself.",
    prefix="PAQ",
    icon="landmark",
    team="disclosure",
    facts=PartnerQuery,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="partner_query",
    basis=Basis(
        why="To help a bank or another provider to check that it is really the customer",
        gateway="gdpr_6_1_f",
        assessment="partner_checks_lia",
    ),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.is_about,
    open_facts=opening.open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=(),
    sealed_labels={"number": "Number asked about", "their_reference": "The partner's own reference"},
    fact_categories={"number": "contact", "their_reference": "case_record"},
    agency_kinds=terms.PARTNER_KINDS | {terms.PROCESSOR},
    callbacks={**corrections.CALLBACKS},
    delivered={**corrections.DELIVERED},
    refused={**corrections.REFUSED},
    clock_ends={periods.KEPT: callbacks.kept_long_enough},
    reacts={"fraud_filed": sharing.fraud_filed},
    message_labels={**{kind.code: kind.label for kind in messages.ALL}, **corrections.LABELS},
    erase_beside=simevents.erase_due,
    registers=(("Agreements with partners", "web:partners", "view_partners"),),
    unspoken=frozenset({"number_tokens", "partner", "agreement"}),
    stored_codes={
        "answer": dict(codes.ANSWERS),
        "refusal_code": dict(codes.REFUSALS),
        "feedback": dict(codes.FEEDBACK),
    },
    column_labels={
        "latest_change_at": "SIM last changed",
        "feedback": "What came of it",
        "fed_back_at": "Told",
    },
)
