"""Codes of a placement, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["AT_AGENCY", "EVIDENCE_KINDS", "OUT", "RETURNS", "ROLES"]

ROLES = (("debtor", "Holder of the account"),)
# Where an account is out of our hands: no other agency gets it.
OUT = ("selected", "gated", "in_batch", "released", "sent", "active", "recall_requested")
# Where the agency may be collecting.
AT_AGENCY = ("sent", "active", "recall_requested")
RETURNS = {
    "gone_away": "The customer has left the address",
    "no_assets": "There is nothing to collect from",
    "uneconomic": "Not worth collecting",
    "disputed": "The customer disputes the debt",
    "end_of_term": "The agreed time is over",
}
EVIDENCE_KINDS = CodeList(
    "placement_evidence",
    "Placements: kinds of document",
    (("bill", "Bill"), ("agency_letter", "Letter of the agency"), ("customer_letter", "Letter of the customer")),
    is_open=True,
)
