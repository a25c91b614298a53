"""Declares the trace of malicious calls to the catalogue."""

from __future__ import annotations

from cases.fraud.trace import callbacks, codes, effects, forms, messages, periods, report, rules
from cases.fraud.trace.models import Trace
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType
from cases.kernel.exchange import corrections, letters

__all__ = ["TRACE"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

TRACE = CaseType(
    code="trace",
    label="Trace of calls",
    summary="A subscriber gets malicious calls. The caller is traced, and never told to whoever complains.",
    icon="phone-incoming",
    prefix="TRC",
    team="fraud",
    facts=Trace,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="trace",
    basis=Basis(why="To trace malicious and nuisance calls", gateway="pecr_15"),
    opening_clock=periods.DECISION,
    reopening_clock=periods.DECISION,
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=effects.is_about,
    open_facts=effects.open_facts,
    changed=effects.keeps_to_decision,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    tables=report.tables,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    agency_kinds=frozenset({codes.PROVIDER}),
    callbacks={"traceback.answered": callbacks.answered, **letters.CALLBACKS, **corrections.CALLBACKS},
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    delivered={**corrections.DELIVERED},
    refused={**letters.REFUSED, **corrections.REFUSED},
    message_labels={
        **{kind.code: kind.label for kind in (*messages.ALL, letters.LETTER)},
        **corrections.LABELS,
    },
    transition_forms={
        "accept": forms.AcceptForm,
        "start": forms.StartForm,
        "ask_next": forms.NextForm,
        "hold_result": forms.HoldForm,
        "pass": forms.PassForm,
    },
    sealed_labels={"line": "Line that was called", "calls": "The calls", "harm": "Harm", "result": "Result"},
    fact_categories={"line": "contact", "calls": "case_record", "harm": "case_record", "result": "case_record"},
    not_for_subject=frozenset({"Result"}),
    said={
        "trace.hop": "A provider answered where the calls came from",
    },
)
