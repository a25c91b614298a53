"""Splitting a case: the named people go to a new case of its kind, with copies of documents, and the two are linked.

Nothing is moved out of its record. Whoever goes stays here as detached, the new case holds a copy sealed anew; a
document stays where it was taken in, and the copy has the same hash (`copies`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cases.kernel import approvals, casetypes, holds, intake
from cases.kernel.linking import copies, detaching, links
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.sealed import SealedTextField

__all__ = ["is_open_to_change", "names_what_goes", "split_off"]

PURPOSE = "split"


def _numbers(context: Any, name: str) -> set[int]:
    return {int(each) for each in context.inputs.get(name, ()) if str(each).isdecimal()}


def is_open_to_change(context: Any) -> str | None:
    case = context.case
    if case.state not in casetypes.get(case.kind).lifecycle.editable:
        return "This case can no longer be changed in its present state."
    return None


def names_what_goes(context: Any) -> str | None:
    goes, stays_too = _numbers(context, "people"), _numbers(context, "both")
    there = set(context.case.parties.filter(is_detached=False).values_list("number", flat=True))
    documents = set(context.case.evidence.values_list("number", flat=True))
    copied = _numbers(context, "documents")
    if not goes | stays_too:
        return "Choose at least one person who goes to the new case."
    if not goes | stays_too <= there or not copied <= documents:
        return "The case has no such person or document."
    if goes - stays_too == there:
        return "Somebody must stay. Choose who stays here as well."
    return None


def split_off(context: Any) -> None:
    """Open the new case with what goes, held by what holds this one, link the two, and detach here whoever does not
    stay as well. Whoever shaped this case, or proposed the split, shaped the new one too."""
    case, at = context.case, context.at
    goes, stays_too = _numbers(context, "people"), _numbers(context, "both")
    reader = sealing.Reader(actor=context.actor.label, verb="view", purpose=PURPOSE, streams=(case.uid,))
    rows = list(case.parties.filter(number__in=goes | stays_too, is_detached=False).order_by("number"))
    with intake.open_beside(
        case,
        facts=_facts(case, reader, at=at),
        people=_people(rows, reader, at=at),
        actor=context.actor,
        at=at,
        request=context.request,
    ) as new:
        chosen = case.evidence.filter(number__in=_numbers(context, "documents")).order_by("number")
        copies.copy(chosen, case, new, reader, at=at)
        there = dict(zip((row.pk for row in rows), new.parties.order_by("number"), strict=True))
        holds.carry(case, new, there, actor=context.actor, at=at, purpose=PURPOSE)
        if follow := casetypes.get(case.kind).reacts.get("people_go"):
            follow(case, new, there, at=at)
        links.join(new, case, "split_from", actor=context.actor, at=at)
        ledger.current().detail |= {"link": "split_from", approvals.SHAPED_BY: approvals.shapers(case)}
    for party in rows:
        if party.number not in stays_too:
            detaching.set_apart(party, at=at)
    casetypes.get(case.kind).changed(case, at=at)
    approvals.void_if_changed(case, at=at)
    ledger.current().detail.update(
        {"reference": new.reference, "people": [party.number for party in rows], "stay": sorted(stays_too)}
    )


def _plain(opened: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in opened.items() if text and not isinstance(text, sealing.Erased)}


def _facts(case: Case, reader: sealing.Reader, *, at: Any) -> dict[str, Any]:
    """Return the case's own facts as its kind takes them when it is opened; what is sealed is opened, on record."""
    row = casetypes.get(case.kind).facts._default_manager.get(pk=case.pk)
    columns = [column for column in row._meta.concrete_fields if not column.is_relation]
    sealed = tuple(column.name for column in columns if isinstance(column, SealedTextField))
    opened = sealing.open_rows([row], sealed, reader=reader, at=at)[0] if sealed else {}
    plain = {column.name: getattr(row, column.name) for column in columns if column.name not in sealed}
    return {name: value for name, value in plain.items() if name != "uid"} | _plain(opened)


def _people(rows: Sequence[CaseParty], reader: sealing.Reader, *, at: Any) -> list[dict[str, Any]]:
    """Return the people who go, with their addresses, as parties.add takes them."""
    values = sealing.open_rows(rows, PERSON_FIELDS, reader=reader, at=at)
    places = list(CaseAddress.objects.filter(party__in=rows, is_detached=False).order_by("pk"))
    opened = sealing.open_rows(places, ADDRESS_FIELDS, reader=reader, at=at) if places else []
    homes: dict[int, list[dict[str, str]]] = {row.pk: [] for row in rows}
    for place, each in zip(places, opened, strict=True):
        homes[place.party_id].append({"kind": place.kind, "source": place.source, **_plain(each)})
    return [
        {
            "role": row.role,
            "is_innocent": row.is_innocent,
            "source": row.source,
            "values": _plain(each),
            "addresses": homes[row.pk],
        }
        for row, each in zip(rows, values, strict=True)
    ]
