"""Codes of an emergency disclosure, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["CALLER", "EVIDENCE_KINDS", "MORE_REFUSALS", "PAST_HOUR", "REFUSALS", "RISKS", "ROLES", "ROUTES", "SOURCES"]

RISKS = (
    ("life_now", "Life in danger now"),
    ("serious_injury", "Serious injury"),
    ("vulnerable_missing", "Vulnerable person missing"),
    ("child", "Child at risk"),
)
SOURCES = (
    ("installation", "Address of the line"),
    ("cell", "Mobile cell"),
    ("aml", "Sent by the handset (AML)"),
    ("network", "Network measurement"),
)
PAST_HOUR = "past_hour"
REFUSALS = (
    (PAST_HOUR, "The call ended more than an hour ago"),
    ("more_than_needed", "More than the emergency needs"),
    ("not_the_caller", "Not about whoever called"),
    ("unverified_requester", "The control room could not be called back"),
    ("not_our_subscriber", "Not our subscriber: the provider is named"),
    ("no_data_held", "Nothing of it is held"),
)
# Once something was given or refused, only these two are left to say no to.
MORE_REFUSALS = tuple(row for row in REFUSALS if row[0] in {PAST_HOUR, "more_than_needed"})
_URGENT = "Ask by the urgent route: your single point of contact, grade 1."
ROUTES = {
    PAST_HOUR: _URGENT,
    "more_than_needed": _URGENT,
    "not_the_caller": _URGENT,
    "unverified_requester": "Call back on the number of the directory, or ask your single point of contact, grade 1.",
    "not_our_subscriber": "Ask the provider that was named.",
    "no_data_held": _URGENT,
}

CALLER = "caller"
ROLES = ((CALLER, "Caller"),)

EVIDENCE_KINDS = CodeList(
    "emergency_evidence",
    "Emergency disclosures: kinds of document",
    (
        ("sheet", "Fallback sheet"),
        ("control_room_log", "Confirmation by the control room"),
    ),
    is_open=True,
)
