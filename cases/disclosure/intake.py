"""How an authority's own system hands in a request: the body it sends, checked field by field. Who asks is whoever
signed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.disclosure import codes, dataitems, opening
from cases.disclosure.forms import PartyForm, PortalForm
from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import faults_of
from cases.kernel.intake import FieldErrors

__all__ = ["INTAKE", "by_sender", "parse"]

_TEXT = {"type": "string"}
_FLAGS = (
    *("is_serious_crime", "is_compliance_required", "has_sensitive_profession", "is_person_at_risk"),
    *("may_tell_subject", "are_costs_agreed"),
)
_LENGTHS = {"urn": 64, "asked_by": 200, "authoriser": 200, "particulars": 4000}
_MOMENTS = ("begins_at", "ends_at")
_DAYS = ("granted_date", "order_until")
_ABOUT = {
    **{"phone": 24, "email": 120, "device": 600, "ip_address": 45, "ip_seen_at": 32},
    **{"forename": 80, "surname": 80, "account_reference": 40},
}
EXAMPLE = {
    "schema_version": 1,
    "request_type": "cd_authorised",
    "authority_kind": "police",
    "urn": "SBX/2026/118834",
    "grade": 3,
    "gateway": "ipa_60a",
    "purpose": "crime_applicable",
    "is_serious_crime": True,
    "granted_date": "2026-11-30",
    "items": ["subscriber_name", "outgoing_calls"],
    "begins_at": "2026-11-01T00:00Z",
    "ends_at": "2026-11-14T23:59Z",
    "asked_by": "DC R. Hallworth",
    "authoriser": "Office of the Commissioner",
    "is_compliance_required": True,
    "about": [{"phone": "+447700900789"}],
}


def _codes(pairs: Any) -> dict[str, Any]:
    return {**_TEXT, "enum": [code for code, _ in pairs]}


def schema() -> dict[str, Any]:
    """Return the shape of a body."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "request_type", "authority_kind", "urn", "grade", "gateway", "items"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "request_type": _codes(each for each in codes.TYPES if each[0] != codes.INTERCEPTION),
            "authority_kind": _codes(codes.AUTHORITY_KINDS),
            "grade": {"type": "integer", "minimum": 1, "maximum": 3},
            "gateway": {**_TEXT, "enum": sorted({*dataitems.OPENS, "dpa18_sch2_p2", "dpa18_sch2_p5"})},
            "purpose": _codes(codes.PURPOSES),
            "items": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {**_TEXT, "enum": list(dataitems.ITEMS)},
            },
            **{name: {"type": "boolean"} for name in _FLAGS},
            **{name: {**_TEXT, "maxLength": most} for name, most in _LENGTHS.items()},
            **{name: {**_TEXT, "maxLength": 32} for name in _MOMENTS},
            **{name: {**_TEXT, "format": "date"} for name in _DAYS},
            "about": {
                "type": "array",
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {
                        **{name: {**_TEXT, "maxLength": most} for name, most in _ABOUT.items()},
                        "ip_port": {"type": "integer", "minimum": 0, "maximum": 65535},
                    },
                },
            },
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = PortalForm({name: value for name, value in data.items() if name not in {"schema_version", "about"}})
    errors = faults_of(form)
    people = []
    for position, about in enumerate(data.get("about", [])):
        person = PartyForm({"role": "target", **about})
        faults = faults_of(person, f"/about/{position}")
        errors += faults
        people += [] if faults else [person.person()]
    if not people and not data.get("particulars"):
        errors.append(("/about", "required", "Say what the request is about."))
    if errors:
        raise FieldErrors(errors)
    return dict(form.cleaned_data), people


def by_sender(facts: dict[str, Any], agency_code: str) -> dict[str, Any]:
    """Say who asks, as the signature proves it; their number is noticed if it comes again."""
    return {
        **facts,
        "authority_code": agency_code,
        "came_by": codes.PORTAL,
        "urn_token": opening.urn_token(agency_code, str(facts["urn"])),
    }


INTAKE = Intake(
    path="disclosure-requests",
    senders=frozenset(),
    sender_kinds=frozenset({"lea"}),
    parse=parse,
    by_sender=by_sender,
    example=EXAMPLE,
    schema=schema,
)
