"""What a control room is told in writing: the confirmation of what was read to it, and that it destroys what was too
much. The telephone call is the disclosure; the message may follow whenever it gets through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.kernel import outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case
from cases.ledger import sealing

__all__ = ["ALL", "BY_HAND", "EMERG_ANSWER", "EMERG_DESTROY", "answer", "ask_to_destroy"]

EMERG_ANSWER = releases.MessageKind(
    code="emerg_answer",
    label="Confirmation of what was read to the control room",
    recipient_kind="emergency",
    purpose="protect_life",
    necessity="A life may be at risk, UK GDPR Art 6(1)(d) and (f): the control room needs who called and where they "
    "are, and no more, to send help.",
    put_right_by="family",
    needs_agreement=False,
    categories={
        "incident": "request",
        "spoken_at": "request",
        "caller": "contact",
        "subscriber": "identity",
        "address": "address",
        **dict.fromkeys(("position", "radius_m", "confidence", "located_at", "location_source", "cell"), "location"),
    },
    lists=frozenset(),
)
EMERG_DESTROY = releases.MessageKind(
    code="emerg_destroy",
    label="Request to destroy what was too much",
    recipient_kind="emergency",
    purpose="protect_life",
    necessity="What was given beyond the need is destroyed by whoever has it, and they say so.",
    put_right_by="family",
    needs_agreement=False,
    categories=dict.fromkeys(("incident", "items", "please"), "request"),
    lists=frozenset({"items"}),
)
ALL = (EMERG_ANSWER, EMERG_DESTROY)
releases.declare(*ALL)
BY_HAND = "emergency_write_by_hand"
tasks.declare({BY_HAND: "Write to the control room by hand: nothing is sent to it at present"})


def answer(case: Case, given: Mapping[str, Any], *, spoken_at: datetime, actor: Actor, at: datetime) -> None:
    """Enter what was read out in the register of releases and promise its confirmation in writing, inside the current
    ledger action on a locked case. Where nothing can be sent, the call stays on record and a task asks for the
    confirmation by hand. Raises NoChannel for a room that left the register, ReleaseRefused."""
    facts = case.emergency_disclosure
    said = {name: _said(value) for name, value in given.items() if value not in (None, "")}
    opened = _opened(case, ("incident", "caller"), actor=actor, at=at)
    body = {"incident": opened["incident"] or "not given", "spoken_at": _said(spoken_at), **said}
    if opened["caller"]:
        body["caller"] = opened["caller"]
    said_to: dict[str, Any] = {"agency": _room(facts.control_room), "body": body, "actor": actor, "at": at}
    try:
        releases.send(case, EMERG_ANSWER, **said_to, subject_count=1)
    except outbox.NoChannel:
        releases.tell(case, EMERG_ANSWER, **said_to, subject_count=1)
        tasks.raise_task(BY_HAND, case=case, at=at, message=EMERG_ANSWER.code)


def ask_to_destroy(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise the request to destroy. As `answer`; it repeats nothing of what was given."""
    opened = _opened(case, ("incident",), actor=actor, at=at)
    body = {
        "incident": opened["incident"] or "not given",
        "items": ["what_was_named_by_telephone"],
        "please": "destroy_and_confirm",
    }
    room = _room(case.emergency_disclosure.control_room)
    try:
        releases.send(case, EMERG_DESTROY, agency=room, body=body, actor=actor, at=at, subject_count=0)
    except outbox.NoChannel:
        tasks.raise_task(BY_HAND, case=case, at=at, message=EMERG_DESTROY.code)


def _opened(case: Case, names: tuple[str, ...], *, actor: Actor, at: datetime) -> dict[str, Any]:
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="protect_life", streams=(case.uid,))
    return sealing.open_rows([case.emergency_disclosure], names, reader=reader, at=at)[0]


def _said(value: Any) -> str | int:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value if isinstance(value, int) else str(value).strip()


def _room(code: str) -> Agency:
    agency = Agency.objects.select_related("terms").filter(code=code, kind="emergency", is_active=True).first()
    if agency is None:
        raise outbox.NoChannel("This control room is not in the register, or nothing may be sent to it.")
    return agency
