"""Codes of partner queries, each with its words."""

from __future__ import annotations

__all__ = [
    "ANSWERS",
    "CONFIRMED",
    "FEEDBACK",
    "FIELDS",
    "FIELD_OF",
    "FRAUD_NUMBER",
    "HOURS",
    "OCCASIONS",
    "PURPOSES",
    "PURPOSE_OF",
    "QUESTIONS",
    "RECORD",
    "REFUSALS",
    "ROLES",
    "WARN",
]

RECORD, WARN, FRAUD_NUMBER = "record", "cp_fraud_share", "fraudNumber"
PURPOSES = (
    ("sim_swap_check", "Check whether the SIM of a number was changed"),
    ("bank_txn_verify", "Check that a transaction is the customer's own"),
    ("record_accuracy", "Keep what they have on record of a customer accurate"),
    (WARN, "Be warned of numbers with which a fraud was confirmed"),
)
QUESTIONS = (
    ("sim_swap", "Was the SIM changed lately?"),
    ("sim_swap_date", "When was the SIM last changed?"),
    ("transaction", "Is this transaction the customer's own?"),
    (RECORD, "Are these details of the customer as we have them?"),
)
PURPOSE_OF = {
    "sim_swap": "sim_swap_check",
    "sim_swap_date": "sim_swap_check",
    "transaction": "bank_txn_verify",
    RECORD: "record_accuracy",
}
FIELDS = (
    ("swapped", "Whether the SIM was changed within the hours asked about"),
    ("latestSimChange", "When the SIM was last changed"),
    ("verified", "Yes, no or unknown to a transaction"),
    ("recordMatches", "Yes, no or unknown to details of a customer"),
    (FRAUD_NUMBER, "A number with which a fraud was confirmed, and the kind of fraud"),
)
FIELD_OF = {
    "sim_swap": "swapped",
    "sim_swap_date": "latestSimChange",
    "transaction": "verified",
    RECORD: "recordMatches",
}
OCCASIONS = (
    ("online_payment", "Payment online"),
    ("cash_withdrawal", "Cash withdrawal"),
    ("account_change", "Change of the customer's details"),
    ("new_payee", "Payment to somebody new"),
)
ANSWERS = (("yes", "Yes"), ("no", "No"), ("unknown", "Unknown"), ("date", "A date"))
REFUSALS = (
    ("no_agreement", "No agreement with this partner is in force"),
    ("agreement_ended", "The agreement has ended, or has not begun"),
    ("purpose_not_allowed", "The agreement does not name this purpose"),
    ("field_not_allowed", "The agreement does not let this field be told"),
    ("processor_not_named", "The agreement does not name whoever asked for the partner"),
    ("rate_exceeded", "More queries than the agreement allows"),
    ("number_unknown", "Nobody here can say it of this number"),
    ("not_permitted", "The register of agencies or the notice does not let it be told"),
)
# How far back a question about a change of SIM looks where it names no hours.
HOURS = 240
CONFIRMED = "confirmed_fraud"
FEEDBACK = ((CONFIRMED, "It was fraud"), ("not_fraud", "It was no fraud"))

ROLES = (("line_user", "Uses the number"),)
