"""The only writer of `Case.state`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction

from cases.kernel import approvals, calendars, casetypes, clocks, holds, locks, policy, record, retention
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.lifecycle import Transition
from cases.kernel.models import ApprovalDecision, Case
from cases.ledger import api as ledger
from cases.ledger import security

__all__ = ["AlreadyThere", "Context", "Offer", "TransitionRefused", "apply", "offers"]


class TransitionRefused(CaseError):
    """The case may not make this move now, or not by this actor; the message is fit to show to staff."""


class AlreadyThere(TransitionRefused):
    """The move lies behind the case: what is asked for has happened before, or is overtaken."""


class CaseChanged(CaseError):
    """Somebody changed the case after the page was read."""


@dataclass(kw_only=True)
class Context:
    """What a guard reads and an effect writes with: the locked case, who acts, when, why, and what was typed."""

    case: Case
    transition: Transition
    actor: Actor
    at: datetime
    occurred_at: datetime
    reason: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    request: ledger.RequestInfo | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A move and why it cannot be made now; no refusal means it can."""

    transition: Transition
    refusals: tuple[str, ...] = ()
    is_grave: bool = False
    form: type | None = None

    @property
    def is_open(self) -> bool:
        return not self.refusals


def apply(
    case_id: int,
    name: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    inputs: Mapping[str, Any] | None = None,
    occurred_at: datetime | None = None,
    version: int | None = None,
    cause: UUID | None = None,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Move a case along one transition.

    Locks the case row; checks state, policy, four eyes, holds and guards; writes the state, what the transition's
    effects write, one ledger event and the outbox messages in the same transaction. `at` is aware UTC; `occurred_at`
    is when it is said to have happened, never later than `at`, and starts legal clocks. Raises TransitionRefused
    (AlreadyThere when the case is past it) or CaseChanged when `version` is no longer the case's; nothing of the case
    is then written and the refusal is counted in the security log.
    """
    try:
        with transaction.atomic():
            case = locks.case_for_update(case_id)
            if version is not None and version != case.version:
                raise CaseChanged("Somebody changed this case while you were reading it.")
            context = Context(
                case=case,
                transition=_transition(case, name),
                actor=actor,
                at=at,
                occurred_at=min(occurred_at or at, at),
                reason=reason.strip(),
                inputs=inputs or {},
                request=request,
            )
            _check(context)
            _move(context, cause=cause)
            return case
    except CaseError:
        security.note("transition_refused", actor=actor.label, at=at, act=name, case_id=case_id)
        raise


def _transition(case: Case, name: str) -> Transition:
    lifecycle = casetypes.get(case.kind).lifecycle
    if name not in lifecycle:
        raise TransitionRefused("This kind of case knows no such step.")
    return lifecycle[name]


def _check(context: Context) -> None:
    case, move = context.case, context.transition
    lifecycle = casetypes.get(case.kind).lifecycle
    if case.state not in move.source:
        refused = AlreadyThere if _is_behind(case, move) else TransitionRefused
        standing = lifecycle.state(case.state).label.lower()
        raise refused(f"{case.reference} is {standing}; this step is not open: {move.label.lower()}.")
    refusals = Standing(case, context.actor, is_deciding=True).refusals(move) or _typed_refusals(context)
    if refusals:
        raise TransitionRefused(" ".join(refusals))


def _is_behind(case: Case, move: Transition) -> bool:
    """Whether the case stands in the move's target, or somewhere only reached through it."""
    lifecycle = casetypes.get(case.kind).lifecycle
    reached, frontier = set(), {move.target or case.state}
    while frontier:
        state = frontier.pop()
        reached.add(state)
        frontier |= {each.target for each in lifecycle.leaving(state) if each.target} - reached
    return case.state in reached


class Standing:
    """How one actor stands to one case; each question is asked of the database at most once, and only if needed."""

    def __init__(self, case: Case, actor: Actor, *, is_deciding: bool) -> None:
        self.case, self.actor, self.is_deciding = case, actor, is_deciding

    @cached_property
    def has_made(self) -> bool:
        return approvals.has_made(self.case, self.actor)

    @cached_property
    def has_checked(self) -> bool:
        return ApprovalDecision.objects.filter(approval__case=self.case, checker_id=self.actor.user_id).exists()

    @cached_property
    def blocked(self) -> frozenset[str]:
        return holds.blocked_acts(self.case)

    def refusals(self, move: Transition) -> list[str]:
        """Why the actor cannot make the move, as far as can be said before anything is typed."""
        casetype = casetypes.get(self.case.kind)
        decision = policy.can(
            self.actor, f"{self.case.kind}.{move.name}", case=self.case, agency_kinds=casetype.agency_kinds
        )
        found = [] if decision.is_allowed else [decision.sentence]
        if "maker" in move.distinct and self.has_made:
            found.append("You prepared this case. Another person must decide.")
        if "checker" in move.distinct and self.has_checked:
            found.append("You decided on this case before. Another person must do this.")
        if move.decides and move.verdict == "agreed":
            unfit = approvals.refusal(self.case, move.decides, compares_digest=self.is_deciding)
            found.extend([unfit] if unfit else [])
        if move.name in self.blocked:
            found.append(holds.SENTENCE)
        return found


def _typed_refusals(context: Context) -> list[str]:
    move = context.transition
    missing = ["Give a reason."] if move.needs_reason and not context.reason else []
    return [*missing, *(sentence for guard in move.guards if (sentence := guard(context)))]


def _move(context: Context, *, cause: UUID | None) -> None:
    case, move, at = context.case, context.transition, context.at
    detail: dict[str, object] = {"from": case.state, "to": move.target or case.state}
    with record.act(
        case,
        f"{case.kind}.{move.name}",
        actor=context.actor,
        at=at,
        reason=context.reason,
        occurred_at=context.occurred_at,
        cause=cause,
        request=context.request,
        detail=detail,
    ):
        if move.decides:
            role = next(iter(sorted(move.roles & context.actor.roles)), "")
            approvals.decide(case, move.decides, checker=context.actor, role=role, verdict=move.verdict, at=at)
        if move.target:
            case.state = move.target
        for effect in move.effects:
            effect(context)
        if move.opens:
            approvals.open_approval(case, move.opens, maker=context.actor, needs=[move.approver_role], at=at)
        _settle(context)


def _settle(context: Context) -> None:
    """Write what every move changes on the case: version, times, the next due moment, and its end if it has ended."""
    case = context.case
    case.version += 1
    case.changed_at = context.at
    state = casetypes.get(case.kind).lifecycle.state(case.state)
    if state.is_terminal:
        case.is_closed = True
        case.retention_class = state.retention_class or case.retention_class
        case.closed_date = calendars.london_date(context.occurred_at)
        case.dispose_after_date = retention.dispose_after(case.retention_class, trigger_date=case.closed_date)
        _close_parties(case)
    clocks.refresh_due(case)
    case.save()


def _close_parties(case: Case) -> None:
    """Give everyone the closing date. A due date that a filing set stays; the rest follow the case."""
    for party in case.parties.all():
        party.closed_date = case.closed_date
        if party.dispose_after_date is None:
            party.retention_class, party.dispose_after_date = case.retention_class, case.dispose_after_date
        party.save(update_fields=["closed_date", "retention_class", "dispose_after_date"])


def offers(case: Case, actor: Actor) -> list[Offer]:
    """Return every move that leaves the present state and a person could make, each with the reasons why not.

    Reads the case as given: no lock, a few queries. The page may be out of date; `apply` decides.
    """
    casetype = casetypes.get(case.kind)
    standing = Standing(case, actor, is_deciding=False)
    return [
        Offer(
            transition=move,
            refusals=tuple(standing.refusals(move)),
            is_grave=move.is_grave,
            form=casetype.transition_forms.get(move.name),
        )
        for move in casetype.lifecycle.leaving(case.state)
        if move.is_by_hand
    ]
