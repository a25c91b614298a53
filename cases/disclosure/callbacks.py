"""What a requesting authority says about its own request, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.disclosure import cancelling, giving
from cases.kernel import record, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.exchange import datashapes
from cases.kernel.models import Case
from cases.kernel.transitions import AlreadyThere

__all__ = ["EXAMPLES", "answered", "cancelled", "confirmed", "destroyed", "received", "SHAPES"]

LONGEST = 4000
GIVEN = frozenset({"released", "receipted", "error_review"})
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "le.answered": {"answer": "The period is in UTC."},
    "le.cancelled": {},
    "le.received": {"package_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    "le.confirmed": {},
    "le.destroyed": {},
}
SHAPES: Mapping[str, datashapes.Shape] = {
    "le.answered": datashapes.shape({}, {"answer": {"type": "string"}}),
    "le.received": datashapes.shape({}, {"package_sha256": {"type": "string"}}),
}


def answered(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority answers our question: the request is looked at again."""
    _apply(case, "answer", content, actor, at, {"answer": str(content.data.get("answer", ""))[:LONGEST]})


def cancelled(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority cancels: nothing is given, wherever the case stands.

    What was released and never tried to be sent is taken back; what it may have is not sent again, and somebody asks.
    """
    if case.state not in GIVEN:
        _apply(case, "cancel", content, actor, at, {})
        return
    if case.disclosure_request.cancelled_at is not None:
        raise AlreadyThere("The cancellation is on record.")
    cancelling.keep_from_leaving(case)
    is_ours_alone = case.state == "released" and not cancelling.tried(case)
    _apply(case, "take_back" if is_ours_alone else "note_cancellation", content, actor, at, {})


def received(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority has the package: our copy goes in 30 days."""
    named = str(content.data.get("package_sha256", ""))[:64]
    _apply(case, "confirm_receipt", content, actor, at, {"package_sha256": named})


def confirmed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority puts in writing what it asked for by word of mouth."""
    _apply(case, "confirm_in_writing", content, actor, at, {})


def destroyed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority destroyed what it was wrongly given: nobody has to ask any more."""
    with record.act(case, "le_disclosure.destroyed", actor=actor, at=at, cause=content.callback_uid):
        for task in case.tasks.filter(kind=giving.DESTROY, closed_at=None):
            tasks.close(task, actor=actor, at=at)
            giving.destroyed(case, task, at=at)


def _apply(case: Case, name: str, content: Content, actor: Actor, at: datetime, inputs: dict[str, Any]) -> None:
    transitions.apply(
        case.pk, name, actor=actor, at=at, occurred_at=content.occurred_at, inputs=inputs, cause=content.callback_uid
    )
