"""What a requesting authority is told about its own request. None of it is about a customer: it names items by code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.ledger import sealing

__all__ = ["ALL", "LE_ACK", "LE_CLARIFY", "LE_REFUSE", "acknowledge", "ask", "refuse"]


def _word(code: str, label: str, necessity: str, *fields: str) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind="lea",
        purpose="answer_authorities",
        necessity=necessity,
        categories=dict.fromkeys(("urn", *fields), "request"),
        put_right_by="family",
        lists=frozenset({"items"}),
    )


LE_ACK = _word(
    "le_ack",
    "Word that the request is here",
    "The authority has to know that its request arrived, and by which word of ours it answers or cancels.",
    "received_at",
)
LE_CLARIFY = _word(
    "le_clarify",
    "Question about the request",
    "What is not clear is asked of whoever wrote it; a guess could name the wrong person.",
    "question",
)
LE_REFUSE = _word(
    "le_refuse",
    "Refusal of the request, or of items of it",
    "The authority has to know what it will not get, why, and by which way it may ask.",
    "reason",
    "items",
    "route",
)
ALL = (LE_ACK, LE_CLARIFY, LE_REFUSE)
releases.declare(*ALL)

ROUTES = {
    "no_gateway": "single_point_of_contact",
    "content_requested": "warrant_or_order_for_stored_communications",
    "unverified_requester": "single_point_of_contact",
}


def acknowledge(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise word that a request is here, inside the current ledger action. Raises ReleaseRefused, NoChannel."""
    _send(case, LE_ACK, {"received_at": case.opened_at.isoformat()}, actor=actor, at=at)


def ask(case: Case, question: str, *, actor: Actor, at: datetime) -> None:
    """Promise a question about a request. As `acknowledge`."""
    _send(case, LE_CLARIFY, {"question": question}, actor=actor, at=at)


def refuse(case: Case, *, reason: str, items: list[str], actor: Actor, at: datetime) -> None:
    """Promise word that a request, or the named items of it, is refused, with the way by which it may be asked for. As
    `acknowledge`."""
    said = {"reason": reason, "items": items, "route": ROUTES.get(reason, "none")}
    _send(case, LE_REFUSE, said, actor=actor, at=at)


def _send(
    case: Case, kind: releases.MessageKind, said: Mapping[str, Any], *, actor: Actor, at: datetime
) -> OutboxMessage:
    facts = case.disclosure_request
    found = Agency.objects.select_related("terms").filter(code=facts.authority_code, kind="lea", is_active=True)
    agency = found.first()
    if agency is None:
        raise outbox.NoChannel("This authority is not in the register, or nothing may be sent to it.")
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="answer_authority", streams=(case.uid,))
    opened = sealing.open_rows([facts], ("urn",), reader=reader, at=at)[0]
    body = {"urn": opened["urn"] or "not given", **said}
    return releases.send(case, kind, agency=agency, body=body, actor=actor, at=at, subject_count=0)
