"""Declares the check to the catalogue."""

from __future__ import annotations

from cases.credit import (
    callbacks,
    codes,
    forms,
    intake,
    keeping,
    links,
    messages,
    opening,
    periods,
    report,
    rules,
    subject,
)
from cases.credit.models import Check
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, Dimension, never
from cases.kernel.exchange import corrections, letters

__all__ = ["CHECK"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

CHECK = CaseType(
    code="check",
    label="Credit and fraud check",
    summary="Agencies are asked about an applicant, once; rules or a person decide, and the decision can be contested.",
    prefix="CHK",
    icon="scan-search",
    team="credit",
    facts=Check,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="check_no_customer",
    basis=Basis(
        why="To check credit, identity and fraud before and during a contract",
        gateway="gdpr_6_1_f",
        assessment="credit_checks_lia",
    ),
    opening_clock=periods.SEARCHES,
    reopening_clock=periods.CLOSE,
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    basis_of=report.basis_of,
    is_about=opening.names_nobody,
    open_facts=opening.open_facts,
    opened=opening.search,
    check_person=opening.check_person,
    check_people=opening.check_people,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    tables=report.tables,
    checks=report.checks,
    report=report.context,
    is_kept_on=keeping.is_kept_on,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    beside=frozenset({"associate"}),
    portable={"applicant": ("application_id", "product", "monthly_pence", "handset_pence")},
    for_subject=subject.for_subject,
    not_for_subject=frozenset({report.REFERRED_FOR}),
    texts=subject.texts,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"decide": forms.DecideForm, "redecide": forms.DecideForm},
    dimensions=(
        Dimension(code="occasion", label="Occasion", column="occasion", words=lambda: dict(codes.OCCASIONS)),
        Dimension(code="channel", label="How it was ordered", column="channel", words=lambda: dict(codes.CHANNELS)),
    ),
    agency_kinds=frozenset({"cra", "fpa", "fraud_alert"}),
    callbacks={"fpa.match": callbacks.late_match, **letters.CALLBACKS, **corrections.CALLBACKS},
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    delivered={**{kind.code: callbacks.answered for kind in messages.ALL}, **corrections.DELIVERED},
    refused={**{kind.code: callbacks.refused for kind in messages.ALL}, **letters.REFUSED, **corrections.REFUSED},
    reacts={
        "fraud_filed": keeping.fraud_filed,
        "link_removed": keeping.link_removed,
        "link_withdrawn": links.withdrawn,
        "marker_confirmed": keeping.marker_confirmed,
        "marker_taken_back": keeping.marker_taken_back,
        "filing_removed": keeping.filing_removed,
    },
    unspoken=frozenset({"links_used"}),
    stored_codes={"referred_for": dict(codes.REASONS) | dict(codes.TRIGGERS)},
    column_labels={"referred_for": report.REFERRED_FOR},
    clock_ends={periods.SEARCHES: callbacks.waited, periods.CLOSE: callbacks.over},
    message_labels={
        **{kind.code: kind.label for kind in messages.ALL},
        letters.LETTER.code: letters.LETTER.label,
        **corrections.LABELS,
    },
    intake=intake.INTAKE,
    may_add_person=never,
    is_divisible=False,
    said={
        "check.contest_won": "A contest changed the decision",
        "check.kept_longer": "The result is kept by another rule",
        "check.kept_no_longer": "The result is kept no longer for a fraud: none is on file any more",
        "check.link_was_wrong": "A link that it used was wrong",
        "check.waits_for_contest": "The end waits for a contest",
        "check.waits_for_notice": "The end waits until the person was told",
        "search.answered": "A search was answered",
        "search.refused": "A search was refused",
        "search.late_match": "A search was answered with a match after the decision",
    },
)
