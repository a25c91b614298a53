"""Codes of a moratorium, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["EVIDENCE_KINDS", "GROUNDS", "IN_FORCE", "JOINT", "OPEN_ENDED", "ORIGINS", "REGIMES", "ROLES", "STANDINGS"]

# Each is a kind of hold, too.
REGIMES = (
    ("breathing_space", "Breathing space"),
    ("mental_health_crisis", "Mental health crisis moratorium"),
    ("scottish_moratorium", "Scottish moratorium"),
)
# The task that asks what of a charge the holder of a joint debt owes who is in no moratorium.
JOINT = "moratorium_joint"
# Ends only when we are told so.
OPEN_ENDED = "mental_health_crisis"
SCOTTISH = "scottish_moratorium"
ROLES = (("debtor", "Debtor"), ("adviser", "Debt adviser"))
IN_FORCE = ("applied", "review_requested")
ORIGINS = {"notice": "Named in the notice", "search": "Found by us", "added": "Added later"}
STANDINGS = {
    "named": "Not looked for yet",
    "unknown": "No account of ours",
    "candidate": "May be the debtor's",
    "protected": "Protected",
    "told": "Told to the adviser",
    "sold": "Sold; the buyer was told",
}
# SI 2020/1311 reg 17: why a creditor may ask for a review.
GROUNDS = (
    ("unfair_prejudice", "It unfairly prejudices our interests"),
    ("not_eligible", "The debtor does not meet the conditions"),
    ("not_qualifying", "The debt is not a qualifying debt"),
    ("can_pay", "The debtor has enough to pay the debt"),
)
EVIDENCE_KINDS = CodeList(
    "moratorium_evidence",
    "Moratoria: kinds of document",
    (("notice", "The notice"), ("adviser_letter", "Letter of the adviser"), ("review_evidence", "Ground of a review")),
    is_open=True,
)
