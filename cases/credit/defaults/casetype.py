"""Declares the default to the catalogue."""

from __future__ import annotations

from cases.accounts import bureaus
from cases.accounts.reading import PAID_BY, PRODUCTS
from cases.credit.defaults import (
    billing,
    callbacks,
    codes,
    disputes,
    effects,
    forms,
    gate,
    letters,
    looking,
    opening,
    periods,
    report,
    rules,
    standing,
    telling,
)
from cases.credit.defaults.models import Default
from cases.kernel import retention
from cases.kernel.casetypes import Basis, CaseType, Dimension, never
from cases.kernel.exchange import letters as notices

__all__ = ["DEFAULT"]

retention.declare(*periods.RETENTION)
notices.declare(*letters.LETTERS)

DEFAULT = CaseType(
    code="default",
    label="Default",
    summary="An account is in arrears. After 28 days' notice a second person decides whether a default is recorded.",
    prefix="DEF",
    icon="calendar-x",
    team="credit",
    facts=Default,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="credit_default",
    basis=Basis(
        why="To tell credit reference agencies how accounts are kept",
        gateway="gdpr_6_1_f",
        assessment="credit_reporting_lia",
    ),
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
    tables=report.tables,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "arrange": forms.ArrangeForm,
        "void_notice": forms.VoidForm,
        "approve": forms.ApproveForm,
        "withdraw": forms.WithdrawForm,
        "part_satisfy": forms.PartPaymentForm,
        "satisfy": forms.PaymentForm,
        "settle": forms.SettleForm,
        "correct": forms.CorrectForm,
        "remove": forms.RemoveForm,
    },
    sealed_labels={"account_reference": "Account"},
    fact_categories={"account_reference": "financial"},
    agency_kinds=frozenset({"cra"}),
    callbacks={**callbacks.CALLBACKS, **disputes.CALLBACKS},
    callback_data=disputes.EXAMPLES,
    callback_shapes=disputes.SHAPES,
    named_by=disputes.named_by,
    delivered=callbacks.DELIVERED,
    refused=callbacks.REFUSED,
    clock_ends={periods.NOTICE: looking.period_over, periods.ON_FILE: callbacks.six_years_over},
    message_labels={
        bureaus.CRA_CORRECT.code: bureaus.CRA_CORRECT.label,
        disputes.CRA_ANSWER.code: disputes.CRA_ANSWER.label,
        notices.LETTER.code: notices.LETTER.label,
    },
    task_ends={telling.REFUSED: telling.tell_again, disputes.DISPUTED: disputes.answered},
    common_effects={"reopen": effects.reopened, "release_hold": disputes.hold_released},
    changed=effects.content_changed,
    reacts={
        "hold_began": effects.hold_began,
        "accounts_changed": billing.accounts_changed,
        "default_on_file": standing.on_file,
        "letter_due": looking.letter_due,
    },
    unspoken=frozenset({"stopped_by", "plan_behind", "notice_asked_at"}),
    column_labels={"skipped_for": "No default is recorded because"},
    stored_codes={"skipped_for": {rule.code: rule.sentence.rstrip(".") for rule in gate.RULES if rule.is_hold}},
    may_add_person=never,
    is_divisible=False,
    is_erasable=False,
    said={
        "default.disputed": "An agency passed on a dispute",
        "default.given_up": "A message about the default was given up",
        "default.looked_at": "Looked whether anything stops the default",
        "default.notice_asked_again": "The notice was asked for again",
        "default.notice_posted": "The notice is in the post",
        "default.payment_told": "Billing tells of a payment",
        "default.refused": "An agency refused the default",
        "default.told": "An agency has the default",
    },
)
