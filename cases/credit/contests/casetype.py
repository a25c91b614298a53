"""Declares the contest of a decision to the catalogue."""

from __future__ import annotations

from cases.credit import casetype as _periods_of_checks  # noqa: F401 -- declares the clocks and classes used here
from cases.credit import codes, opening, periods
from cases.credit.contests import forms, report, rules
from cases.credit.models import Contest
from cases.kernel.casetypes import Basis, CaseType, Dimension
from cases.kernel.exchange import letters

__all__ = ["CONTEST"]

CONTEST = CaseType(
    code="contest",
    label="Contest of a decision",
    summary="Somebody contests a decision on credit or fraud. A person without a part in it looks at it afresh.",
    prefix="CON",
    icon="scale",
    team="rights",
    facts=Contest,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="contest",
    basis=Basis(why="To look afresh at a decision that somebody contests", gateway="gdpr_6_1_c"),
    dimensions=(
        Dimension(
            code="level",
            label="How the decision was taken",
            column="decision__automated_level",
            words=lambda: dict(codes.LEVELS),
        ),
    ),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.names_nobody,
    open_facts=report.open_facts,
    # The number of a person says nothing; the facts name the reviewer.
    unspoken=frozenset({"reviewer"}),
    opened=report.opened,
    changed=report.count_anew,
    reopening_clock=periods.ANSWER,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    needs=report.needs,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.CONTEST_ROLES,
    beside=frozenset({"representative"}),
    finds_people=True,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "confirm_identity": forms.IdentityForm,
        "assign": forms.AssignForm,
        "decide": forms.DecideForm,
        "withdraw": forms.WithdrawForm,
    },
    own_words={
        "person": {
            "wording": "In your words",
            "answer": "What we answered",
            "withdrawal": "Why you withdrew it",
        }
    },
    portable={"person": ("received_at",)},
    sealed_labels={
        "wording": "In their words",
        "findings": "What was found",
        "answer": "Answer",
        "withdrawal": "Why they withdrew it",
    },
    stored_codes={"harm": dict(codes.HARMS)},
    fact_categories=dict.fromkeys(("wording", "findings", "answer", "withdrawal"), "case_record"),
    callbacks=letters.CALLBACKS,
    refused=letters.REFUSED,
    clock_ends={periods.NOTIFY: report.go_on, periods.SHOWN: report.not_shown},
    runs_in={"identity_check": (periods.SHOWN, periods.ANSWER, "")},
    message_labels={letters.LETTER.code: letters.LETTER.label},
    intake=forms.INTAKE,
)
