"""Declares the moratorium to the catalogue."""

from __future__ import annotations

from cases.debt import gate
from cases.debt.moratorium import callbacks, codes, effects, forms, intake, messages, opening, periods, report, rules
from cases.debt.moratorium.models import Moratorium
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType
from cases.kernel.exchange import letters

__all__ = ["MORATORIUM"]

clocks.declare(*periods.CLOCKS)
clocks.due_with(periods.ANSWER, effects.UNCLEAR)
retention.declare(*periods.RETENTION)
letters.declare(*effects.LETTERS)

MORATORIUM = CaseType(
    code="moratorium",
    label="Moratorium",
    summary="A debtor is in a breathing space or another moratorium. Their debts are left alone.",
    prefix="MOR",
    icon="shield",
    team="collections",
    facts=Moratorium,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="moratorium",
    basis=Basis(why="To leave alone the debts of somebody who is in a moratorium", gateway="gdpr_6_1_c"),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.names_nobody,
    check_people=opening.check_people,
    open_facts=opening.open_facts,
    changed=opening.changed,
    reopening_clock=periods.MATCH,
    named_by=opening.named_by,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    tables=report.tables,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    beside=frozenset({"adviser"}),
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "apply": forms.ApplyForm,
        "add_debt": forms.AddDebtForm,
        "request_review": forms.ReviewForm,
    },
    sealed_labels={
        "register_reference": "Reference of the register",
        "notice": "The notice as it came",
        "review_particulars": "What the review rests on",
    },
    fact_categories=dict.fromkeys(("register_reference", "notice", "review_particulars"), "case_record"),
    agency_kinds=frozenset({"insolvency"}),
    callbacks={**callbacks.CALLBACKS, **letters.CALLBACKS},
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    refused=letters.REFUSED,
    clock_ends={
        periods.MATCH: callbacks.match,
        **{rule: callbacks.is_over for rule, _ in periods.ENDS.values()},
        **dict.fromkeys((periods.REVIEW, *periods.MIDWAY), callbacks.pass_by),
    },
    message_labels={
        **{kind.code: kind.label for kind in messages.ALL},
        letters.LETTER.code: letters.LETTER.label,
    },
    protects=gate.protected,
    reacts={
        "accounts_added": callbacks.accounts_added,
        "accounts_changed": callbacks.accounts_changed,
        "agency_stopped": effects.told,
    },
    intake=intake.INTAKE,
    is_divisible=False,
    # Numbers of rows, and what the table of debts says better.
    unspoken=frozenset({"account", "holder", "hold", "parts", "score"}),
    stored_codes={"cases.moratoriumdebt.standing": codes.STANDINGS, "cases.moratoriumdebt.origin": codes.ORIGINS},
    column_labels={
        "last_date": "Last protected day",
        "cases.moratoriumdebt.standing": "A debt",
        "cases.moratoriumdebt.effective_date": "Protected from",
    },
    is_erasable=False,
    said={
        "moratorium.account_known": "Billing told of an account that the notice names",
        "moratorium.account_protected": "A debt that the notice names is protected, now that its account is known",
        "moratorium.collectors_told": "Those who collect are told",
        "moratorium.debt_came_back": "A debt came back from an agency",
        "moratorium.fee_confirmed": "Billing confirmed that a charge was taken back",
        "moratorium.fee_reversed": "A charge was taken back",
        "moratorium.forward_given_up": "The notice was sent to the buyer no more",
        "moratorium.joint_charge": "A charge of a joint debt is to be divided",
        "moratorium.searched": "Other debts of the person were looked for",
    },
)
