"""Codes of a financial association, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = [
    "AGREEMENTS",
    "ASKS_BREAK",
    "BASES",
    "CHANNELS",
    "DECLARER",
    "DENIES",
    "EVIDENCE_KINDS",
    "EXPOSURES",
    "IDENTITY_CHECKS",
    "LINK_STATES",
    "OTHER",
    "REMOVAL_REASONS",
    "ROLES",
    "STATEMENTS",
]

DECLARER, OTHER = "declarer", "other_person"
ROLES = ((DECLARER, "Declared it"), (OTHER, "Other person"))
BASES = (
    ("joint_account", "Joint account"),
    ("joint_application", "Joint application"),
    ("declared_marriage_cp", "Declared: married or civil partners"),
    ("declared_other", "Declared: another financial tie"),
    ("joint_judgment", "Joint judgment"),
    ("cra_reported", "Reported by a credit reference agency"),
)
CHANNELS = (("web", "Website"), ("phone", "Telephone"), ("store", "Shop"), ("post", "Post"), ("email", "E-mail"))
AGREEMENTS = (
    ("signed_form", "Signed form"),
    ("recorded_call", "Recorded call with them"),
    ("joint_application", "Joint application signed by both"),
    ("own_account", "Given in their own account with us"),
    ("declared_only", "Only said by whoever declared it"),
)
DECLARES, AGREES, DENIES, ASKS_BREAK = "declares", "agrees", "denies", "asks_break"
STATEMENTS = (
    (DECLARES, "Declares the link"),
    (AGREES, "Agrees to it"),
    (DENIES, "Denies ever agreeing"),
    (ASKS_BREAK, "Asks to break it"),
)
IDENTITY_CHECKS = (
    ("security_questions", "Security questions"),
    ("signed_in", "Signed in to their account"),
    ("document", "Identity document seen"),
    ("authority_form", "Representative with a signed authority"),
)
EXPOSURES = (
    ("none", "Nothing joint is open with us or another brand"),
    ("joint_account", "A joint account is open with us"),
    ("joint_loan", "A joint loan or credit agreement is open with us"),
    ("other_brand", "A joint account is open with another brand of the group"),
)
NO_EXPOSURE = "none"
REMOVAL_REASONS = (
    ("never_agreed", "The other person never agreed"),
    ("wrong_person", "It was linked to a wrong person"),
)

# How the link stands at one agency.
LINK_STATES = {
    "told": "Told, no answer yet",
    "recorded": "Holds the link",
    "refused": "Refused to record it",
    "taken_back": "Never told: taken back before it left",
    "asked": "Told the person how to ask; result not known yet",
    "broken": "Broken",
    "kept": "Refused to break it",
    "no_reply": "No reply",
    "removing": "Asked to remove it",
    "removed": "Removed",
    "removal_refused": "Refused to remove it",
    "unanswered": "No answer about the removal; a person recorded why",
}

EVIDENCE_KINDS = CodeList(
    "association_evidence",
    "Financial associations: kinds of document",
    (
        ("agreement", "Agreement of the other person"),
        ("declaration", "Declaration"),
        ("denial", "Denial by the other person"),
        ("identity", "Identity check"),
        ("agency_letter", "Letter of an agency"),
    ),
    is_open=True,
)
