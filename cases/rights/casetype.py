"""Declares the rights request to the catalogue."""

from __future__ import annotations

from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, Dimension
from cases.kernel.exchange import letters
from cases.rights import (
    access,
    answers,
    callbacks,
    choices,
    chosen,
    codes,
    effects,
    forms,
    intake,
    messages,
    opening,
    periods,
    portable,
    report,
    rules,
)
from cases.rights.models import RightsRequest

__all__ = ["RIGHTS_REQUEST"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

RIGHTS_REQUEST = CaseType(
    code="rights_request",
    label="Rights request",
    summary="Somebody asks what we hold, wants it put right or erased, or wants our marketing to stop.",
    prefix="RTS",
    icon="user-check",
    team="rights",
    facts=RightsRequest,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="rights_request",
    basis=Basis(why="To do what the law gives people a right to ask of us", gateway="gdpr_6_1_c"),
    dimensions=(
        Dimension(code="right", label="What was asked", column="right", words=lambda: dict(codes.RIGHTS)),
        Dimension(code="came_by", label="How it reached us", column="came_by", words=codes.CAME_BY.labels),
    ),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.names_nobody,
    open_facts=opening.open_facts,
    opened=opening.open_choices,
    changed=opening.count_anew,
    reacts={"person_joined": choices.joined, "person_changed": choices.changed_elsewhere},
    reopening_clock=periods.ANSWER,
    common_effects={"reopen": effects.go_on_again},
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    tables=report.tables,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    beside=codes.BESIDE,
    check_people=opening.check_people,
    may_add_person=opening.has_nobody_beside,
    finds_people=True,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"confirm_identity": forms.IdentityForm, "act": forms.ActForm, "refuse": forms.RefuseForm},
    own_words={"person": {"wording": "In your words", "answer": "What we answered"}},
    portable={"person": ("right", "received_at", "channels", "purposes")},
    unspoken=frozenset({"identity_of", "texts_read"}),
    own_tabs=(("To read through", "texts_to_read"),),
    shows_own_tabs=lambda case: case.rights_request.right == codes.ACCESS,
    sealed_labels={"wording": "In their words", "answer": "What was done"},
    fact_categories={"wording": "case_record", "answer": "case_record"},
    agency_kinds=frozenset({messages.GROUP, messages.PARTNER}),
    callbacks={"rights.stopped": callbacks.stopped, **letters.CALLBACKS},
    callback_data=callbacks.EXAMPLES,
    refused=letters.REFUSED,
    clock_ends={
        periods.ONWARD: callbacks.go_on,
        periods.PASSED_ON: callbacks.passed_on,
        periods.SHOWN: callbacks.not_shown,
    },
    runs_in={"identity_check": (periods.SHOWN, periods.ANSWER, "")},
    extensions={periods.ANSWER: opening.EXTENSION},
    message_labels={messages.STOP.code: messages.STOP.label, letters.LETTER.code: letters.LETTER.label},
    intake=intake.INTAKE,
    stored_codes={
        "right": dict(codes.RIGHTS),
        "identity_how": dict(codes.IDENTITY),
        "outcome": dict(codes.OUTCOMES),
        "refusal_code": dict(codes.REFUSALS),
        "given_how": dict(codes.GIVEN),
    },
    person_tables=chosen.person_tables,
    papers={access.LEVEL: access.PACK, access.PORTABLE: portable.COPY},
    erase_beside=answers.erase_due,
    said={
        "person.reached_anew": "What was stopped counts for what another case says of the person now",
        "stop.confirmed": "Somebody who was told has confirmed",
    },
)
