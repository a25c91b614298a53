"""Declares the monthly file to the catalogue."""

from __future__ import annotations

from cases.accounts import bureaus
from cases.credit.files import callbacks, codes, correcting, effects, forms, messages, periods, report, rules
from cases.credit.files.models import CreditFile
from cases.kernel import clocks, retention
from cases.kernel.casetypes import Basis, CaseType, never

__all__ = ["CRA_FILE"]

clocks.declare(*periods.CLOCKS)
retention.declare(*periods.RETENTION)

CRA_FILE = CaseType(
    code="cra_file",
    label="Monthly credit file",
    summary="Each month every account as it was kept goes to the credit reference agencies, the same to each.",
    prefix="CRF",
    icon="files",
    team="credit",
    facts=CreditFile,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="credit_file",
    basis=Basis(
        why="To tell credit reference agencies how accounts are kept",
        gateway="gdpr_6_1_f",
        assessment="credit_reporting_lia",
    ),
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=report.is_about,
    open_facts=report.open_facts,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    tables=report.tables,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=forms.PartyForm,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={"extract": forms.ExtractForm, "approve": forms.ApproveForm},
    agency_kinds=frozenset({"cra"}),
    callbacks=callbacks.CALLBACKS,
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    clock_ends={periods.ANSWERS: callbacks.time_is_over},
    delivered={bureaus.CRA_CORRECT.code: correcting.delivered},
    task_ends={effects.REJECTED: correcting.put_right, correcting.UNREAD: correcting.leave_out},
    message_labels={
        messages.CRA_FILE.code: messages.CRA_FILE.label,
        bureaus.CRA_CORRECT.code: bureaus.CRA_CORRECT.label,
    },
    unspoken=frozenset({"digest", "round"}),
    column_labels={
        "is_taken": "All accounts are taken",
        "taken_rows": "Accounts taken",
        "taken_pence": "Total of their balances, as billing tells them",
        "rows": "Accounts to sign for",
        "total_pence": "Total that the agencies are told of them",
    },
    own_tabs=(("To look at, left out, not taken", "file_rejects"),),
    shows_own_tabs=lambda case: case.state != "open",
    may_add_person=never,
    is_divisible=False,
    is_erasable=False,
    said={
        "credit_file.corrected": "Rows were corrected",
        "credit_file.correction_told": "A correction was told to an agency",
        "credit_file.kept": "What each agency has now was noted",
        "credit_file.reported": "An agency reported on the file",
        "credit_file.taken": "The accounts of the file are taken",
        "credit_file.delivered": "An agency has the file",
        "credit_file.refused": "An agency did not take the file",
        "credit_file.dead": "The file is sent to an agency no more",
        "credit_file.unknown": "It is not known whether an agency has the file",
        "credit_file.skipped": "A file that the agency does not have was given up",
        "credit_file.lost": "A file that the agency may have was given up",
        "credit_file.unread": "Rows of an agency's report could not be read",
        "bureau.told_again": "An agency is told again",
    },
)
