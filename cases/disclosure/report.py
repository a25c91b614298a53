"""What the case page and the audit report say about a disclosure request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.disclosure import codes, guards
from cases.disclosure.dataitems import ITEMS, label
from cases.disclosure.models import AuthorityContact, DisclosureRequest
from cases.kernel import notice
from cases.kernel.casetypes import Check
from cases.kernel.models import Agency, Case

__all__ = ["ITEM_LABELS", "amount", "checks", "context", "facts_view", "moment", "topic", "topic_label"]

_TYPES, _PURPOSES, _REFUSALS = dict(codes.TYPES), dict(codes.PURPOSES), dict(codes.REFUSALS)
ITEM_LABELS = {code: item.label for code, item in ITEMS.items()}
_GRADES, _KINDS, _CAME_BY = dict(codes.GRADES), dict(codes.AUTHORITY_KINDS), dict(codes.CAME_BY)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("request_type") or "cd_authorised")


def topic_label(code: str) -> str:
    text = _TYPES.get(code, code)
    return f"Disclosure: {text[:1].lower()}{text[1:]}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def moment(at: datetime | None) -> str:
    """Return a moment of a request in UTC, and say so: an hour's mistake names the wrong person."""
    return f"{at.astimezone(UTC):%-d %B %Y %H:%M} UTC" if at else ""


def _names(items: list[str]) -> str:
    return ", ".join(label(item) for item in items)


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. Two queries, for the authority's name and its desk."""
    facts = case.disclosure_request
    if facts.request_type == codes.INTERCEPTION:
        return [("What came", _TYPES[facts.request_type])]
    name = Agency.objects.filter(code=facts.authority_code).values_list("display_name", flat=True).first()
    gateway = notice.GATEWAYS.get(facts.gateway)
    rows = [
        ("What came", _TYPES.get(facts.request_type, facts.request_type)),
        ("Authority", name or facts.authority_code or "Not said"),
        ("Kind of authority", _KINDS.get(facts.authority_kind, "Not said")),
        ("Came by", _CAME_BY.get(facts.came_by, "Not said")),
        ("Grade", _GRADES[str(facts.grade)]),
        ("Ground that is asserted", gateway.label if gateway else "Not said"),
        ("Statutory purpose", _purpose(facts)),
        ("Granted or ordered on", f"{facts.granted_date:%-d %B %Y}" if facts.granted_date else "Not said"),
        ("Asked for", _names(facts.items) or "Nothing yet"),
        ("Period", " to ".join(filter(None, (moment(facts.begins_at), moment(facts.ends_at)))) or "None"),
        ("May the customer be told", "Yes, the authority says so" if facts.may_tell_subject else "No"),
    ]
    return [*rows, *_flags(facts), *_desk(facts), *_decided(facts)]


def _desk(facts: DisclosureRequest) -> list[tuple[str, str]]:
    """Return which desk was verified, in words. One query, where there is one."""
    if not facts.contact_code:
        return []
    found = AuthorityContact.objects.filter(agency__code=facts.authority_code, code=facts.contact_code).first()
    named = ", ".join(filter(None, (found.desk, found.accreditation))) if found else facts.contact_code
    return [("Verified with", named)]


def _purpose(facts: DisclosureRequest) -> str:
    text = _PURPOSES.get(facts.purpose, "Not said")
    return f"{text}, said to be serious" if facts.is_serious_crime else text


def _flags(facts: DisclosureRequest) -> list[tuple[str, str]]:
    said = (
        ("Says that we must comply", facts.is_compliance_required),
        ("About a sensitive profession", facts.has_sensitive_profession),
        ("A person may be at risk", facts.is_person_at_risk),
        ("Costs are agreed", facts.are_costs_agreed),
    )
    return [(name, "Yes") for name, is_so in said if is_so]


def _decided(facts: DisclosureRequest) -> list[tuple[str, str]]:
    moments = (
        ("Called back", facts.called_back_at),
        ("Asked for by word of mouth", facts.oral_given_at),
        ("Put in writing", facts.written_at),
        ("Released", facts.released_at),
        ("Received by them", facts.receipted_at),
        ("Cancelled by them", facts.cancelled_at),
        ("Our copy destroyed", facts.purged_at),
    )
    rows = [(name, moment(at)) for name, at in moments if at]
    rows += [
        (f"Refused: {label(item)}", _REFUSALS.get(code, code)) for item, code in sorted(facts.refused_items.items())
    ]
    rows += [("Opened by hand", _names(facts.allowed_items))] if facts.allowed_items else []
    return rows + ([("Refused because", _REFUSALS[facts.refusal_code])] if facts.refusal_code else [])


def checks(case: Case) -> list[Check]:
    """Return how the request stands against the rules, item by item. Uses what the page has fetched already."""
    facts = case.disclosure_request
    if facts.request_type == codes.INTERCEPTION:
        return [Check(label="Nothing else is recorded", is_clear=True)]
    gate = [
        Check(label=label(item), is_clear=found.outcome == "accept", detail=found.sentence)
        for item, found in guards.findings(facts).items()
    ]
    return [
        Check(
            label="Who asks was verified",
            is_clear=bool(facts.contact_code),
            detail="" if facts.contact_code else "Nothing is accepted before",
        ),
        *gate,
        _original(case, facts),
        Check(label="The customer learns nothing", is_clear=True, detail="No letter and no notice is ever sent"),
    ]


def _original(case: Case, facts: DisclosureRequest) -> Check:
    is_attached, needs_none = bool(list(case.evidence.all())), guards.comes_without_original(facts)
    detail = "It came with no document of its own" if needs_none and not is_attached else ""
    return Check(label="What came is attached", is_clear=is_attached or needs_none, detail=detail)


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
