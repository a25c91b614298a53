"""How the firm's own systems open a fraud referral: the body they send, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud import codes, opening
from cases.fraud.forms import FactsForm
from cases.fraud.party_forms import AddressForm, PartyForm
from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import faults_of
from cases.kernel.intake import FieldErrors

__all__ = ["INTAKE", "parse"]

_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}
_PENCE = {"type": "integer", "minimum": 0, "maximum": 99_999_999_999}
_FLAGS = ("is_facility_granted", "may_share_with_police", "prejudice_recorded")
_MONEY = ("value_at_risk_pence", "loss_pence", "savings_pence")
_FACTS = (
    "event_type",
    "attack",
    "fpa_case_type",
    "reasons",
    "product",
    "sales_channel",
    *_FLAGS,
    "application_date",
    "discovered_date",
    *_MONEY,
    "alert_code",
    "account_reference",
    "notice_version",
    "notice_shown_date",
    "narrative",
    "incident_reference",
)
_PERSON = (
    *("role", "is_innocent", "title", "forename", "middle_name", "surname", "alias", "date_of_birth", "phone", "email"),
    *("account_reference", "employer", "bank_account", "identity_document", "vehicle_registration", "device"),
    *("ip_address", "ip_port", "ip_seen_at"),
)
_TYPED = {"role", "is_innocent", "date_of_birth", "ip_port"}
_ADDRESS_LENGTHS = {"line_1": 120, "line_2": 120, "town": 60, "postcode": 10, "country": 60, "uprn": 12}

EXAMPLE = {
    "schema_version": 1,
    "incident_reference": "DET-88112",
    "fpa_case_type": "facility_takeover",
    "reasons": ["unauth_sim_swap"],
    "product": "mob_paym",
    "sales_channel": "phone",
    "discovered_date": "2026-11-14",
    "value_at_risk_pence": 109900,
    "loss_pence": 0,
    "account_reference": "NM-4471",
    "notice_version": "2026-02",
    "notice_shown_date": "2026-03-02",
    "narrative": "SIM swapped and a handset ordered to another address.",
    "subjects": [
        {
            "role": "victim_of_takeover",
            "is_innocent": True,
            "forename": "Morwenna",
            "surname": "Tregaskis",
            "date_of_birth": "1984-03-09",
            "phone": "+447700900123",
            "addresses": [{"kind": "current", "line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}],
        }
    ],
}


def schema() -> dict[str, Any]:
    """Return the shape of a body, with the codes that stand in the lists now."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "product", "sales_channel", "discovered_date"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "incident_reference": {**_TEXT, "maxLength": 64},
            "event_type": {**_TEXT, "enum": [code for code, _ in codes.EVENT_TYPES if code]},
            "attack": {**_TEXT, "enum": [code for code, _ in codes.ATTACKS]},
            "fpa_case_type": {**_TEXT, "enum": [code for code, _ in codes.CASE_TYPES]},
            "reasons": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {**_TEXT, "enum": list(codes.all_reasons())},
            },
            "product": {**_TEXT, "enum": [code for code, _ in codes.PRODUCTS]},
            "sales_channel": {**_TEXT, "enum": [code for code, _ in codes.SALES_CHANNELS]},
            **{name: {"type": "boolean"} for name in _FLAGS},
            "application_date": _DAY,
            "discovered_date": _DAY,
            **dict.fromkeys(_MONEY, _PENCE),
            "alert_code": {**_TEXT, "enum": [code for code, _ in codes.ALERT_CODES]},
            "account_reference": {**_TEXT, "maxLength": 40},
            "notice_version": {**_TEXT, "maxLength": 20},
            "notice_shown_date": _DAY,
            "narrative": {**_TEXT, "maxLength": 8000},
            "subjects": {
                "type": "array",
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["role"],
                    "properties": {
                        "role": {**_TEXT, "enum": [code for code, _ in codes.ROLES]},
                        "is_innocent": {"type": "boolean"},
                        **{name: _TEXT for name in _PERSON if name not in _TYPED},
                        "ip_port": {"type": "integer", "minimum": 0, "maximum": 65535},
                        "date_of_birth": _DAY,
                        "addresses": {
                            "type": "array",
                            "maxItems": 20,
                            "items": {
                                "type": "object",
                                "minProperties": 1,
                                "additionalProperties": False,
                                "properties": {
                                    "kind": {**_TEXT, "enum": [code for code, _ in codes.ADDRESS_KINDS]},
                                    "since": _DAY,
                                    "until": _DAY,
                                    **{name: {**_TEXT, "maxLength": most} for name, most in _ADDRESS_LENGTHS.items()},
                                },
                            },
                        },
                    },
                },
            },
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    typed = {name: data[name] for name in _FACTS if name in data and not name.endswith("_pence")}
    form = FactsForm(typed)
    errors = faults_of(form)
    people = []
    for position, subject in enumerate(data.get("subjects", [])):
        person_form = PartyForm({name: subject[name] for name in _PERSON if name in subject})
        faults = faults_of(person_form, f"/subjects/{position}")
        errors += faults
        if not faults:
            person = person_form.person()
            person["addresses"] = _addresses(subject, f"/subjects/{position}", errors)
            people.append(person)
    if not data.get("subjects") and not opening.is_about(data):
        errors.append(("/subjects", "required", "Name at least one person or an account."))
    if errors:
        raise FieldErrors(errors)
    amounts = {name: int(data.get(name, 0)) for name in _MONEY}
    return {**form.cleaned_data, **amounts}, people


def _addresses(subject: Mapping[str, Any], prefix: str, errors: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    """Return the addresses in the form they are kept in; what is wrong with one is added to `errors`."""
    places = []
    for position, address in enumerate(subject.get("addresses", [])):
        form = AddressForm({"kind": "current", **address})
        faults = faults_of(form, f"{prefix}/addresses/{position}")
        errors += faults
        places += [] if faults else [form.place()]
    return places


INTAKE = Intake(
    path="fraud-referrals",
    senders=frozenset({"own-orders", "own-detection"}),
    parse=parse,
    example=EXAMPLE,
    schema=schema,
)
