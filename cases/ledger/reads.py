"""The read log: who looked, at which streams, at which fields, for what purpose. Written before anything is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.ledger.errors import LedgerError
from cases.ledger.inserting import insert
from cases.ledger.models import AccessEvent


class PurposeMissing(LedgerError):
    """Nobody reads sealed values without saying who they are and what for."""


@dataclass(frozen=True)
class Reader:
    """Who reads, how (`verb`: view, list, reveal, export, print, search, send), and why (a code)."""

    actor: str
    verb: str
    purpose: str
    streams: tuple[UUID, ...] = ()
    fields: tuple[str, ...] = ()
    request_id: str = ""
    break_glass: bool = False
    query_hash: bytes | None = None

    def __post_init__(self) -> None:
        """Raise PurposeMissing: a reader names an actor, a verb and a purpose."""
        if not (self.actor and self.verb and self.purpose):
            raise PurposeMissing("A reader names an actor, a verb and a purpose.")


def record_read(reader: Reader, *, at: datetime, result_count: int, fields: Sequence[str] = ()) -> AccessEvent:
    """Insert one access row. `reader.fields` (classes of fields) wins over the field names given here."""
    look = _look(reader, at=at, result_count=result_count, fields=fields)
    insert([look])
    return look


def record_reads(looks: Sequence[tuple[Reader, Sequence[str]]], *, at: datetime) -> None:
    """Insert an access row for each look at the fields of one thing, as `record_read` does, a few by one statement."""
    insert([_look(reader, at=at, result_count=1, fields=fields) for reader, fields in looks])


def _look(reader: Reader, *, at: datetime, result_count: int, fields: Sequence[str]) -> AccessEvent:
    return AccessEvent(
        at=at,
        actor=reader.actor,
        streams=list(reader.streams),
        verb=reader.verb,
        fields=list(reader.fields or fields),
        purpose=reader.purpose,
        break_glass=reader.break_glass,
        request_id=reader.request_id,
        result_count=result_count,
        query_hash=reader.query_hash,
    )
