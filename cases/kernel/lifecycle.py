"""What a lifecycle is: plain data that code walks. No database, no clock, no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["COMMON", "Agreement", "Lifecycle", "State", "Transition"]

Guard = Callable[[Any], str | None]
Effect = Callable[[Any], None]
Condition = Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a case may stand. `tone` draws the tag; `step` is the place on the progress line. A dormant case waits for
    time alone and is nobody's work. A terminal state without a retention class keeps the kind's own."""

    code: str
    label: str
    tone: str = "info"
    step: str = ""
    is_terminal: bool = False
    is_dormant: bool = False
    retention_class: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One more person whom an act needs, by role; with `when`, only where the context says so. Two rows of one role
    are two different people. `asks` is a yes-or-no question that whoever agrees answers, and `answered` what who
    proposed it said to it: where the two differ, nobody has agreed. With `is_grave` whoever agrees signs in again, also
    where the act asks nobody else to."""

    role: str
    when: Condition | None = None
    asks: str = ""
    answered: Condition | None = None
    is_grave: bool = False

    def is_needed(self, context: Any) -> bool:
        return self.when is None or self.when(context)


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One permitted move.

    `target` None leaves the state. `roles` are role codes, or any_staff, system, agency, own-orders, own-detection.
    `distinct` names whom nobody who takes part may be: maker (shaped the case or asked for an approval), editor
    (changed it since it last moved), checker (decided on it before), requester (opened it), or the name of a move
    (made it, asked for it or agreed to it). `opens` names the act for which an approval opens on the digest; `decides`
    the act whose open approval this move decides, with `verdict`. `blocked_by` are the blocks of holds that stop it,
    beside those that name the move. A move that is not offered has a page of its own. `scope` all: people of
    other teams make it too.

    `agreed_by` makes it an act of several people: the first proposes, it happens when every needed role has agreed.
    `confirmed_by` lets it happen at once and asks each named role to look at it within one working day. `payload` are
    the rows such an approval is about, beside what was typed; without it, those of the kind's approvals.

    Guards read the context and return a sentence, or None; those that need nothing typed and are named in `foreseen`
    too are asked before the move is offered. Effects write, inside the same transaction and the same
    ledger event.
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
    agreed_by: tuple[Agreement, ...] = ()
    confirmed_by: tuple[Agreement, ...] = ()
    payload: Callable[[Any], list[Any]] | None = None
    needs_reason: bool = False
    reasons: tuple[tuple[str, str], ...] = ()
    is_grave: bool = False
    guards: tuple[Guard, ...] = ()
    foreseen: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    consequence: str = ""
    tone: str = "default"
    is_offered: bool = True
    blocked_by: frozenset[str] = frozenset()
    scope: str = "team"

    @property
    def is_by_hand(self) -> bool:
        """Whether any member of staff could make this move."""
        return not self.roles <= {"system", "agency", "own-orders", "own-detection"}

    @property
    def seconds(self) -> tuple[Agreement, ...]:
        """Everyone besides the actor who may have to agree or to confirm."""
        return (*self.agreed_by, *self.confirmed_by)

    @property
    def is_grave_to_second(self) -> bool:
        """Whether agreeing to it, or confirming it, asks for signing in again."""
        return self.is_grave or any(each.is_grave for each in self.seconds)


def _nothing_but_what_was_typed(_case: Any) -> list[Any]:
    return []


COMMON_STATES = (
    State(code="void", label="Void", tone="hold", is_terminal=True, retention_class="void"),
    State(code="merged", label="Merged", tone="hold", is_terminal=True),
)


@dataclass(frozen=True, kw_only=True)
class Common:
    """A move that every lifecycle has. `leaves` says from which states: the open ones, the ends, or all. Target "="
    leaves the state as it is."""

    name: str
    label: str
    leaves: str
    target: str
    consequence: str
    tone: str = "quiet"
    is_offered: bool = True


COMMON = (
    Common(
        name="void",
        label="Void: opened in error",
        leaves="open",
        target="void",
        consequence="A second person agrees; kept for 12 months, then erased",
    ),
    Common(
        name="merge",
        label="Merge into another case",
        leaves="open",
        target="merged",
        consequence="A second person agrees; this reference then leads to the other case",
    ),
    Common(
        name="reopen",
        label="Reopen",
        leaves="ends",
        target="",
        consequence="A second person agrees; work goes on and the retention clock stops",
    ),
    Common(
        name="release_hold",
        label="Release a hold",
        leaves="all",
        target="=",
        consequence="What it blocked may go on, unless another hold blocks it",
        is_offered=False,
    ),
    Common(
        name="split",
        label="Split: part of it goes to a new case",
        leaves="open",
        target="=",
        consequence="A second person agrees; the named people and copies of documents go to a new, linked case",
        is_offered=False,
    ),
    Common(
        name="detach",
        label="Detach a wrong person",
        leaves="all",
        target="=",
        consequence="Everybody who was told of this person is told to remove it; the row stays on record, as detached",
        is_offered=False,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """States and moves of one kind of case. `editable` are the states in which its content may change.

    Every kind also voids, merges and reopens, by the table above, unless it has a move of that name. `desk` proposes
    and `second` agrees; reopening leads to `reopens_to`. `final` are the ends that nothing leads out of. In `papers`
    nothing of the content may change any more, but papers that come later are still attached.
    """

    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    desk: frozenset[str] = frozenset()
    second: str = ""
    reopens_to: str = ""
    final: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()
    papers: frozenset[str] = frozenset()
    opening_roles: frozenset[str] = frozenset()
    steps: tuple[tuple[str, str], ...] = ()
    _common: list[Transition] = field(init=False, default_factory=list, repr=False, compare=False)
    _by_name: dict[str, Transition] = field(init=False, default_factory=dict, repr=False, compare=False)
    _by_state: dict[str, State] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = {transition.name for transition in self.transitions}
        common = tuple(_common(self, row) for row in COMMON if row.name not in own) if self.second else ()
        self._common.extend(common)
        self._by_name.update({transition.name: transition for transition in self.moves})
        self._by_state.update({state.code: state for state in self.all_states})

    def __getitem__(self, name: str) -> Transition:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def moves(self) -> tuple[Transition, ...]:
        """The kind's own moves and those that every kind has."""
        return (*self.transitions, *self._common)

    @property
    def all_states(self) -> tuple[State, ...]:
        """The kind's own states and those of a case that was void or merged."""
        return (*self.states, *(COMMON_STATES if self.second else ()))

    def state(self, code: str) -> State:
        return self._by_state[code]

    def leaving(self, code: str) -> tuple[Transition, ...]:
        """Return the moves that start from a state, in the order in which they are declared."""
        return tuple(transition for transition in self.moves if code in transition.source)


def _common(lifecycle: Lifecycle, row: Common) -> Transition:
    """Return one line of the common table as a move of this lifecycle."""
    ends = {state.code for state in lifecycle.all_states if state.is_terminal}
    sources = {
        "open": frozenset(state.code for state in lifecycle.all_states) - ends,
        "ends": frozenset(ends) - lifecycle.final,
        "all": frozenset(state.code for state in lifecycle.all_states),
    }
    return Transition(
        name=row.name,
        label=row.label,
        source=sources[row.leaves],
        target=None if row.target == "=" else row.target or lifecycle.reopens_to or lifecycle.initial,
        roles=lifecycle.desk,
        agreed_by=(Agreement(role=lifecycle.second),),
        is_offered=row.is_offered,
        payload=_nothing_but_what_was_typed,
        needs_reason=True,
        consequence=row.consequence,
        tone=row.tone,
    )
