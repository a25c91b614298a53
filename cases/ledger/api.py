"""The door of the ledger: `from cases.ledger import api as ledger`, then `with ledger.action(...)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction

from cases.ledger.canonical import canon_of_plain, commitment, plain
from cases.ledger.errors import LedgerError
from cases.ledger.inserting import FEW
from cases.ledger.models import DataKey
from cases.ledger.prepared import Statement
from cases.ledger.recording import (
    Action,
    NoAction,
    RequestInfo,
    current,
    forget_hooks,
    open_actions,
    pop,
    push,
    surviving,
)
from cases.ledger.sealing import seal_reason
from cases.ledger.tracking import Tracked, create_few, update_few, write_history

__all__ = [
    "Action",
    "LedgerError",
    "NoAction",
    "RequestInfo",
    "action",
    "bulk_create",
    "bulk_update",
    "current",
]

Row = TypeVar("Row", bound=Tracked)
VERSION = 1
_APPEND = Statement.of("SELECT ledger_append(%s, %s, %s, %s)")


class ReasonNotSealed(LedgerError):
    """A reason is free text and was given without a key to seal it under."""


@contextmanager
def action(
    stream: UUID,
    verb: str,
    *,
    actor: str,
    at: datetime,
    occurred_at: datetime | None = None,
    reason: str = "",
    key: DataKey | None = None,
    basis: str = "",
    cause: UUID | None = None,
    request: RequestInfo | None = None,
    detail: Mapping[str, object] | None = None,
    source: str = "",
) -> Iterator[Action]:
    """Open an act on `stream`; every tracked row written inside belongs to its one event.

    Opens a transaction, or joins the one that is open and shares its fate. An action on a stream that is
    already open joins that one: its rows and detail go to the outer event. Events are appended when the
    outermost action closes, in the order of their streams, so that two actions never wait for each other.
    `reason` is free text: it is sealed under `key`, and the body holds the hash of the ciphertext.
    Raises ReasonNotSealed; whatever is raised inside rolls everything back.
    """
    joined = next((one for one in open_actions() if one.stream == stream), None)
    if joined is not None:
        joined.detail.update(detail or {})
        with _pushed(joined):
            yield joined
        return
    if reason and key is None:
        raise ReasonNotSealed("A reason is sealed: name the key of its case.")
    facts = _facts(occurred_at=occurred_at, basis=basis, cause=cause, request=request, source=source)
    opened = Action(stream=stream, verb=verb, actor=actor, at=at, facts=facts, detail=dict(detail or {}))
    if reason and key is not None:
        opened.reason = seal_reason(reason, event=opened.uid, key=key)
        opened.facts |= {"reason": commitment(opened.reason), "reason_key": str(key.uid)}
    with transaction.atomic(savepoint=_wants_savepoint()), _pushed(opened):
        yield opened
        _close(opened)


@contextmanager
def _pushed(one: Action) -> Iterator[None]:
    push(one)
    try:
        yield
    finally:
        pop()


def _wants_savepoint() -> bool:
    """Share the fate of an open transaction; only a test's own wrapper must survive a refusal."""
    blocks = connection.atomic_blocks
    return bool(blocks) and getattr(blocks[-1], "_from_testcase", False)


def _facts(**given: object) -> dict[str, object]:
    request = given.pop("request")
    if isinstance(request, RequestInfo):
        given["request"] = {"id": request.id, "ip": request.ip_token}
    return {name: plain(value) for name, value in given.items() if value}


def _close(one: Action) -> None:
    outermost = open_actions()[0]
    if outermost is not one:
        one.keep()
        outermost.closed.append(one)
        return
    due = [one, *surviving(outermost.closed)]
    for each in sorted(due, key=lambda act: act.stream):
        _append(each)
    forget_hooks()


def _append(one: Action) -> None:
    head = {
        "v": VERSION,
        "id": one.uid,
        "stream": one.stream,
        "at": one.at,
        "actor": one.actor,
        "action": one.verb,
        **one.facts,
    }
    if one.detail:
        head["detail"] = one.detail
    body = {
        **{name: plain(value) for name, value in head.items()},
        "changes": [entry for change in surviving(one.changes) for entry in change.entries],  # plain as they are
    }
    _APPEND.rows([one.stream, one.uid, canon_of_plain(body).decode("utf-8"), one.reason])


def bulk_create(model: type[Row], rows: Sequence[Row], *, batch_size: int | None = None) -> list[Row]:
    """Insert `rows` in one statement and their history in another, or a few and theirs in one, under the current
    action."""
    if 0 < len(rows) <= FEW:
        return create_few(rows)
    current()
    created: list[Row] = model.objects.bulk_create(rows, batch_size=batch_size)  # type: ignore[attr-defined]  # -- concrete models have objects
    write_history(model, created, "+", batch_size=batch_size)
    return created


def bulk_update(model: type[Row], rows: Sequence[Row], fields: Sequence[str], *, batch_size: int | None = None) -> int:
    """Update `fields` of loaded `rows` in one statement and write their history in another, or a few and theirs in
    one, under the current action."""
    if 0 < len(rows) <= FEW:
        return update_few(rows, fields)
    current()
    count: int = model.objects.bulk_update(rows, fields, batch_size=batch_size)  # type: ignore[attr-defined]  # -- concrete models have objects
    write_history(model, rows, "~", batch_size=batch_size)
    return count
