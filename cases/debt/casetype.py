"""Declares the placement with a recovery agency to the catalogue."""

from __future__ import annotations

from cases.accounts.reading import PAID_BY, PRODUCTS
from cases.debt import (
    callbacks,
    codes,
    effects,
    forms,
    gate,
    looking,
    messages,
    opening,
    periods,
    remitting,
    report,
    rules,
    updates,
)
from cases.debt.models import Placement
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, Dimension
from cases.kernel.exchange import letters

__all__ = ["DEBT_PLACEMENT"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)
letters.declare(*effects.LETTERS)

DEBT_PLACEMENT = CaseType(
    code="debt_placement",
    label="Debt placement",
    summary="An unpaid account is handed to a recovery agency. Chosen and released in batches.",
    prefix="PLC",
    icon="hand-coins",
    team="collections",
    facts=Placement,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="placement",
    basis=Basis(why="To collect what is owed on a contract", gateway="gdpr_6_1_b"),
    dimensions=(
        Dimension(code="product", label="Product", column="account__product", words=lambda: PRODUCTS),
        Dimension(code="paid_by", label="How they pay", column="account__paid_by", words=lambda: PAID_BY),
    ),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=report.names_account,
    open_facts=opening.open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"tell_hold": forms.HoldForm},
    common_effects={"reopen": effects.reopened},
    sealed_labels={"account_reference": "Account"},
    fact_categories={"account_reference": "financial"},
    agency_kinds=frozenset({"dca"}),
    callbacks={**callbacks.CALLBACKS, **letters.CALLBACKS},
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    refused=letters.REFUSED,
    task_ends={effects.RING: effects.rung, effects.NOT_BOOKED: effects.is_booked},
    clock_ends={
        periods.RECALL: callbacks.recall_is_late,
        periods.LOOK: looking.look_now,
        periods.NIGHTLY: looking.look_nightly,
        periods.PULL: callbacks.take_out,
        periods.STOP: callbacks.stop_is_late,
    },
    message_labels={
        **{kind.code: kind.label for kind in messages.ALL},
        letters.LETTER.code: letters.LETTER.label,
    },
    protects=gate.outlasting,
    holds_outlast=True,
    reacts={
        "hold_began": effects.hold_began,
        "hold_elsewhere": looking.hold_elsewhere,
        "accounts_changed": updates.accounts_changed,
        "letter_due": looking.letter_due,
        "proposal_ended": effects.proposal_ended,
        "callback_ignored": remitting.callback_ignored,
    },
    opens_on="web:debt_batches",
    registers=(
        ("Batches of debts", "web:debt_batches", rules.VIEW_BATCHES),
        ("Accounts from billing", "web:debt_accounts", rules.VIEW_BATCHES),
        ("Remittances", "web:debt_remittances", rules.VIEW_BATCHES),
    ),
    unspoken=frozenset({"stopped_by", "gate_at", "seen_pence"}),
    column_labels={
        "is_told_of_hold": "Agency told to stop",
        "ceased_at": "The agency ceased",
        "vat_pence": "VAT on it",
        "cases.remittanceline.booked_pence": "Booked by billing",
    },
    is_erasable=False,
    said={
        "placement.breached": "The agency acted in spite of a stop",
        "placement.reported": "The agency reported",
        "placement.acknowledged": "The agency has the account",
        "placement.batched": "Put in a batch",
        "placement.booked_late": "A payment was booked late",
        "placement.checked": "The gate was asked",
        "placement.debtor_protected": "The debtor is protected: the agency is told to stop",
        "placement.file_anew": "The file is made anew",
        "placement.file_goes": "The file goes",
        "placement.file_stopped": "The file was kept from leaving",
        "placement.given_up": "A message to the agency was given up",
        "placement.hold_elsewhere": "A hold stands on another case: the gate is asked",
        "placement.letter_kept": "The letter that an agency collects was taken back",
        "placement.looked_at": "Looked whether anything stops it now",
        "placement.people_changed": "Billing has told of the people anew",
        "placement.protection_ends": "The protection ends: the agency is told",
        "placement.recall_late": "The agency has not confirmed the recall in time",
        "placement.remittance_differs": "A remittance differs",
        "placement.remitted": "The agency passed money on",
        "placement.settlement_waits": "A settlement waits for a decision",
        "placement.stop_arrived": "The agency has the order to stop",
        "placement.stop_late": "The order to stop has not arrived in time",
        "placement.stopped": "The agency is told to stop",
        "placement.to_note": "Billing is to note what the agency learned",
        "placement.update_given_up": "What changed was sent to the agency no more",
        "placement.updated": "The agency is told of a change",
    },
)
