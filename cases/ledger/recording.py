"""What one action collects while it is open. Knows no table: `api` writes it down, `tracking` feeds it."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from django.db import connection, transaction

from cases.ledger.errors import LedgerError


class NoAction(LedgerError):
    """A tracked row was written, or the current action asked for, outside ledger.action()."""


@dataclass(frozen=True)
class RequestInfo:
    """Where a request came from: its id and a keyed token of its address, never the address."""

    id: str
    ip_token: str


@dataclass(eq=False)
class Kept:
    """Something that counts only while the savepoint it was made in lives.

    Django forgets commit hooks of a rolled-back savepoint; a hook that does nothing tells us which those were.
    """

    def keep(self) -> None:
        transaction.on_commit(self.survived, robust=True)

    def survived(self) -> None:
        """Do nothing: being called or still being due is the whole message."""


KeptItem = TypeVar("KeptItem", bound=Kept)


@dataclass(eq=False)
class Change(Kept):
    """History rows written at once under an action, in the plain form in which the event body carries them."""

    entries: list[dict[str, object]]


@dataclass(eq=False)
class Action(Kept):
    """An open action. `detail` may be added to until it closes; codes and ids only, never personal data."""

    stream: UUID
    verb: str
    actor: str
    at: datetime
    facts: dict[str, object]
    detail: dict[str, object]
    reason: bytes | None = None
    uid: UUID = field(default_factory=uuid4)
    changes: list[Change] = field(default_factory=list)
    closed: list[Action] = field(default_factory=list)

    def collect(self, *entries: dict[str, object]) -> None:
        """Note history rows as part of this action."""
        change = Change(list(entries))
        change.keep()
        self.changes.append(change)


_open: ContextVar[tuple[Action, ...]] = ContextVar("open_actions", default=())


def open_actions() -> tuple[Action, ...]:
    """Return the open actions of this thread or task, outermost first."""
    return _open.get()


def push(action: Action) -> None:
    _open.set((*_open.get(), action))


def pop() -> None:
    _open.set(_open.get()[:-1])


def current() -> Action:
    """Return the innermost open action. Raises NoAction when there is none."""
    actions = _open.get()
    if not actions:
        raise NoAction("Nothing tracked is written outside ledger.action().")
    return actions[-1]


def current_event_uid() -> UUID:
    """Default of every history row's event: fails at once outside an action."""
    return current().uid


def surviving(items: Iterable[KeptItem]) -> list[KeptItem]:
    """Return those of `items` whose savepoint was not rolled back."""
    due = {id(getattr(hook[1], "__self__", None)) for hook in connection.run_on_commit}
    return [item for item in items if id(item) in due]


def forget_hooks() -> None:
    """Drop our markers from the connection's commit hooks once the event is written."""
    connection.run_on_commit = [
        hook for hook in connection.run_on_commit if not isinstance(getattr(hook[1], "__self__", None), Kept)
    ]
