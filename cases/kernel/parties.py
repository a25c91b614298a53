"""Writes what a case asserts about people. Every value is sealed under that person's own key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.kernel import formats
from cases.kernel.finding import index
from cases.kernel.models import Case, CaseAddress, CaseParty, SearchEntry
from cases.kernel.timing import places
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.inserting import insert
from cases.ledger.models import DataKey
from cases.ledger.sealed import SealedTextField

__all__ = ["ADDRESS_FIELDS", "PERSON_FIELDS", "add", "add_address", "address_at", "change"]

PERSON_FIELDS = tuple(field.name for field in CaseParty._meta.fields if isinstance(field, SealedTextField))
ADDRESS_FIELDS = tuple(field.name for field in CaseAddress._meta.fields if isinstance(field, SealedTextField))
# More than any case has: a larger place names none, and is no matter for the database.
MOST_ADDRESSES = 10_000


def add(
    case: Case,
    people: Sequence[Mapping[str, Any]],
    *,
    first_number: int,
    retention_class: str,
    at: datetime,
    facts_entry: SearchEntry | None = None,
    keys: Sequence[DataKey] = (),
) -> list[CaseParty]:
    """Write people, their addresses and what they are found by, inside the current ledger action on a locked or new
    case.

    Each of `people` has role, is_innocent, source (of datasources.SOURCES), values {field: text}, addresses [{kind,
    source, field: text}]; an address without a source comes from where the person does. A new case's `facts_entry` is
    written with theirs, in one statement; `keys` for them may have been made with that of the case. Raises
    formats.CardNumber.
    """
    keys = keys or sealing.new_keys(["party"] * len(people), at=at)
    parties, addresses = [], []
    for offset, (person, key) in enumerate(zip(people, keys, strict=True)):
        party = CaseParty(
            case=case,
            number=first_number + offset,
            role=person["role"],
            is_innocent=bool(person.get("is_innocent")),
            source=person.get("source") or "staff",
            key=key,
            retention_class=retention_class,
        )
        sealing.seal(party, _filled(person.get("values", {}), PERSON_FIELDS), key=key)
        parties.append(party)
        addresses.append([_address(party, each) for each in person.get("addresses", ())])
    ledger.bulk_create(CaseParty, parties)
    placed = [_placed(row, party) for party, rows in zip(parties, addresses, strict=True) for row in rows]
    ledger.bulk_create(CaseAddress, placed)
    entries = _entries(case, parties, people, addresses)
    insert([facts_entry, *entries] if facts_entry else entries)
    return parties


def _entries(
    case: Case,
    parties: Sequence[CaseParty],
    people: Sequence[Mapping[str, Any]],
    addresses: Sequence[Sequence[CaseAddress]],
) -> list[SearchEntry]:
    blinder = index.current(case)
    made = []
    for party, person, rows in zip(parties, people, addresses, strict=True):
        given = [each.get("postcode") for each in person.get("addresses", ())]
        postcodes = [(row.pk, text) for row, text in zip(rows, given, strict=True)]
        made.append(index.of_person(blinder, party, _filled(person.get("values", {}), PERSON_FIELDS), postcodes))
    return made


def _placed(row: CaseAddress, party: CaseParty) -> CaseAddress:
    row.party = party
    return row


def _address(party: CaseParty, values: Mapping[str, Any]) -> CaseAddress:
    row = CaseAddress(kind=values.get("kind") or "current", key=party.key, source=values.get("source") or "")
    row.jurisdiction = places.of_postcode(values.get("postcode"))
    sealing.seal(row, _filled(values, ADDRESS_FIELDS), key=party.key)
    return row


def add_address(party: CaseParty, values: Mapping[str, Any]) -> CaseAddress:
    """Write one more address of a person, inside the current ledger action."""
    row = _placed(_address(party, values), party)
    row.save()
    index.change_address(row, values)
    return row


def address_at(case: Case, place: int) -> CaseAddress | None:
    """Return the address of a number within its case, counted from one; never the row's own number."""
    if not 0 < place <= MOST_ADDRESSES:
        return None
    rows = CaseAddress.objects.select_related("party__key").filter(party__case=case).order_by("pk")
    return rows[place - 1 : place].first()


def _filled(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, str | None]:
    formats.refuse_card_numbers(values.get(name) for name in names)
    return {name: str(values[name]).strip() for name in names if values.get(name)}


def change(row: CaseParty | CaseAddress, values: Mapping[str, str | None], *, key: Any) -> None:
    """Write changed values of one person or address, inside the current ledger action. An empty value removes it.

    Raises formats.CardNumber.
    """
    formats.refuse_card_numbers(values.values())
    sealing.seal(row, {name: (text or "").strip() or None for name, text in values.items()}, key=key)
    changed = list(values)
    if isinstance(row, CaseAddress) and "postcode" in values:
        row.jurisdiction = places.of_postcode(values["postcode"])
        changed.append("jurisdiction")
    row.save(update_fields=changed)
    if isinstance(row, CaseParty):
        index.change_person(row, values)
    else:
        index.change_address(row, values)
