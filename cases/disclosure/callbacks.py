"""What a requesting authority says about its own request, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.kernel import transitions
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.models import Case

__all__ = ["EXAMPLES", "answered", "cancelled"]

LONGEST = 4000
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "le.answered": {"answer": "The period is in UTC."},
    "le.cancelled": {},
}


def answered(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority answers our question: the request is looked at again."""
    _apply(case, "answer", content, actor, at, {"answer": str(content.data.get("answer", ""))[:LONGEST]})


def cancelled(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The authority cancels: nothing is given, wherever the case stands."""
    _apply(case, "cancel", content, actor, at, {})


def _apply(case: Case, name: str, content: Content, actor: Actor, at: datetime, inputs: dict[str, Any]) -> None:
    transitions.apply(
        case.pk, name, actor=actor, at=at, occurred_at=content.occurred_at, inputs=inputs, cause=content.callback_uid
    )
