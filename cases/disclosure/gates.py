"""May this authority have this item on this ground? Plain functions: no database, no clock.

Purposes are only looked for, never weighed: that is the authority's part (Investigatory Powers Act 2016 s.60A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases.disclosure.dataitems import ITEMS, OPENS, OVERRIDES, DataItem

__all__ = ["ACCEPTED", "OPENS", "OVERRIDES", "Asking", "Finding", "class_gate"]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks and on which ground; an empty kind of authority is not known. `allowed` are the items that counsel and
    an approver opened by hand."""

    gateway: str
    purpose: str = ""
    is_serious_crime: bool = False
    authority_kind: str = "police"
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What follows for one item: accept, clarify or refuse, with the code of the reason and a sentence."""

    outcome: str
    code: str = ""
    sentence: str = ""


ACCEPTED = Finding(outcome="accept")
_AUTHORISED = frozenset({"ipa_60a", "ipa_61", "ipa_61a"})


def _refuse(code: str, sentence: str) -> Finding:
    return Finding(outcome="refuse", code=code, sentence=sentence)


def asking_of(facts: Any) -> Asking:
    """Return who a request says that asks, on which ground and for what."""
    return Asking(
        gateway=facts.gateway,
        purpose=facts.purpose,
        is_serious_crime=facts.is_serious_crime,
        authority_kind=facts.authority_kind,
        allowed=frozenset(facts.allowed_items),
    )


def _clarify(sentence: str) -> Finding:
    return Finding(outcome="clarify", code="manifest_error", sentence=sentence)


def class_gate(code: str, asking: Asking) -> Finding:
    """Say whether an item may be given on what is asserted. Raises KeyError for an item not in the catalogue.

    Investigatory Powers Act 2016 ss.6, 11(3A), 60A and 62; DPA 2018 Sch 2 para 2 is an exemption, not a ground.
    """
    item = ITEMS[code]
    return _closed(item, asking) or _unclear(item, asking) or ACCEPTED


def _closed(item: DataItem, asking: Asking) -> Finding | None:
    if item.item_class == "never":
        return _refuse("no_gateway", f"{item.label} are never disclosed.")
    is_opened = item.opened_by in OPENS.get(asking.gateway, ())
    has_override = asking.gateway not in OVERRIDES or item.code in asking.allowed
    if item.item_class == "content" and not (is_opened and has_override):
        return _refuse(
            "content_requested",
            f"{item.label} is content: it needs lawful authority for stored communications, and legal counsel and an "
            "approver say so first.",
        )
    if not is_opened and item.opened_by == "communications_data":
        return _refuse(
            "no_gateway",
            f"{item.label}: this is communications data. The authority's single point of contact asks for it under an "
            "authorisation or an order.",
        )
    if not is_opened:
        return _refuse("no_gateway", f"{item.label}: this ground does not open it.")
    if not has_override:
        return _refuse("no_gateway", f"{item.label}: legal counsel and an approver say so first.")
    if item.is_barred_for_councils and asking.authority_kind == "council":
        return _refuse("no_gateway", f"{item.label}: a local authority may not have them (s.62).")
    return None


def _unclear(item: DataItem, asking: Asking) -> Finding | None:
    if item.is_barred_for_councils and not asking.authority_kind:
        return _clarify(f"{item.label}: say what kind of authority asks. A local authority may not have them (s.62).")
    if asking.gateway not in _AUTHORISED:
        return None
    if not asking.purpose:
        return _clarify("The request names no statutory purpose.")
    if item.item_class == "event" and asking.purpose == "crime_applicable" and not asking.is_serious_crime:
        return _clarify(f"{item.label}: for crime, the authority states that the crime is serious.")
    return None
