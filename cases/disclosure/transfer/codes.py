"""Codes of a transfer, each with its words."""

from __future__ import annotations

from cases.kernel.exchange.agreements import SAFEGUARDS
from cases.kernel.office.codelists import CodeList

__all__ = ["ADEQUACY", "ASSESSMENT", "BRIDGE", "EVIDENCE_KINDS", "MECHANISMS", "NEEDS_ASSESSMENT", "ROLES"]

MECHANISMS = tuple((code, f"{each.label} ({each.source})") for code, each in SAFEGUARDS.items())
NEEDS_ASSESSMENT = frozenset(code for code, each in SAFEGUARDS.items() if each.needs_tra)
ADEQUACY, BRIDGE = "adequacy", "data_bridge"
# A document of this kind is the assessment on which a transfer is approved.
ASSESSMENT = "assessment"
ROLES = (("contact", "Contact at the recipient"),)
EVIDENCE_KINDS = CodeList(
    "transfer_evidence",
    "Transfers: kinds of document",
    (
        ("agreement", "Agreement or clauses"),
        (ASSESSMENT, "Transfer risk assessment"),
        ("statement", "Statement of the recipient"),
    ),
    is_open=True,
)
