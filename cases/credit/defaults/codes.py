"""Codes of a default, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["EVIDENCE_KINDS", "OPEN", "ROLES", "TOLD", "VOIDED_FOR", "WITHDRAWN_FOR"]

ROLES = (("debtor", "Holder of the account"),)
# Where a default may still come of it, and where the agencies have one.
OPEN = ("arrears", "notice_ready", "notice_sent", "arranged", "due", "approved")
TOLD = ("filed", "satisfied")
VOIDED_FOR = (
    ("amount_changed", "What is owed changed"),
    ("dispute_upheld", "The customer's dispute was upheld"),
    ("holder_joined", "Somebody holds the account who was not sent it"),
    ("came_back", "A letter of it came back, and the new address is on the account"),
)
WITHDRAWN_FOR = (
    ("paid", "It was paid"),
    ("disputed", "The customer disputes it"),
    ("held", "A hold stops it"),
)
EVIDENCE_KINDS = CodeList(
    "default_evidence",
    "Defaults: kinds of document",
    (
        ("bill", "Bill"),
        ("payment", "Proof of payment"),
        ("customer_letter", "Letter of the customer"),
        ("decision", "Decision on a complaint"),
    ),
    is_open=True,
)
