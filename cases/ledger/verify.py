"""Does the ledger still say what was written? Reads every event, every history row and every live row.

Names what is wrong by stream, sequence, table and column. Needs no key: sealed values are checked as ciphertext.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from cases.ledger import checkpoints
from cases.ledger.canonical import commitment, timestamp
from cases.ledger.chain import EVENT, Chain, Link
from cases.ledger.models import LedgerEvent, LedgerHead
from cases.ledger.verify_rows import Touched, events_of_nobody, history_faults, live_faults

CHUNK = 1000
LATE = timedelta(hours=1)
# So far apart the clocks of the machine that acts and of the database may be; `checks.clocks_agree` complains before.
APART = timedelta(seconds=5)
WRONG, LATE_LEVEL = "wrong", "recorded late"
STAGED = ("demo", "seed")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written, or (level 'recorded late') worth knowing. `stream` None: no stream."""

    stream: UUID | None
    sequence: int
    table: str
    column: str
    message: str
    level: str = WRONG

    def __str__(self) -> str:
        place = f"stream {self.stream or '(none)'} sequence {self.sequence} {self.table}.{self.column}"
        return f"{self.level}: {place}: {self.message}"


EVENT_TABLE = LedgerEvent._meta.db_table
HEAD_TABLE = LedgerHead._meta.db_table


def verify_stream(stream: UUID, *, is_demo: bool = False) -> list[Finding]:
    """Return what is wrong with one stream, first fault first; empty when all is as written."""
    heads = LedgerHead.objects.filter(stream=stream)
    return _verify(LedgerEvent.objects.filter(stream=stream), heads, is_demo=is_demo, whole=False)


def verify_all(*, is_demo: bool = False) -> list[Finding]:
    """Return what is wrong with any stream, and with rows no stream answers for; first fault first."""
    return _verify(LedgerEvent.objects.all(), LedgerHead.objects.all(), is_demo=is_demo, whole=True)


def verify_part(number: int, *, of: int, is_demo: bool = False) -> list[Finding]:
    """Return what is wrong with the streams of one of `of` equal parts, by their ids; together they are every stream.

    Inside a caller's transaction writers at work may be mistaken for tampering: look again at a stream whose head is
    locked.
    """
    first, last = (each * 2**128 // of for each in (number, number + 1))
    within = {"stream__gte": UUID(int=first), "stream__lte": UUID(int=last - 1)}
    heads = LedgerHead.objects.filter(**within)
    return _verify(LedgerEvent.objects.filter(**within), heads, is_demo=is_demo, whole=False)


def verify_rows_alone() -> list[Finding]:
    """Return rows for which no stream answers, live rows that are not as their history says, and what is not as the
    checkpoints say; for all tables."""
    return [*(Finding(*fault) for fault in (*live_faults(None), *events_of_nobody())), *sealed_findings()]


def sealed_findings(given: Iterable[str] = (), *, public: Sequence[str] = ()) -> list[Finding]:
    """Return what is not as the ledger's own checkpoints say, nor as those say that were kept elsewhere. Raises
    notes.NoteUnreadable."""
    found = checkpoints.faults(given, public=public)
    return [Finding(each.stream, each.sequence, each.table, each.column, each.message) for each in found]


def _verify(events: QuerySet[LedgerEvent], heads: QuerySet[LedgerHead], *, is_demo: bool, whole: bool) -> list[Finding]:
    """Read everything from one snapshot, so that writers at work are not mistaken for tampering."""
    chained: list[Finding] = []
    found: list[Finding] = []
    touched: Touched | None = None if whole else defaultdict(set)
    with transaction.atomic():
        _take_snapshot()
        ends = {head.stream: (head.seq, bytes(head.hash)) for head in heads}
        walk = _Walk(ends)
        ordered = events.order_by("stream", "seq").iterator(chunk_size=CHUNK)
        while chunk := list(islice(ordered, CHUNK)):
            bodies = [(event, _content(event)) for event in chunk]
            for event, body in bodies:
                chained += walk.add(event)
                found += _column_findings(event, body, is_demo=is_demo)
            found += (Finding(*fault) for fault in history_faults(bodies, touched))
        chained += walk.finish()
        found += (Finding(*fault) for fault in live_faults(touched))
        if whole:
            found += (Finding(*fault) for fault in events_of_nobody())
            found += sealed_findings()
    return sorted(chained + found, key=lambda finding: (finding.level != WRONG, str(finding.stream), finding.sequence))


def _content(event: LedgerEvent) -> dict[str, Any]:
    """Return the body as data; what is not an object says nothing."""
    content = json.loads(event.body)
    return content if isinstance(content, dict) else {}


def _take_snapshot() -> None:
    """Make the transaction repeatable-read when it is ours; inside a caller's it keeps the caller's level."""
    connection = transaction.get_connection()
    if len(connection.atomic_blocks) == 1:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


class _Walk:
    """Feeds events, ordered by stream, to one chain after the other."""

    def __init__(self, ends: dict[UUID, tuple[int, bytes]]) -> None:
        self.ends = ends
        self.stream: UUID | None = None
        self.chain = Chain()

    def add(self, event: LedgerEvent) -> Iterator[Finding]:
        if event.stream != self.stream:
            yield from self._end()
            self.stream, self.chain = event.stream, Chain()
        link = Link(event.id, event.seq, event.recorded_at, bytes(event.prev), bytes(event.hash), event.body)
        yield from self._named(self.chain.add(link))

    def _end(self) -> Iterator[Finding]:
        if self.stream is not None:
            yield from self._named(self.chain.finish(*self.ends.pop(self.stream, (None, None))))

    def finish(self) -> Iterator[Finding]:
        yield from self._end()
        for stream in self.ends:
            yield Finding(stream, 1, EVENT_TABLE, "seq", "The stream has a head but no event.")

    def _named(self, faults: Iterable[Any]) -> Iterator[Finding]:
        for fault in faults:
            table = EVENT_TABLE if fault.part == EVENT else HEAD_TABLE
            yield Finding(self.stream, fault.seq, table, fault.column, fault.message)


def _column_findings(event: LedgerEvent, body: dict[str, Any], *, is_demo: bool) -> Iterator[Finding]:
    """Yield columns that do not repeat what the body says, and times that cannot be."""
    reason = None if event.reason is None else commitment(bytes(event.reason))
    columns = (
        ("uid", str(event.uid), body.get("id")),
        ("stream", str(event.stream), body.get("stream")),
        ("at", timestamp(event.at), body.get("at")),
        ("actor", event.actor, body.get("actor")),
        ("action", event.action, body.get("action")),
        ("reason", reason, body.get("reason")),
    )
    for column, here, there in columns:
        if here != there:
            yield Finding(event.stream, event.seq, EVENT_TABLE, column, f"The {column} is not the one in the body.")
    is_staged = body.get("source") in STAGED
    if is_staged and not is_demo:
        yield Finding(event.stream, event.seq, EVENT_TABLE, "body", "A demonstration event stands in a real ledger.")
    yield from _time_findings(event, event.at, is_staged=is_staged)


def _time_findings(event: LedgerEvent, at: datetime, *, is_staged: bool) -> Iterator[Finding]:
    if at - event.recorded_at > APART:
        message = f"The act is dated {at - event.recorded_at} after it was recorded."
        yield Finding(event.stream, event.seq, EVENT_TABLE, "at", message)
    elif event.recorded_at - at > LATE and not is_staged:
        message = f"Recorded {event.recorded_at - at} after the act."
        yield Finding(event.stream, event.seq, EVENT_TABLE, "recorded_at", message, LATE_LEVEL)
