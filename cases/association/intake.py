"""How the order system hands in a declaration: the body it sends, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.association import codes
from cases.association.forms import FactsForm, PartyForm
from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import IN_ADDRESS, faults_of
from cases.kernel.intake import FieldErrors

__all__ = ["INTAKE", "parse"]

_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}
_LENGTHS = {"title": 20, "forename": 80, "middle_name": 80, "surname": 80, "phone": 24, "email": 120} | {
    "account_reference": 40
}
_PLACE = {"line_1": 120, "line_2": 120, "town": 60, "postcode": 10, "country": 60}
EXAMPLE = {
    "schema_version": 1,
    "basis": "declared_marriage_cp",
    "channel": "web",
    "declared_at": "2025-12-01T09:40:00Z",
    "has_agreement": True,
    "agreement_kind": "own_account",
    "agreed_date": "2025-12-01",
    "may_write_to_other": False,
    "declaration": "We are civil partners.",
    "people": [
        {
            "role": "declarer",
            "forename": "Leocadia",
            "surname": "Brathwaite",
            "date_of_birth": "1979-02-11",
            "address": {"line_1": "3 Lantern Court", "town": "Leeds", "postcode": "LS1 0ZZ"},
        },
        {"role": "other_person", "forename": "Ottilie", "surname": "Snape", "date_of_birth": "1981-06-30"},
    ],
}


def _codes(pairs: Any) -> dict[str, Any]:
    return {**_TEXT, "enum": [code for code, _ in pairs]}


def schema() -> dict[str, Any]:
    """Return the shape of a body."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "basis", "channel", "has_agreement", "agreement_kind", "people"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "basis": _codes(codes.BASES),
            "channel": _codes(codes.CHANNELS),
            "declared_at": {**_TEXT, "maxLength": 32},
            "has_agreement": {"type": "boolean", "enum": [True]},
            "agreement_kind": _codes(codes.AGREEMENTS),
            "agreed_date": _DAY,
            "may_write_to_other": {"type": "boolean"},
            "declaration": {**_TEXT, "maxLength": 4000},
            "account_reference": {**_TEXT, "maxLength": 40},
            "people": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["role", "surname"],
                    "properties": {
                        "role": _codes(codes.ROLES),
                        "date_of_birth": _DAY,
                        **{name: {**_TEXT, "maxLength": most} for name, most in _LENGTHS.items()},
                        "address": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {name: {**_TEXT, "maxLength": most} for name, most in _PLACE.items()},
                        },
                    },
                },
            },
        },
    }


_EARLIEST = 2000  # as the form: no declaration is older


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = FactsForm({name: value for name, value in data.items() if name not in {"schema_version", "people"}})
    errors = faults_of(form)
    declared_at = _moment(data.get("declared_at"), errors)
    people = []
    for position, said in enumerate(data["people"]):
        person = PartyForm({**{name: value for name, value in said.items() if name != "address"}, **_place(said)})
        faults = faults_of(person, f"/people/{position}", told_as=IN_ADDRESS)
        errors += faults
        people += [] if faults else [person.person()]
    if {said["role"] for said in data["people"]} != {code for code, _ in codes.ROLES}:
        errors.append(("/people", "invalid", "Name one person on each side of the link."))
    if errors:
        raise FieldErrors(errors)
    return {**form.cleaned_data, "declared_at": declared_at}, people


def _place(said: Mapping[str, Any]) -> dict[str, Any]:
    return dict(said.get("address") or {})


def _moment(text: Any, errors: list[tuple[str, str, str]]) -> datetime | None:
    """Return when it was declared; a time without its offset names none."""
    if not text:
        return None
    moment = None
    try:
        said = datetime.fromisoformat(str(text))
        moment = said.astimezone(UTC) if said.tzinfo else None
    except (ValueError, OverflowError):
        pass
    if moment is None or moment.year < _EARLIEST:
        errors.append(("/declared_at", "invalid", "Write the time with its offset: 2026-12-01T09:40:00Z."))
        return None
    return moment


INTAKE = Intake(
    path="associations",
    senders=frozenset({"own-orders"}),
    parse=parse,
    example=EXAMPLE,
    schema=schema,
)
