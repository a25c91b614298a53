"""Joins the case to the ledger: which stream, under which key, with which source."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from cases.kernel import formats
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["COMPARTMENT", "act", "within"]

# A line of the security log with this code is shown to the restricted team of this id and whom it lets read, alone.
COMPARTMENT = "compartment"


def within(case: Case | None) -> dict[str, int]:
    """Return the code that keeps a line of the security log about a restricted case within its compartment."""
    return {COMPARTMENT: case.team_id} if case is not None and case.is_restricted else {}


def act(
    case: Case,
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    occurred_at: datetime | None = None,
    basis: str = "",
    cause: UUID | None = None,
    request: ledger.RequestInfo | None = None,
    detail: Mapping[str, object] | None = None,
) -> AbstractContextManager[ledger.Action]:
    """Open one ledger action on the case's own stream; a typed reason is sealed under the case's key.

    Raises formats.CardNumber for a reason that holds one.
    """
    formats.refuse_card_numbers([reason])
    return ledger.action(
        case.uid,
        verb,
        actor=actor.label,
        at=at,
        occurred_at=occurred_at,
        reason=reason,
        key=case.key if reason else None,
        basis=basis,
        cause=cause,
        request=request,
        detail=detail,
        source=actor.source or case.source,
    )
