"""Declares the emergency disclosure to the catalogue."""

from __future__ import annotations

from cases.disclosure.emergency import callbacks, codes, forms, messages, opening, periods, report, rules
from cases.disclosure.emergency.models import EmergencyDisclosure
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType

__all__ = ["EMERGENCY_DISCLOSURE"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

EMERGENCY_DISCLOSURE = CaseType(
    code="emergency_disclosure",
    label="Emergency",
    summary="A control room asks about a call to the emergency services. Give first, write it up within the hour.",
    icon="siren",
    team="disclosure",
    facts=EmergencyDisclosure,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="emergency_disclosure",
    basis=Basis(why="To help the emergency services to reach somebody", gateway="gdpr_6_1_d"),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.is_about,
    open_facts=opening.open_facts,
    changed=opening.count_anew,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "disclose": forms.GiveForm,
        "disclose_more": forms.MoreForm,
        "refuse": forms.RefuseForm,
        "refuse_more": forms.RefuseMoreForm,
        "write_up": forms.WriteUpForm,
        "find_over_disclosure": forms.FoundForm,
        "settle": forms.SettleForm,
    },
    sealed_labels={
        "operator": "Operator at the control room",
        "incident": "Incident number",
        "caller": "Caller",
        "spoken_to": "Spoken to",
        "subscriber": "Subscriber that was named",
        "address": "Address that was given",
        "position": "Position that was given",
        "cell": "Cell that was given",
        "written_up": "What happened",
        "over_disclosed": "What was too much",
        "settled": "How the error was settled",
    },
    fact_categories={
        "operator": "request",
        "incident": "request",
        "caller": "contact",
        "spoken_to": "request",
        "subscriber": "identity",
        "address": "address",
        "position": "location",
        "cell": "location",
        "written_up": "case_record",
        "over_disclosed": "case_record",
        "settled": "case_record",
    },
    unspoken=frozenset({"contact_code"}),
    stored_codes={
        "risk": dict(codes.RISKS),
        "location_source": dict(codes.SOURCES),
        "refusal_code": dict(codes.REFUSALS),
    },
    column_labels={
        "located_at": "Time of the position",
        "location_source": "Source of the position",
        "radius_m": "Radius in metres",
    },
    agency_kinds=frozenset({"emergency"}),
    reacts={"hold_began": periods.keep_longer},
    clock_ends={periods.REST: callbacks.rested},
    message_labels={kind.code: kind.label for kind in messages.ALL},
    urgent=frozenset({"live"}),
    is_rung=True,
    screen="web:emergency",
    opens_on="web:emergency_start",
)
