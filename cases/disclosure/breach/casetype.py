"""Declares the breach to the catalogue."""

from __future__ import annotations

from cases.disclosure.breach import callbacks, codes, effects, forms, messages, opening, periods, report, rules
from cases.disclosure.breach.models import Breach
from cases.kernel import retention
from cases.kernel.casetypes import Basis, CaseType, Referral, never

__all__ = ["BREACH"]

retention.declare(*periods.RETENTION)

BREACH = CaseType(
    code=opening.KIND,
    label="Data breach",
    summary="People's data went astray. Anybody reports it; the data protection officer decides who is told.",
    icon="shield-alert",
    team="data_protection",
    facts=Breach,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="breach",
    basis=Basis(why="To put a breach of personal data right and report it", gateway="gdpr_6_1_c"),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    open_facts=opening.open_facts,
    changed=opening.count_anew,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    needs=report.needs,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"assess": forms.AssessForm, "notify": forms.NotifyForm, "close": forms.CloseForm},
    sealed_labels={
        "about_reference": "It came from",
        "what": "What happened, as a Commissioner is told",
        "told_inside": "What the case says that it came from; nobody is told this",
        "secrecy": "How secrecy was tested",
        "consequences": "What may come of it",
        "measures": "What is done about it",
        "delay": "Why it was told late",
        "untold": "Why no Commissioner is told",
        "told_how": "How the Commissioner was told",
    },
    fact_categories={
        "about_reference": "case_record",
        **dict.fromkeys(("what", "secrecy", "consequences", "measures", "delay", "untold", "told_how"), "breach"),
        "told_inside": "case_record",
    },
    agency_kinds=frozenset({"regulator", "oversight"}),
    stored_codes={"route": codes.COMMISSIONERS},
    may_add_person=never,
    is_divisible=False,
    callbacks={"breach.acknowledged": callbacks.acknowledged},
    callback_data=callbacks.EXAMPLES,
    delivered=dict.fromkeys((kind.code for kind in messages.ALL), callbacks.delivered),
    refused=dict.fromkeys((kind.code for kind in messages.ALL), callbacks.refused),
    task_ends={effects.BY_HAND: effects.told_by_hand},
    clock_warns={periods.TELL: effects.ask_in_time},
    common_effects={"reopen": effects.count_again},
    message_labels={kind.code: kind.label for kind in messages.ALL},
    referral=Referral(
        label="Report a data breach",
        form=forms.ReportForm,
        is_known=opening.is_known,
        heading="The breach",
    ),
)
