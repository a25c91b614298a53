"""What kinds of office change there are: the value `Kind`, and the table of them that composition installs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Proposal
from cases.ledger import api as ledger

__all__ = [
    "Change",
    "Kind",
    "Line",
    "Payload",
    "ProposalRefused",
    "ProposalStale",
    "all_kinds",
    "get",
    "install",
    "known",
    "rules",
]

Payload = Mapping[str, Any]


class ProposalRefused(CaseError):
    """The change cannot be proposed or decided like this. `errors` names the fields, "" the whole."""

    def __init__(self, sentence: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.errors = dict(errors or {})


class ProposalStale(ProposalRefused):
    """Somebody was faster: it is decided, or no longer fits what it would change."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of what changes: its name, what stands there now and what would. Both are text for people."""

    label: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """An agreed change, as `Kind.apply` gets it: inside a transaction and the proposal's open ledger action.

    `payload` has the sealed values too; `actor` is who made it so: the checker, or the maker alone.
    """

    proposal: Proposal
    payload: Payload
    actor: Actor
    at: datetime
    request: ledger.RequestInfo | None = None


def _nothing(_payload: Payload) -> dict[str, Any]:
    return {}


def _nobody(_payload: Payload) -> int | None:
    return None


def _fine(_payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of change. `checkers` None: no second person.

    `subject` names what is changed, in codes; one proposal of a kind may wait for each. `state` returns what stands
    there now, in JSON: when it differs at the decision, the proposal is stale. `check` returns a sentence for each
    field at fault. `describe` takes state and payload. `needs` narrows the checkers by payload, to nobody if empty.
    `about` names the member of staff it concerns, who never decides it. `sealed` are payload fields that may name
    people. `meanwhile` happens at once while a second person has yet to agree; `undo` takes it back if they do not;
    `meanwhile_says` tells readers of it.
    `form` is a ChangeForm; without one the kind is proposed from a page of its own.
    """

    code: str
    label: str
    makers: frozenset[str]
    checkers: frozenset[str] | None
    subject: Callable[[Payload], str]
    apply: Callable[[Change], None]
    describe: Callable[[Payload, Payload], list[Line]]
    state: Callable[[Payload], Payload] = _nothing
    check: Callable[..., Mapping[str, str]] = _fine
    needs: Callable[[Payload], frozenset[str]] | None = None
    about: Callable[[Payload], int | None] = _nobody
    title: Callable[[Proposal], str] | None = None
    sealed: tuple[str, ...] = ()
    meanwhile: Callable[[Change], None] | None = None
    undo: Callable[[Change], None] | None = None
    meanwhile_says: str = ""
    form: type | None = None
    is_grave: bool = True


_kinds: dict[str, Kind] = {}


def install(kinds: Iterable[Kind]) -> None:
    """Replace the table of kinds. Called once, when Django has loaded."""
    _kinds.clear()
    _kinds.update({kind.code: kind for kind in kinds})


def get(code: str) -> Kind:
    """Return a kind. Raises NotVisible for a code that names none."""
    if code not in _kinds:
        raise NotVisible
    return _kinds[code]


def known(code: str) -> Kind | None:
    """Return a kind, or None for one of old that the table no longer has."""
    return _kinds.get(code)


def all_kinds() -> tuple[Kind, ...]:
    return tuple(_kinds.values())


def rules() -> list[policy.Rule]:
    """Return the rights the table gives: who proposes and who decides each kind."""
    found = []
    for kind in _kinds.values():
        found.append(policy.Rule(act=f"propose.{kind.code}", roles=kind.makers, scope="all", is_grave=kind.is_grave))
        if kind.checkers:
            found.append(policy.Rule(act=f"decide.{kind.code}", roles=kind.checkers, scope="all", is_grave=True))
    return found
