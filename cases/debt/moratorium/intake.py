"""What the register sends when a moratorium begins: its shape, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cases.debt.moratorium import codes
from cases.debt.moratorium.forms import MOST_DEBTS, FactsForm, PartyForm
from cases.kernel.casetypes import Intake
from cases.kernel.finding import terms
from cases.kernel.forms.plainforms import IN_ADDRESS, faults_of
from cases.kernel.intake import FieldErrors

__all__ = ["INTAKE"]

_TEXT = {"type": "string", "minLength": 1}
_DAY = {"type": "string", "format": "date"}
_LENGTHS = {"title": 20, "forename": 80, "surname": 80, "phone": 24, "email": 120}
_PLACE = {"line_1": 120, "line_2": 120, "town": 60, "postcode": 10, "country": 60}
EXAMPLE = {
    "schema_version": 1,
    "regime": "breathing_space",
    "register_reference": "BSS-2026-0093157",
    "start_date": "2026-11-25",
    "debtor": {
        "forename": "Cerys",
        "surname": "Oyelaran-Pugh",
        "date_of_birth": "1988-04-17",
        "address": {"line_1": "4 Example Terrace", "town": "Swansea", "postcode": "SA1 0ZZ"},
    },
    "debts": [{"account_reference": "8002223334", "amount_pence": 31246}],
    "adviser": {
        "surname": "Swansea Debt Advice",
        "email": "moratoria@example.org",
        "address": {"line_1": "1 Example Street", "town": "Swansea", "postcode": "SA1 0ZZ"},
    },
}


def _person(*needed: str, **more: Any) -> dict[str, Any]:
    place = {name: {**_TEXT, "maxLength": most} for name, most in _PLACE.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["surname", *needed],
        "properties": {
            **more,
            **{name: {**_TEXT, "maxLength": most} for name, most in _LENGTHS.items()},
            "address": {"type": "object", "additionalProperties": False, "properties": place},
        },
    }


def schema() -> dict[str, Any]:
    """Return the shape of a body. An address that the register withholds is left out, and said to be withheld."""
    debt = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "account_reference": {**_TEXT, "maxLength": 40},
            "amount_pence": {"type": "integer", "minimum": 0, "maximum": 10**12},
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "regime", "register_reference", "start_date", "debtor", "debts"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "regime": {"type": "string", "enum": [code for code, _ in codes.REGIMES]},
            "register_reference": {**_TEXT, "maxLength": 40, "pattern": "[A-Za-z0-9]"},
            "start_date": _DAY,
            "is_address_withheld": {"type": "boolean"},
            "debtor": _person(date_of_birth=_DAY),
            "debts": {"type": "array", "maxItems": MOST_DEBTS, "items": debt},
            "adviser": _person(),
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    named = _named(data["debts"])
    form = FactsForm(
        {
            **{name: data.get(name) for name in _FACTS},
            "accounts": "\n".join(each for each, _ in named.values()),
            "notice": "as it came",
        }
    )
    errors = faults_of(form, told_as=_TOLD_AS)
    people = []
    for role in ("debtor", "adviser"):
        if role not in data:
            continue
        said = dict(data[role])
        person = PartyForm({"role": role, **dict(said.pop("address", None) or {}), **said})
        faults = faults_of(person, f"/{role}", told_as=IN_ADDRESS)
        errors += faults
        people += [] if faults else [person.person()]
    if errors:
        raise FieldErrors(errors)
    facts = form.cleaned_data
    for debt in facts["debts"]:
        _, debt["amount_pence"] = named[terms.account(debt["account_reference"])]
    return facts, people


def _named(debts: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, int | None]]:
    """Return each account number that is named, on one line, and the amount, by what it is compared as. Of one that is
    named twice, in two spellings, the first amount counts."""
    found: dict[str, tuple[str, int | None]] = {}
    for debt in debts:
        number = " ".join(str(debt.get("account_reference", "")).split())
        if number:
            found.setdefault(terms.account(number), (number, debt.get("amount_pence")))
    return found


_FACTS = ("regime", "register_reference", "start_date", "is_address_withheld")
_TOLD_AS = {"accounts": "debts"}


def by_sender(facts: dict[str, Any], agency_code: str) -> dict[str, Any]:
    """Add who notified us."""
    return {**facts, "agency_code": agency_code}


INTAKE = Intake(
    path="moratoria",
    senders=frozenset(),
    sender_kinds=frozenset({"insolvency"}),
    parse=parse,
    example=EXAMPLE,
    schema=schema,
    by_sender=by_sender,
    raw_as="notice",
)
