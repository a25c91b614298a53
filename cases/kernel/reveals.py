"""Showing all that a case holds on one person at once: one purpose, one row of the read log that names every field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.kernel.actors import Actor
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.kernel.reading import queries
from cases.ledger import sealing

__all__ = ["Shown", "reveal_person"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One value in clear: its field, and for an address which one."""

    field: str
    value: str
    place: str = ""


@dataclass(frozen=True)
class _Piece:
    """A person or an address in the shape `open_rows` takes; a field that the row has not is empty."""

    instance_type: type
    uid: UUID
    key_id: int
    held: dict[str, Any] = field(default_factory=dict)
    place: str = ""

    def __getattr__(self, name: str) -> Any:
        if name in EVERY_FIELD:
            return self.held.get(name)
        raise AttributeError(name)


EVERY_FIELD = (*PERSON_FIELDS, *(name for name in ADDRESS_FIELDS if name not in PERSON_FIELDS))


def _pieces(case: Case, person: CaseParty) -> tuple[list[_Piece], tuple[str, ...]]:
    """Return the person and their addresses, and the codes of every value they hold; an address has its number within
    the case, since a row's own would tell how many others there are."""
    held = {name: getattr(person, name) for name in PERSON_FIELDS if getattr(person, name) is not None}
    pieces = [_Piece(CaseParty, person.uid, person.key_id, held)]
    codes = [f"person-{person.number}-{name}" for name in held]
    for number, place in enumerate(CaseAddress.objects.filter(party__case=case).order_by("pk"), start=1):
        if place.party_id != person.pk:
            continue
        held = {name: getattr(place, name) for name in ADDRESS_FIELDS if getattr(place, name) is not None}
        pieces.append(_Piece(CaseAddress, place.uid, place.key_id, held, place.kind))
        codes += [f"address-{number}-{name}" for name in held]
    return pieces, tuple(codes)


def reveal_person(
    case: Case, number: int, *, purpose: str, actor: Actor, at: datetime, request_id: str = ""
) -> list[Shown]:
    """Return every value of one person in clear and write who asked and why, first. Raises NotAllowed, NothingSealed,
    RevealReasonMissing; nothing is then written."""
    reader = queries.revealing(case, purpose=purpose, actor=actor, request_id=request_id)
    person = case.parties.filter(number=number).first()
    if person is None:
        raise queries.NothingSealed
    pieces, codes = _pieces(case, person)
    rows: Any = pieces
    opened = sealing.open_rows(rows, EVERY_FIELD, reader=replace(reader, fields=codes), at=at)
    return [
        Shown(field=name, value=values[name] or "", place=piece.place)
        for piece, values in zip(pieces, opened, strict=True)
        for name in piece.held
    ]
