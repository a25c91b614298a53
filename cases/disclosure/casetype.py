"""Declares the disclosure request to the catalogue."""

from __future__ import annotations

from cases.disclosure import (
    callbacks,
    codes,
    forms,
    giving,
    intake,
    keeping,
    messages,
    opening,
    periods,
    report,
    rules,
    stepforms,
)
from cases.disclosure.models import DisclosureRequest
from cases.kernel import clocks, retention
from cases.kernel.casetypes import CaseType

__all__ = ["LE_DISCLOSURE"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

LE_DISCLOSURE = CaseType(
    code="le_disclosure",
    label="Disclosure request",
    summary="Police or another public authority asks for data. Seen by the disclosure unit alone.",
    icon="eye-off",
    team="disclosure",
    facts=DisclosureRequest,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="le_disclosure",
    disposal_needs="The inspectors of the Investigatory Powers Commissioner have seen the register of these years.",
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.is_about,
    open_facts=opening.open_facts,
    opened=keeping.opened,
    changed=opening.count_anew,
    needs=keeping.needs,
    retoken=keeping.retoken,
    erase_beside=keeping.erase_beside,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "verify": stepforms.VerifyForm,
        "validate": stepforms.ValidateForm,
        "clarify": stepforms.ClarifyForm,
        "answer": stepforms.AnswerForm,
        "refuse": stepforms.RefuseForm,
        "override_gate": stepforms.OverrideForm,
        "cancel": stepforms.CancelForm,
        "take_back": stepforms.TakeBackForm,
        "note_cancellation": stepforms.CancelForm,
        "submit": stepforms.SubmitForm,
        "release": stepforms.ReleaseForm,
        "release_urgent": stepforms.SubmitForm,
        "return": stepforms.ReturnForm,
        "confirm_receipt": stepforms.ReceiptForm,
        "confirm_in_writing": stepforms.WritingForm,
        "report_error": stepforms.ErrorForm,
        "settle_error": stepforms.SettleForm,
        "settle_error_unreceipted": stepforms.SettleForm,
    },
    sealed_labels={
        "urn": "Their number of the request",
        "asked_by": "Who asks",
        "authoriser": "Who authorised it",
        "particulars": "What else the request says",
        "spoken_to": "Who answered the call",
        "question": "What we asked",
        "answer": "What the authority answered",
        "cancellation": "Notice of cancellation",
        "difference": "What the second person found",
        "receipt_how": "How they confirmed that they have it",
    },
    fact_categories=dict.fromkeys(
        (
            *("urn", "asked_by", "authoriser", "particulars", "spoken_to", "question", "answer", "cancellation"),
            *("difference", "receipt_how"),
        ),
        "request",
    ),
    agency_kinds=frozenset({"lea"}),
    strays_of=frozenset({"oversight"}),
    intake=intake.INTAKE,
    callbacks={
        "le.answered": callbacks.answered,
        "le.cancelled": callbacks.cancelled,
        "le.received": callbacks.received,
        "le.confirmed": callbacks.confirmed,
        "le.destroyed": callbacks.destroyed,
    },
    common_effects={"void": giving.discard, "merge": giving.discard, "reopen": giving.open_again},
    clock_ends={periods.PURGE: giving.purge, periods.ORAL: giving.writing_ends},
    task_ends={
        giving.REPORT: giving.reported,
        giving.DESTROY: giving.destroyed,
    },
    callback_data=callbacks.EXAMPLES,
    unspoken=frozenset({"contact_code", "package_sha256", "checked"}),
    stored_codes={
        "refusal_code": dict(codes.REFUSALS),
        "items": report.ITEM_LABELS,
        "allowed_items": report.ITEM_LABELS,
        "refused_items": report.ITEM_LABELS | dict(codes.REFUSALS),
        "cases.disclosureerror.fault": codes.FAULT_LABELS,
        "cases.disclosureerror.cause": dict(codes.CAUSES),
    },
    column_labels={
        "called_back_at": "Called back",
        "refused_items": "Refused",
        "receipted_at": "They have it since",
        "purged_at": "Our copy destroyed",
    },
    registers=(("Register of disclosures", "web:disclosures", "view_register"),),
    own_tabs=(("Package", "disclosure:package"),),
    message_labels={kind.code: kind.label for kind in messages.ALL},
    said={
        "le_disclosure.destroyed": "The recipient said what became of what was to be destroyed",
    },
)
