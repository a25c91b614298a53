"""Where what is known of a person comes from: the list of the notice's sources, UK GDPR Art 14(2)(f) and 15(1)(g).

Each person of a case keeps one code of it, and each address where it came from elsewhere. Whoever wants to name a data
broker adds a code: the list is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cases.kernel.office.codelists import CodeList

__all__ = ["ASKED", "GOES_NO_FURTHER", "SOURCES", "told", "unless_said"]

SOURCES = CodeList(
    "data_source",
    "People: where what is known of them comes from",
    (
        ("person", "The person"),
        ("staff", "Our own people"),
        ("api", "A system or form of ours"),
        ("billing", "Our billing system"),
        ("third_party", "Somebody else who told us"),
        ("agency", "A credit reference, fraud prevention or other agency"),
        ("partner", "A partner, such as a bank or another provider"),
        ("authority", "A public authority"),
        ("electoral_roll", "The electoral roll"),
        ("directory", "A business directory"),
        ("public_record", "Another public source"),
        ("data_broker", "A data broker"),
        ("demographic", "Demographic data of another organisation"),
    ),
    is_open=True,
)
# What a form asks of it.
ASKED: Mapping[str, Any] = MappingProxyType(
    {"label": "Where this comes from", "required": False, "help_text": "Empty: our own people took it down."}
)
# What such a source told us is for our own decision and goes to nobody else in our interest (Principles of Reciprocity,
# and the rules of fraud prevention agencies); what the law asks for, or puts right, still leaves.
GOES_NO_FURTHER = frozenset({"agency"})
# Who acts, and what they know a person from unless it is said. What one of our own systems hands in is its own.
_OF_ACTORS = {
    "own_system": "api",
    **dict.fromkeys(("bank", "provider", "partner", "group_company"), "partner"),
    **dict.fromkeys(("lea", "police_report", "oversight", "regulator", "emergency", "insolvency", "fiu"), "authority"),
}


def unless_said(actor_kind: str, agency_kind: str) -> str:
    """Return the code of what comes from whoever acts, where nobody says more."""
    return _OF_ACTORS.get(agency_kind, "agency") if actor_kind == "agency" else "staff"


def told(code: str) -> str:
    """Return the words for a source; a code that is in no list is told as it is kept."""
    return SOURCES.labels().get(code, code)
