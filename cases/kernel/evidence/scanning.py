"""Whether a document may be handed out: only what the virus scanner found clean. Which scanner, this does not know.

A document waits until a scanner has judged it, however long that takes: a scanner that is away changes nothing but the
time. One that works but breaks again and again on the same document makes it unscannable, and people are asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, transaction

from cases.kernel import locks, policy, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.evidence import damage
from cases.kernel.evidence.handing import DocumentAway, DocumentDamaged, DocumentErased, open_document
from cases.kernel.models import Evidence, StoredBlob
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "CLEAN",
    "NotClean",
    "Scanner",
    "ScannerAway",
    "ScannerBroke",
    "Verdict",
    "again",
    "ask",
    "install_doorbell",
    "scan_due",
    "waits",
    "why_not",
]

PENDING, CLEAN, INFECTED, UNSCANNABLE = "pending", "clean", "infected", "unscannable"
# Rows from before there was a scanner.
WAITING = frozenset({PENDING, "not_scanned"})
WHY_NOT = {
    INFECTED: "The virus scanner found something harmful in this document. It stays sealed and is never handed out.",
    UNSCANNABLE: "The virus scanner could not look into this document, so it is not handed out. Ask for another copy.",
}
STILL_WAITING = "This document waits for the virus scan. It can be downloaded as soon as it is found clean."
TASKS = {INFECTED: "document_infected", UNSCANNABLE: "document_unscannable"}
BATCH = 20
MOST_TRIES = 5

# The lease is longer than a task may run; due times are the database's.
_CLAIM = """
UPDATE cases_storedblob SET scan_due_at = now() + interval '6 minutes'
 WHERE id = (SELECT id FROM cases_storedblob WHERE scan_due_at <= now()
              ORDER BY scan_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_LATER = """
UPDATE cases_storedblob SET scan_tries = scan_tries + %s,
       scan_due_at = now() + make_interval(secs => 30 * 2 ^ least(scan_tries, 5))
 WHERE id = %s RETURNING scan_tries
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a scanner says of one document, and the name it has for what it found."""

    state: str
    found: str = ""


Scanner = Callable[[Iterator[bytes]], Verdict]


class ScannerAway(Exception):
    """No scanner can be reached, or the one that is there judges nothing at all."""


class ScannerBroke(Exception):
    """The scanner works, but gave no answer about this document that could be understood."""


class NotClean(CaseError):
    """The document is not known to be clean."""


_doorbells: list[Callable[[], None]] = []


def install_doorbell(ring: Callable[[], None]) -> None:
    """Name what is called after a document was kept. It only saves waiting for the next round."""
    _doorbells[:] = [ring]


def ask(document: Evidence) -> None:
    """Have a document scanned, now, inside the caller's transaction."""
    StoredBlob.objects.filter(pk=document.blob_id).update(scan_due_at=TransactionNow(), scan_tries=0)
    for bell in _doorbells:
        transaction.on_commit(bell, robust=True)


@transaction.atomic
def again(
    case_id: int, number: int, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> Evidence:
    """Have a document judged once more that a scanner found harmful or could not look into: its lists were corrected,
    or it was ill. Until then it waits, as a new one does.

    Locks the case; writes one event. Raises NotVisible for a number that names no document, NotAllowed, and NotClean
    for one that waits already, is clean, or is erased.
    """
    case = locks.case_for_update(case_id)
    policy.require(actor, "close_task", case=case)
    row = Evidence.objects.select_related("blob__key").filter(case=case, number=number).first()
    if row is None:
        raise NotVisible
    if row.scan not in WHY_NOT or row.blob.key.destroyed_at is not None or case.key.destroyed_at is not None:
        raise NotClean("Only a document that the scanner turned down is scanned again.")
    with record.act(
        case, "case.evidence_scan_asked", actor=actor, at=at, request=request, detail={"document": row.number}
    ):
        row.scan = PENDING
        row.save(update_fields=["scan"])
        ask(row)
    return row


def waits(document: Evidence) -> bool:
    """Say whether no scanner has judged a document yet."""
    return document.scan in WAITING


def why_not(document: Evidence) -> str | None:
    """Return the sentence why a document is not handed out, or None when it may be."""
    return None if document.scan == CLEAN else WHY_NOT.get(document.scan, STILL_WAITING)


def scan_due(*, now: datetime, scan: Scanner) -> int:
    """Have the documents that are due scanned, one after the other, and record each verdict in its case's stream.

    Returns how many were judged, at most a batch. No transaction is open while the scanner reads. A scanner that is
    away ends the round, and so does a document that breaks it, which may have taken minutes; it is due again half a
    minute later, and what waits behind it in the next round.
    """
    judged = 0
    for _ in range(BATCH):
        blob_id = _claim()
        if blob_id is None:
            break
        document = Evidence.objects.select_related("blob", "case").filter(blob=blob_id).first()
        try:
            judged += document is not None and _judge(document, scan, now=now)
        except ScannerAway:
            _later(blob_id, tries=0)
            log.warning("scanner_unreachable")
            break
        except ScannerBroke:
            break
    return judged


def _claim() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        found = cursor.fetchone()
    return found[0] if found else None


def _later(blob_id: int, *, tries: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LATER, [tries, blob_id])
        return int(cursor.fetchone()[0])


def _judge(document: Evidence, scan: Scanner, *, now: datetime) -> bool:
    """Return whether a verdict was recorded. Raises ScannerAway; ScannerBroke, with its next try entered."""
    reader = sealing.Reader(actor="system:scanner", verb="scan", purpose="scan", streams=(document.case.uid,))

    def chunks() -> Iterator[bytes]:  # opened, and put on record, once a scanner is there to read
        yield from open_document(document, reader=reader, at=now, name_too=False).chunks

    try:
        verdict = scan(chunks())
    except DocumentAway:
        log.warning("documents_unreachable")
        _later(document.blob_id, tries=0)
        return False
    except DocumentErased:
        return _settle(document, None, now=now)
    except DocumentDamaged:
        damage.report(document, at=now)
        return _settle(document, None, now=now)
    except ScannerBroke:
        log.warning("scanner_broke", extra={"document_id": document.pk})
        if _later(document.blob_id, tries=1) < MOST_TRIES:
            raise
        verdict = Verdict(state=UNSCANNABLE, found="no-answer")
    return _settle(document, verdict, now=now)


@transaction.atomic
def _settle(document: Evidence, verdict: Verdict | None, *, now: datetime) -> bool:
    """Record a verdict, once; without one, only stop asking."""
    case = locks.case_for_update(document.case_id)
    StoredBlob.objects.filter(pk=document.blob_id).update(scan_due_at=None)
    row = Evidence.objects.get(pk=document.pk)
    if verdict is None or row.scan == verdict.state:
        return False
    detail = {"document": row.number, "scan": verdict.state} | ({"found": verdict.found} if verdict.found else {})
    actor = system("scanner", source=case.source)
    with record.act(case, "case.evidence_scanned", actor=actor, at=now, detail=detail):
        row.scan = verdict.state
        row.save(update_fields=["scan"])
        for state, kind in TASKS.items():
            tasks.close_about(case, kind, actor=actor, at=now, document=row.number)
            if verdict.state == state:
                tasks.raise_task(kind, case=case, at=now, document=row.number)
    return True
