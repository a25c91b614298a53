"""Declares the sale of debts to the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cases.accounts import bureaus
from cases.debt import title
from cases.debt.sale import (
    callbacks,
    codes,
    completing,
    defaulted,
    effects,
    ending,
    erasing,
    flagged,
    forms,
    messages,
    moving,
    notices,
    paid,
    periods,
    report,
    rules,
)
from cases.debt.sale.models import DebtSale
from cases.kernel import retention
from cases.kernel.casetypes import Basis, CaseType, never
from cases.kernel.exchange import letters

__all__ = ["DEBT_SALE"]

retention.declare(*periods.RETENTION)
title.declare(report.buyers, report.promised)
letters.declare(*notices.LETTERS)


def _accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """What billing tells of sold accounts is for their buyers: what was paid, and what stops collecting."""
    paid.accounts_changed(accounts, at=at)
    flagged.accounts_changed(accounts, at=at)


DEBT_SALE = CaseType(
    code="debt_sale",
    label="Debt sale",
    summary="Unpaid accounts are sold to another firm. Chosen by what is owed, each checked against every exclusion.",
    prefix="SAL",
    icon="receipt-pound-sterling",
    team="collections",
    facts=DebtSale,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="debt_sale",
    basis=Basis(why="To sell what is owed to another firm", gateway="gdpr_6_1_f", assessment="debt_sale_lia"),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=report.is_of_accounts,
    open_facts=report.open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    tables=report.tables,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "publish": forms.BiddersForm,
        "prefer": forms.PreferForm,
        "look_at_buyer": forms.BuyerForm,
        "sign": forms.SignForm,
        "complete": forms.CompleteForm,
    },
    in_background={completing.COMPLETE: completing.ask},
    agency_kinds=frozenset({"purchaser"}),
    callbacks=callbacks.CALLBACKS,
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    refused=callbacks.REFUSED,
    clock_ends={ending.WINDOW: callbacks.window_over},
    message_labels={
        **{kind.code: kind.label for kind in messages.ALL},
        bureaus.CRA_CORRECT.code: bureaus.CRA_CORRECT.label,
        letters.LETTER.code: letters.LETTER.label,
    },
    reacts={
        "accounts_changed": _accounts_changed,
        "default_changed": defaulted.default_changed,
        "hold_began": flagged.hold_began,
        "hold_elsewhere": flagged.hold_elsewhere,
    },
    common_effects={"void": effects.let_go, "merge": effects.let_go},
    erase_beside=erasing.erase_due,
    marks=moving.marks,
    own_tabs=(("Accounts", "sale_accounts"), ("Tapes and bids", "sale_tapes")),
    is_divisible=False,
    may_add_person=never,
    opens_with_people=False,
    check_people=report.check_people,
    is_erasable=False,
    # The price stands among the facts, in words.
    unspoken=frozenset({"price_rate"}),
    column_labels={
        "purchaser": "Buyer",
        "cases.salelook.left": "Accounts left",
        "cases.salelook.left_pence": "Owed on them",
        "cases.saletape.row_count": "Accounts on the tape",
        "cases.saletape.people_count": "People on the tape",
    },
    said={
        "debt_sale_account.exclude": "Accounts are kept out of the sale",
        "debt_sale_account.sell": "Accounts are sold",
        "debt_sale_account.release_line": "Accounts are left out of the sale",
        "debt_sale_account.claim": "A claim came for a sold account",
        "debt_sale_account.claim_late": "A claim came for a sold account after the window",
        "debt_sale_account.refuse_claim": "A claim for a sold account was refused",
        "debt_sale_account.accept_claim": "A claim was accepted: the account was put back",
        "debt_sale_account.buy_back": "A sold account was bought back",
        "debt_sale_account.settle": "The window for claims is over",
        "debt_sale.bid_noted": "A bid was noted",
        "debt_sale.completion_asked": "Completion was asked for",
        "debt_sale.file_given_up": "A file was sent to a buyer no more",
        "debt_sale.look_asked": "The accounts are to be looked at",
        "debt_sale.look_ended": "The accounts were looked at",
        "debt_sale.looked_at": "Looked at accounts",
        "debt_sale.notices_written": "Notices of assignment were asked for",
        "debt_sale.received": "The buyer has what was sent",
        "debt_sale.refused": "The buyer refused what was sent",
        "debt_sale.tape_asked": "A tape was asked for",
        "debt_sale.tape_erased": "A tape was erased",
        "debt_sale.tape_made": "A tape was made",
        "debt_sale_account.default_changed": "The default of a sold account has changed",
        "debt_sale_account.stopped": "Billing said what stops collecting a sold account",
        "debt_sale_account.less_owed": "Less was owed on a sold account than was sold",
        "debt_sale_account.moved": "An account moved",
        "debt_sale_account.notice_returned": "A notice of assignment came back",
        "debt_sale_account.paid_us": "We were paid for a sold account",
        "debt_sale_account.proposed": "Something was proposed of a sold account",
        "debt_sale_account.serve_again": "A notice of assignment is to be served again",
    },
)
