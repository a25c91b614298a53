"""What a case has on record beside its story: documents, messages, callbacks, its chain and who looked. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases.kernel import policy
from cases.kernel.models import Callback, Case, DeliveryAttempt, Evidence, OutboxMessage
from cases.kernel.reading import timeline
from cases.ledger import sealing
from cases.ledger.models import AccessEvent, LedgerEvent, LedgerHead

__all__ = ["audit_trail", "documents", "download", "looks_at", "messages"]

READERS_SHOWN = 100


def documents(case: Case, *, reader: sealing.Reader, at: datetime) -> list[Evidence]:
    """Return the documents of a case with `shown_name` opened. Three queries; writes the reader's access row."""
    rows = list(case.evidence.select_related("obtained_by").order_by("number"))
    for row, values in zip(rows, sealing.open_rows(rows, ("file_name",), reader=reader, at=at), strict=True):
        row.shown_name = values["file_name"]  # type: ignore[attr-defined]  # -- for the page alone
    return rows


def download(document: Evidence, *, reader: sealing.Reader, at: datetime) -> tuple[str, bytes | None]:
    """Return the name and the bytes of a document as received; none once erased. Writes the reader's access rows."""
    name = sealing.open_rows([document], ("file_name",), reader=reader, at=at)[0]["file_name"] or "document"
    blob = document.blob
    data = sealing.open_bytes(
        bytes(blob.sealed),
        key_id=blob.key_id,
        label="cases.storedblob",
        uid=blob.uid,
        field="document",
        reader=reader,
        at=at,
    )
    return name, data


def messages(case: Case) -> tuple[list[OutboxMessage], list[DeliveryAttempt], list[Callback]]:
    """Return what was promised to agencies, each try, and what they called back with: codes and times alone."""
    sent = case.messages.select_related("channel__agency").defer("sealed_body").order_by("-id")[:100]
    tries = DeliveryAttempt.objects.filter(message__case=case).defer("sealed_excerpt").order_by("-id")[:200]
    heard = case.callbacks.select_related("agency").defer("sealed_body").order_by("-id")[:100]
    return list(sent), list(tries), list(heard)


def looks_at(case: Case) -> QuerySet[AccessEvent]:
    """Return who looked at a case, as far as its own readers may know: what a compartment looked at outside itself is
    seen only by whom answers for the compartment."""
    return AccessEvent.objects.filter(streams__contains=[case.uid]).exclude(purpose__startswith=policy.QUIET)


def audit_trail(case: Case) -> dict[str, Any]:
    """Return the case's events with their hashes, whether each carries on the one before, and who looked."""
    events = list(LedgerEvent.objects.filter(stream=case.uid).defer("reason").order_by("seq"))
    head = LedgerHead.objects.filter(stream=case.uid).first()
    looked = list(looks_at(case).order_by("-id")[:READERS_SHOWN])
    known = timeline.names({event.actor for event in events} | {each.actor for each in looked})
    links = [b"", *(bytes(event.hash) for event in events)]
    return {
        "events": [
            {
                "seq": event.seq,
                "at": event.at,
                "who": known[event.actor],
                "verb": event.action,
                "hash": bytes(event.hash).hex(),
                "is_linked": event.seq == place and (place == 1 or bytes(event.prev) == links[place - 1]),
            }
            for place, event in enumerate(events, start=1)
        ],
        "looked": [{"event": each, "who": known[each.actor]} for each in looked],
        "is_whole": head is not None and head.seq == len(events) and bytes(head.hash) == links[-1],
    }
