"""What own systems may send to open a rights request: the website's form, and whoever sends our messages for a STOP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import faults_of
from cases.kernel.intake import FieldErrors
from cases.rights import codes
from cases.rights.forms import FactsForm, PartyForm

__all__ = ["INTAKE", "PERSON", "moment", "people_of"]

_TEXT = {"type": "string", "minLength": 1, "maxLength": 4000}
_DAY = {"type": "string", "format": "date"}
_MOMENT = {"type": "string", "format": "date-time"}
_EARLIEST = 2018  # the year of the UK GDPR: no request of it is older
_LENGTHS = {
    "title": 20,
    "forename": 80,
    "surname": 80,
    "phone": 24,
    "email": 120,
    "account_reference": 40,
    "line_1": 120,
    "line_2": 120,
    "town": 60,
    "postcode": 10,
    "country": 60,
}
PERSON: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        **{name: {**_TEXT, "maxLength": most} for name, most in _LENGTHS.items()},
        "date_of_birth": _DAY,
    },
}
EXAMPLE = {
    "schema_version": 1,
    "right": "stop_marketing",
    "came_by": "text_message",
    "received_at": "2026-11-26T18:02:00Z",
    "person": {
        "forename": "Bartholomew",
        "surname": "Quince",
        "phone": "+447700900654",
        "email": "b.quince@example.org",
        "line_1": "3 Orchard Steps",
        "town": "Norwich",
        "postcode": "NR2 0ZZ",
    },
}


def _enum(pairs: Any) -> dict[str, Any]:
    return {**_TEXT, "enum": [code for code, _ in pairs]}


def schema() -> dict[str, Any]:
    """Return the shape of a body, with the codes that stand in the lists now."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "right", "came_by", "person"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "right": _enum(codes.RIGHTS),
            "came_by": _enum(codes.CAME_BY),
            "received_at": _MOMENT,
            "channels": {
                "type": "array",
                "maxItems": len(codes.CHANNELS),
                "uniqueItems": True,
                "items": _enum(codes.CHANNELS),
            },
            "purposes": {
                "type": "array",
                "maxItems": len(codes.PURPOSES),
                "uniqueItems": True,
                "items": _enum(codes.PURPOSES),
            },
            "wording_version": {**_TEXT, "maxLength": 20},
            "wording": _TEXT,
            "person": PERSON,
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    kept_apart = {"schema_version", "received_at", "person"}
    form = FactsForm({name: value for name, value in data.items() if name not in kept_apart})
    errors = faults_of(form)
    received_at = moment(data, errors)
    people = people_of(data, errors)
    if errors:
        raise FieldErrors(errors)
    return {**form.cleaned_data, "received_at": received_at}, people


def moment(data: Mapping[str, Any], errors: list[tuple[str, str, str]]) -> datetime | None:
    """Return when it was received, with its offset; a moment without one is a fault, added to `errors`."""
    text = data.get("received_at")
    if text is None:
        return None
    found = None
    try:
        said = datetime.fromisoformat(str(text))
        found = said.astimezone(UTC) if said.tzinfo else None
    except (ValueError, OverflowError):
        pass
    if found is None or found.year < _EARLIEST:
        errors.append(("/received_at", "invalid", "Write the moment with its offset: 2026-11-26T18:02:00Z."))
        return None
    return found


def people_of(data: Mapping[str, Any], errors: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Return the person of a body in the shape opening takes; what is wrong is added to `errors`."""
    form = PartyForm({"role": "person", **data["person"]})
    faults = faults_of(form, "/person")
    errors += faults
    return [] if faults else [form.person()]


INTAKE = Intake(
    path="rights-requests",
    senders=frozenset({"own-website", "own-messaging"}),
    parse=parse,
    example=EXAMPLE,
    schema=schema,
)
