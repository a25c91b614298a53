"""What a lifecycle is: plain data that code walks. No database, no clock, no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Lifecycle", "State", "Transition"]

Guard = Callable[[Any], str | None]
Effect = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a case may stand. `tone` draws the tag; `step` is the place on the progress line."""

    code: str
    label: str
    tone: str = "info"
    step: str = ""
    is_terminal: bool = False
    retention_class: str = ""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One permitted move.

    `target` None leaves the state. `roles` are role codes, or any_staff, system, agency, own-orders, own-detection.
    `distinct` names whom the actor may not be: maker, checker. `opens` names the act for which an approval opens on
    the digest; `decides` the act whose open approval this move decides, with `verdict`. Guards read the context and
    return a sentence, or None; effects write, inside the same transaction and the same ledger event.
    """

    name: str
    label: str
    source: frozenset[str]
    target: str | None
    roles: frozenset[str]
    distinct: frozenset[str] = frozenset()
    opens: str = ""
    approver_role: str = ""
    decides: str = ""
    verdict: str = ""
    needs_reason: bool = False
    reasons: tuple[tuple[str, str], ...] = ()
    is_grave: bool = False
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    consequence: str = ""
    tone: str = "default"

    @property
    def is_by_hand(self) -> bool:
        """Whether any member of staff could make this move."""
        return not self.roles <= {"system", "agency", "own-orders", "own-detection"}


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """States and moves of one kind of case. `editable` are the states in which its content may change."""

    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    editable: frozenset[str] = frozenset()
    opening_roles: frozenset[str] = frozenset()
    steps: tuple[tuple[str, str], ...] = ()
    _by_name: dict[str, Transition] = field(default_factory=dict, repr=False, compare=False)
    _by_state: dict[str, State] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({transition.name: transition for transition in self.transitions})
        self._by_state.update({state.code: state for state in self.states})

    def __getitem__(self, name: str) -> Transition:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def state(self, code: str) -> State:
        return self._by_state[code]

    def leaving(self, code: str) -> tuple[Transition, ...]:
        """Return the moves that start from a state, in the order in which they are declared."""
        return tuple(transition for transition in self.transitions if code in transition.source)
