"""The door through which billing tells of accounts: all rows of a call go in, or none, with every fault's pointer."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from cases.accounts import reading, storing, uploads
from cases.agencies import requests, shapes, strict_json
from cases.agencies.requests import Answer, Done
from cases.agencies.senders import Sender
from cases.kernel import actors, calendars, policy
from cases.kernel.intake import FieldErrors
from cases.ledger import api as ledger

__all__ = ["EXAMPLE", "MOST", "SCHEMA", "take"]

MOST = 200
DONE = 200
SCHEMA = reading.schema(MOST)
EXAMPLE = {"schema_version": 1, "accounts": [reading.EXAMPLE]}


def take(sender: Sender, raw: bytes, *, now: datetime, request: ledger.RequestInfo | None = None) -> Answer:
    """Take in what billing tells, in one transaction and one ledger event, or repeat the answer given before.

    Raises NotAllowed, IdReused, Unreadable, FieldErrors; nothing is then kept, so that a corrected body may use the
    same id.
    """
    actor = actors.agency(sender.agency)
    policy.require(actor, uploads.ACT)
    if (repeat := requests.repeated(sender, raw, now=now)) is not None:
        return repeat
    document = strict_json.parse(raw)
    if faults := shapes.faults(document, SCHEMA):
        raise FieldErrors(faults)
    rows = _rows(document["accounts"], now=now)
    return requests.once(sender, raw, lambda: _stored(rows, actor=actor, now=now, request=request), now=now)


def _rows(told: list[dict[str, str]], *, now: datetime) -> list[reading.Row]:
    today, rows, faults = calendars.london_date(now), [], []
    for place, texts in enumerate(told):
        try:
            rows.append(reading.read(texts, today=today))
        except reading.RowRefused as refused:
            faults += [(place, fault) for fault in refused.faults]
    if faults:
        raise FieldErrors([_said(place, fault) for place, fault in faults])
    return rows


def _said(place: int, fault: reading.Fault) -> tuple[str, str, str]:
    codes = f" {reading.written(fault.column)}" if fault.code == "not_a_code" else ""
    return f"/accounts/{place}/{fault.column}", fault.code, reading.FAULTS[fault.code] + codes


def _stored(rows: list[reading.Row], *, actor: actors.Actor, now: datetime, request: ledger.RequestInfo | None) -> Done:
    stream = uuid4()
    with ledger.action(stream, "accounts.told", actor=actor.label, at=now, request=request) as act:
        found = storing.store(rows, at=now)
        if found.refused:
            raise FieldErrors([_said(place, fault) for place, fault in found.refused.items()])
        counts = {"added": found.added, "changed": found.changed, "unchanged": found.unchanged}
        act.detail |= counts
    return Done(None, DONE, {"id": str(stream), **counts})
