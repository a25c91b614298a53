"""How the order system asks for a check: the body it sends, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.credit import codes
from cases.credit.forms import FactsForm, PartyForm
from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import IN_ADDRESS, faults_of
from cases.kernel.intake import FieldErrors

__all__ = ["INTAKE", "STATUS", "parse", "schema", "schema_of_person"]

_TEXT = {"type": "string", "minLength": 1}
_ID = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$"}
_MONEY = ("monthly_pence", "handset_pence")
_PENCE = {"type": "integer", "minimum": 0, "maximum": 10_000_000}
_LENGTHS = {"title": 20, "forename": 80, "middle_name": 80, "surname": 80, "phone": 24, "email": 120}
_PLACE = {"line_1": 120, "line_2": 120, "town": 60, "postcode": 10, "country": 60}
EXAMPLE = {
    "schema_version": 1,
    "application_id": "ORD-2026-118204",
    "occasion": "new",
    "channel": "web",
    "product": "handset_contract",
    "monthly_pence": 4500,
    "notice_version": "2026-02",
    "people": [
        {
            "role": "applicant",
            "forename": "Idris",
            "surname": "Fenwick-Okafor",
            "date_of_birth": "1991-07-30",
            "phone": "+447700900456",
            "address": {"line_1": "5 Cobbler's Yard", "town": "Norwich", "postcode": "NR2 0ZZ"},
        }
    ],
}
STATUS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "application_id"],
    "properties": {"schema_version": {"type": "integer", "enum": [1]}, "application_id": _ID},
}


def _enum(pairs: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [code for code, _ in pairs]}


def schema_of_person(**more: Any) -> dict[str, Any]:
    """Return the shape of one person; everything in `more` has to be said too."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["surname", *more],
        "properties": {
            **more,
            "date_of_birth": {"type": "string", "format": "date"},
            **{name: {**_TEXT, "maxLength": most} for name, most in _LENGTHS.items()},
            "address": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {**_TEXT, "maxLength": most} for name, most in _PLACE.items()},
            },
        },
    }


def schema() -> dict[str, Any]:
    """Return the shape of a body."""
    person = schema_of_person(role=_enum(codes.ROLES))
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "application_id", "occasion", "channel", "product", "notice_version", "people"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "application_id": _ID,
            "occasion": _enum(codes.OCCASIONS),
            "channel": _enum(codes.CHANNELS),
            "product": {**_TEXT, "maxLength": 40},
            "monthly_pence": _PENCE,
            "handset_pence": _PENCE,
            "basis": _enum(codes.BASES),
            "has_special_category": {"type": "boolean"},
            "notice_version": {**_TEXT, "maxLength": 20},
            "people": {"type": "array", "minItems": 1, "maxItems": 2, "items": person},
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = FactsForm({name: value for name, value in data.items() if name not in {"schema_version", "people", *_MONEY}})
    errors = faults_of(form)
    people = []
    for position, said in enumerate(data["people"]):
        place = dict(said.get("address") or {})
        person = PartyForm({**{name: value for name, value in said.items() if name != "address"}, **place})
        faults = faults_of(person, f"/people/{position}", told_as=IN_ADDRESS)
        errors += faults
        people += [] if faults else [person.person()]
    if errors:
        raise FieldErrors(errors)
    return {**form.cleaned_data, **{name: int(data.get(name, 0)) for name in _MONEY}}, people


_KNOWN: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "reference": {"type": "string"},
    "state": {"type": "string"},
}
_SAID = {"id": "8d3c9a52-0c39-4a1b-8a63-2c1f0a7b9c55", "reference": "CHK-2026-000018"}
_DECIDED = {
    **_KNOWN,
    "outcome": _enum(codes.OUTCOMES),
    "automated": {"type": "boolean"},
    "decided_at": {"type": "string", "format": "date-time"},
}
_LATER = {**_KNOWN, "status_address": {"type": "string"}}


def _shape(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": dict(properties),
    }


ANSWERS: dict[str, dict[str, Any]] = {
    "200": {
        "description": "Decided.",
        "schema": _shape(_DECIDED),
        "example": {
            **_SAID,
            "state": "decided",
            "outcome": "decline",
            "automated": True,
            "decided_at": "2026-11-26T09:14:06Z",
        },
    },
    "202": {
        "description": "Kept; not decided within eight seconds. Ask again at the status address.",
        "schema": _shape(_LATER),
        "example": {**_SAID, "state": "referred", "status_address": "/api/v1/intake/checks/status"},
    },
}
INTAKE = Intake(
    path="checks",
    senders=frozenset({"own-orders"}),
    parse=parse,
    example=EXAMPLE,
    schema=schema,
    answers=ANSWERS,
)
