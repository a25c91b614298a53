"""What a case has on record beside its story: documents, messages, callbacks, its chain and who looked. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from cases.kernel import policy
from cases.kernel.exchange import held
from cases.kernel.models import Callback, Case, DeliveryAttempt, Evidence, Letter, OutboxMessage
from cases.kernel.reading import lookers
from cases.ledger import sealing
from cases.ledger.models import AccessEvent, LedgerEvent

__all__ = ["audit_trail", "documents", "looks_at", "messages"]

READERS_SHOWN = 100
EVENTS_SHOWN = 100
_CHAIN = """
WITH linked AS (
  SELECT seq, hash, row_number() OVER w AS place, prev, lag(hash) OVER w AS before
    FROM cases_ledgerevent WHERE stream = %s WINDOW w AS (ORDER BY seq)
)
SELECT count(*), bool_and(seq = place AND (place = 1 OR prev = before)),
       EXISTS (SELECT FROM cases_ledgerhead h JOIN linked l ON l.seq = h.seq AND l.hash = h.hash
                WHERE h.stream = %s AND h.seq = (SELECT max(seq) FROM linked))
  FROM linked
"""


def documents(case: Case, *, reader: sealing.Reader, at: datetime) -> list[Evidence]:
    """Return the documents of a case with `shown_name` and `shown_admissibility` opened. Three queries; writes the
    reader's access row."""
    rows = list(
        case.evidence.select_related("obtained_by", "blob__key", "redacts").defer("blob__sealed").order_by("number")
    )
    opened = sealing.open_rows(rows, ("file_name", "admissibility"), reader=reader, at=at)
    for row, values in zip(rows, opened, strict=True):
        row.shown_name = values["file_name"]  # type: ignore[attr-defined]  # -- for the page alone
        row.shown_admissibility = values["admissibility"]  # type: ignore[attr-defined]  # -- as above
    return rows


def messages(case: Case) -> tuple[list[OutboxMessage], list[DeliveryAttempt], list[Callback]]:
    """Return what was promised to agencies, with whether a hold keeps it, each try, and what they called back with:
    codes and times alone."""
    told = case.messages.select_related("channel__agency", "key").defer("sealed_body", "key__wrapped")
    is_kept = ExpressionWrapper(held.is_kept() & Q(state="pending"), output_field=BooleanField())
    told = told.annotate(is_kept=is_kept)
    sent = told.order_by("-id")[:100]
    tries = DeliveryAttempt.objects.filter(message__case=case).defer("sealed_excerpt").order_by("-id")[:200]
    heard = case.callbacks.select_related("agency").defer("sealed_body").order_by("-id")[:100]
    return list(sent), list(tries), list(heard)


def letters(case: Case) -> list[Letter]:
    """Return the newest letters to people of a case, newest first, without what they say. One query."""
    return list(case.letters.select_related("party").order_by("-requested_at", "-id")[:100])


def looks_at(case: Case) -> QuerySet[AccessEvent]:
    """Return who looked at a case, as far as its own readers may know: what a compartment looked at outside itself is
    seen only by whom answers for the compartment."""
    return AccessEvent.objects.filter(streams__contains=[case.uid]).exclude(purpose__startswith=policy.QUIET)


def audit_trail(case: Case, *, at: datetime, before: int | None = None, size: int = EVENTS_SHOWN) -> dict[str, Any]:
    """Return a page of the case's events, newest first, with their hashes and whether each carries on the one before;
    whether the whole chain does, counted in the database; and who looked. `older_than` is the number below which the
    next page begins, or None. Four queries."""
    rows = LedgerEvent.objects.filter(stream=case.uid).only("seq", "at", "actor", "action", "prev", "hash")
    rows = rows if before is None else rows.filter(seq__lt=before)
    found = list(rows.order_by("-seq")[: size + 1])
    events, earlier = found[:size], [*found[1:], None]
    count, is_whole = _chain(case)
    looked = list(looks_at(case).order_by("-id")[:READERS_SHOWN])
    known = lookers.names(looked, at=at, more={event.actor for event in events})
    return {
        "events": [
            {
                "seq": event.seq,
                "at": event.at,
                "who": known[event.actor],
                "verb": event.action,
                "hash": bytes(event.hash).hex(),
                "is_linked": _is_linked(event, last),
            }
            for event, last in zip(events, earlier, strict=False)
        ],
        "count": count,
        "older_than": events[-1].seq if len(found) > size else None,
        "looked": [{"event": each, "who": known[each.pk]} for each in looked],
        "is_whole": is_whole,
    }


def _is_linked(event: LedgerEvent, last: LedgerEvent | None) -> bool:
    if last is None:
        return event.seq == 1
    return event.seq == last.seq + 1 and bytes(event.prev) == bytes(last.hash)


def _chain(case: Case) -> tuple[int, bool]:
    """Return how many events a case has, and whether each carries on the one before and the head names the last."""
    with connection.cursor() as cursor:
        cursor.execute(_CHAIN, [case.uid, case.uid])
        count, is_linked, has_head = cursor.fetchone()
    return count, bool(is_linked and has_head)
