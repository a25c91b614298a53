"""Codes of the monthly file, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["ABOUT_PEOPLE", "EVIDENCE_KINDS", "FAULTS", "LOAN", "REJECTS", "ROLES", "TYPES"]

ROLES = (("customer", "Customer"),)
# Our own names: the agencies' layouts are members-only.
TYPES = {
    "mobile": "telecom_mobile",
    "broadband": "telecom_fixed",
    "landline": "telecom_fixed",
    "tv": "telecom_fixed",
}
LOAN = "handset_loan"
FAULTS = {
    "number_missing": ("core", "The account has no number."),
    "number_too_long": ("core", "The number of the account is longer than 20 characters."),
    "default_in_future": ("field", "The date of the default lies after the day of the file: left out."),
    "default_moved_later": ("field", "The default was told with an earlier date before: left out."),
    "default_without_notice": ("warn", "The default came with billing's feed, not from a case of ours."),
    "default_undecided": (
        "field",
        "Billing tells of a default that the agencies do not know and no case of ours decided: left out.",
    ),
    "default_under_way": (
        "field",
        "Its default is on its way to the agencies by itself, and may yet be taken back: left out.",
    ),
    "name_missing": ("field", "No name of a holder is known: left out."),
    "birth_missing": ("field", "No date of birth of a holder is known: left out."),
    "address_missing": ("field", "No address of a holder is known: left out."),
    "minor": ("field", "A holder is under 18: left out."),
    "over": ("field", "Its default is six years old, and what was owed then is not paid: it stays off the file."),
    "held": ("field", "A hold stops that it is told: left out."),
    "as_of_later": ("field", "Billing tells of it as of a later day than the file: left out."),
    "told_since": (
        "field",
        "The agencies were told of it by itself after it was taken: left out as the file left, so that this stands.",
    ),
    "unread": (
        "field",
        "An agency could not read its name or address and billing has told nothing new of them: left out.",
    ),
    "not_in_feed": ("warn", "Billing has told nothing of it in the month of the file."),
    "status_unknown": ("warn", "Billing does not say how many payments are behind."),
    "status_jumped": ("warn", "It got worse by more than one payment in a month."),
}
REJECTS = {
    "name_unreadable": "The name cannot be read",
    "address_unknown": "The address is not known",
    "status_not_allowed": "The status may not follow the one before",
    "other": "Another reason",
}
# What only a whole row puts right: who it is and where they live.
ABOUT_PEOPLE = frozenset({"name_unreadable", "address_unknown"})
EVIDENCE_KINDS = CodeList(
    "credit_file_evidence",
    "Monthly file: kinds of document",
    (("control_report", "Control report of billing"), ("agency_report", "Report of an agency")),
    is_open=True,
)
