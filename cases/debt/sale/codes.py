"""Codes of a sale, each with its words."""

from __future__ import annotations

from django.db.models import Q

from cases.kernel.office.codelists import CodeList

__all__ = [
    "ADDRESS_SOURCES",
    "CLAIMS",
    "DILIGENCE",
    "EVIDENCE_KINDS",
    "IS_SOLD",
    "LINES",
    "LONGEST_PASSING_ON",
    "LONGEST_WINDOW",
    "PASSED_ON_WITHIN",
    "HELD",
    "LOOKED_AT_IN",
    "MOVED",
    "NO_WINDOW",
    "PROMISED",
    "ROLES",
    "SOLD",
    "STOPS",
]

ROLES = (("debtor", "Holder of a sold account"),)
# Where the accounts of a sale can be looked at (again): before each step that needs them clear.
LOOKED_AT_IN = ("pool_defined", "exclusions_run", "agreed", "cut_off", "final_tape", "approved")
# What a person is asked to do of an account that was sold while something changed.
HELD, MOVED = "sale_held_when_sold", "sale_moved_meanwhile"
# From the agreement to the completion: what is left in the pool is promised to a buyer, and goes to no agency.
PROMISED = ("agreed", "cut_off", "final_tape", "approved")
# Where a line stands: its words and how the tag is drawn.
LINES = {
    "in_pool": ("In the pool", "info"),
    "excluded": ("Excluded", "hold"),
    "sold": ("Sold", "done"),
    "put_back_requested": ("Claimed by the buyer", "warn"),
    "put_back": ("Put back", "hold"),
    "bought_back": ("Bought back", "hold"),
    "transferred": ("Sold for good", "done"),
}
# While a line stands in one of these, the debt is the buyer's.
SOLD = ("sold", "put_back_requested", "transferred")
# Lines of a sale that is complete are the buyer's before their part of the work is done.
IS_SOLD = Q(state__in=SOLD) | Q(state="in_pool", sale__completed_date__isnull=False)
# Why a buyer may claim that an account should not have been sold; some have no window.
CLAIMS = {
    "deceased_before_cut_off": "The customer had died before the cut-off",
    "title": "The debt was not ours to sell",
    "fraud": "The debt was made by fraud",
    "insolvent": "The customer was insolvent",
    "dispute": "The debt was in dispute",
    "statute_barred": "The debt was out of time",
    "wrong_balance": "Less was owed than was sold",
    "no_documents": "The documents are not there",
    "duplicate": "The debt was sold twice",
    "minor": "The customer was under 18",
    "vulnerable": "The customer needed support",
    "moratorium": "A moratorium protected the debt",
}
# What then stops us as it stopped the buyer: the rule of the gate, until billing has noted it. Nobody is asked to pay.
STOPS = {
    "deceased_before_cut_off": "deceased",
    "fraud": "fraud_victim",
    "insolvent": "insolvent",
    "dispute": "dispute",
    "statute_barred": "out_of_time",
    "minor": "minor",
    "vulnerable": "vulnerable",
    "moratorium": "moratorium",
    **dict.fromkeys(("title", "wrong_balance", "no_documents", "duplicate"), "not_proved"),
}
NO_WINDOW = ("deceased_before_cut_off", "title", "fraud")
# Where the address comes from to which a notice is served again.
ADDRESS_SOURCES = {
    "customer": "The customer told us",
    "tracing": "A tracing agent found it",
    "buyer": "The buyer told us",
    "recovery_agency": "A recovery agency told us",
    "redirection": "The post office redirects there",
}
# What has to be shown of a buyer before its bid is preferred. Permission is asked for where credit is regulated.
DILIGENCE = {
    "has_permission": "It has the permission of the Financial Conduct Authority",
    "is_member": "It is a member of the Credit Services Association",
    "is_registered": "It is registered with the Information Commissioner",
    "has_few_complaints": "Its rate of complaints was looked at",
    "is_not_sanctioned": "It is on no list of sanctions",
}
LONGEST_WINDOW = 730
LONGEST_PASSING_ON = 20
# Working days, for sales that were agreed without a word about it.
PASSED_ON_WITHIN = 5
EVIDENCE_KINDS = CodeList(
    "sale_evidence",
    "Debt sales: kinds of document",
    (
        ("agreement", "Agreement"),
        ("due_diligence", "Papers about the buyer"),
        ("funds", "Proof of payment"),
        ("purchaser_letter", "Letter of the buyer"),
    ),
    is_open=True,
)
