"""The only writer of `Case.state`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from cases.kernel import approvals, casetypes, clocks, endings, locks, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.lifecycle import Agreement, Transition
from cases.kernel.models import Approval, Case
from cases.kernel.prepared import Prepared
from cases.kernel.standing import Standing
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
    """What a guard reads and an effect writes with: the locked case, who acts, when, why, and what was typed.

    Of an act of several people the actor is who agreed last, `proposer` the label of who asked for it; reason and
    inputs are the proposer's.
    """

    case: Case
    transition: Transition
    actor: Actor
    at: datetime
    occurred_at: datetime
    reason: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    request: ledger.RequestInfo | None = None
    proposer: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """The agreement that makes a proposed act happen: which approval, in which role, and what was said with it."""

    approval: Approval
    role: str
    reason: str = ""
    answer: str = ""


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
    locked: Case | None = None,
) -> Case:
    """Move a case along one transition; where it needs other people's agreement, propose it.

    Locks the case row; checks state, policy, four eyes, holds and guards; writes the state, what the transition's
    effects write, one ledger event and the outbox messages in the same transaction. A proposal only opens an approval
    on what was typed and what the case says: verdicts.decide makes the act happen. `at` is aware UTC; `occurred_at`
    is when it is said to have happened, never later than `at`, and starts legal clocks. `locked` is the case as the
    caller has locked it in this transaction and written nothing to it since: it is not read again, and stays as it is,
    whatever becomes of the move. Raises TransitionRefused
    (AlreadyThere when the case is past it) or CaseChanged when `version` is no longer the case's; nothing of the case
    is then written and the refusal is counted in the security log.
    """
    case = None
    try:
        with transaction.atomic():
            case = locks.case_for_update(case_id) if locked is None else casetypes.apart(locked)
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
            check(context)
            needs = needed(context, context.transition.agreed_by) if endings.needs_another(context) else []
            if needs:
                _propose(context, needs, cause=cause)
            else:
                move(context, cause=cause)
            return case
    except CaseError:
        security.note("transition_refused", actor=actor.label, at=at, act=name, case_id=case_id, **record.within(case))
        raise


def _transition(case: Case, name: str) -> Transition:
    lifecycle = casetypes.get(case.kind).lifecycle
    if name not in lifecycle:
        raise TransitionRefused("This kind of case knows no such step.")
    return lifecycle[name]


def check(context: Context) -> None:
    """Raise TransitionRefused (AlreadyThere) with every reason why the actor cannot make or propose the move."""
    check_state(context)
    refusals = Standing(context.case, context.actor, is_deciding=True, at=context.at).refusals(context.transition)
    refusals = refusals or typed_refusals(context)
    if refusals:
        raise TransitionRefused(" ".join(refusals))


def check_state(context: Context) -> None:
    """Raise TransitionRefused (AlreadyThere) when the move does not start where the case stands."""
    case, move = context.case, context.transition
    if case.state not in move.source:
        refused = AlreadyThere if _is_behind(case, move) else TransitionRefused
        standing = casetypes.get(case.kind).lifecycle.state(case.state).label.lower()
        raise refused(f"{case.reference} is {standing}; this step is not open: {move.label.lower()}.")


def _is_behind(case: Case, move: Transition) -> bool:
    """Whether the case stands in the move's target, or somewhere the kind's own moves lead on to from there; of a move
    that may be made more than once, whether none of the states that it is made from can come again.

    A case that was reopened stands before the move again: what is said of it then is news.
    """
    if move.target is None or move.target in move.source:
        return case.state in _onwards(case, move.source) and not _onwards(case, {case.state}) & move.source
    return case.state in _onwards(case, {move.target})


def _onwards(case: Case, states: Collection[str]) -> set[str]:
    """Return these states and all that the kind's own moves lead on to from them."""
    own = casetypes.get(case.kind).lifecycle.transitions
    reached: set[str] = set()
    frontier = set(states)
    while frontier:
        state = frontier.pop()
        reached.add(state)
        frontier |= {each.target for each in own if state in each.source and each.target} - reached
    return reached


def typed_refusals(context: Context) -> list[str]:
    """Why the move cannot be made with what was typed, and as the case now stands."""
    move = context.transition
    missing = ["Give a reason."] if move.needs_reason and not context.reason else []
    guards = (*move.guards, *endings.GUARDS.get(move.name, ()))
    return [*missing, *(sentence for guard in guards if (sentence := guard(context)))]


def needed(context: Context, rows: tuple[Agreement, ...]) -> list[str]:
    """Return the roles that have to agree or confirm, as this case and what was typed want them."""
    return [row.role for row in rows if row.is_needed(context)]


def _given(context: Context) -> dict[str, Any]:
    return {
        "by": context.actor.label,
        "reason": context.reason,
        "inputs": dict(context.inputs),
        "occurred_at": context.occurred_at,
    }


def _propose(context: Context, needs: list[str], *, cause: UUID | None) -> None:
    case, move = context.case, context.transition
    with record.act(
        case,
        "act.proposed",
        actor=context.actor,
        at=context.at,
        reason=context.reason,
        cause=cause,
        request=context.request,
        detail={"act": move.name, "needs": needs},
    ):
        approvals.open_approval(case, move.name, maker=context.actor, needs=needs, at=context.at, given=_given(context))
        case.version += 1
        case.changed_at = context.at
        case.save()


def move(context: Context, *, cause: UUID | None = None, agreed: Agreed | None = None) -> None:
    """Make a checked move on a locked case: state, effects, approvals and one ledger event. `agreed` is the last
    agreement to what somebody proposed; its reason is the event's."""
    case, transition, at = context.case, context.transition, context.at
    detail: dict[str, object] = {"from": case.state, "to": transition.target or case.state}
    detail |= {"proposed_by": context.proposer} if context.proposer else {}
    detail |= {"answer": agreed.answer} if agreed is not None and agreed.answer else {}
    with record.act(
        case,
        f"{case.kind}.{transition.name}",
        actor=context.actor,
        at=at,
        reason=context.reason if agreed is None else agreed.reason,
        occurred_at=context.occurred_at,
        cause=cause,
        request=context.request,
        detail=detail,
    ):
        if agreed is not None:
            approvals.decide(agreed.approval, checker=context.actor, role=agreed.role, verdict="agreed", at=at)
        if transition.decides:
            role = next(iter(sorted(transition.roles & context.actor.roles)), "")
            waiting = approvals.open_for(case, transition.decides)
            approvals.decide(waiting, checker=context.actor, role=role, verdict=transition.verdict, at=at)
        if transition.target:
            case.state = transition.target
        for effect in (*transition.effects, *endings.EFFECTS.get(transition.name, ())):
            effect(context)
        if follow := casetypes.get(case.kind).common_effects.get(transition.name):
            follow(context)
        if transition.opens:
            approvals.open_approval(
                case, transition.opens, maker=context.actor, needs=[transition.approver_role], at=at
            )
        if roles := needed(context, transition.confirmed_by):
            _ask_afterwards(context, roles)
        _settle(context)


def _ask_afterwards(context: Context, roles: list[str]) -> None:
    """It has happened; the named roles look at it within one working day."""
    case, at = context.case, context.at
    clock = clocks.start(case, "check_after", started_at=at)
    approvals.open_approval(
        case,
        context.transition.name,
        maker=context.actor,
        needs=roles,
        at=at,
        mode="after",
        due_at=clock.due_at,
        given=_given(context),
    )
    tasks.raise_task("check_after", case=case, at=at, due_at=clock.due_at, act=context.transition.name)


def _settle(context: Context) -> None:
    """Write what every move changes on the case: version, times, the next due moment, and its end if it ends with this.
    What is done on a case that has ended changes nothing of how long it is kept: UK GDPR Art 5(1)(e)."""
    case = context.case
    case.version += 1
    case.changed_at = context.at
    state = casetypes.get(case.kind).lifecycle.state(case.state)
    ends = state.is_terminal and bool(context.transition.target)
    is_proposed, due_at, is_asked = _left(clocks.of_work()).rows(case=case.pk)[0]
    if not (is_proposed or ends):
        case.due_at, case.is_dormant = due_at, state.is_dormant and due_at is None and not is_asked
        case.save()
        return
    approvals.void_overtaken(case, at=context.at)
    if ends:
        endings.close(case, retention_class=state.retention_class, occurred_at=context.occurred_at)
        tasks.close_with_case(case, actor=context.actor, at=context.at)
    clocks.refresh_due(case)
    case.is_dormant = state.is_dormant and tasks.rests(case)
    case.save()


@lru_cache(maxsize=8)
def _left(work: tuple[str, ...]) -> Prepared:
    """Return the query of what a case has left: whether an act is proposed, when the first clock of these rules is due,
    and whether a task is open."""

    def build(*, case: int) -> QuerySet[Case, Any]:
        left = Case.objects.filter(pk=case).annotate(
            is_proposed_=Exists(approvals.proposed(OuterRef("pk"))),
            due_at_=Subquery(clocks.live_of(OuterRef("pk"), work).values("due_at")[:1]),
            is_asked_=Exists(tasks.open_of(OuterRef("pk"))),
        )
        return left.values_list("is_proposed_", "due_at_", "is_asked_")

    return Prepared(build, case=-(10**15) - 1)


def offers(case: Case, actor: Actor, *, standing: Standing | None = None, at: datetime | None = None) -> list[Offer]:
    """Return every move that leaves the present state and a person could make, each with the reasons why not.

    Reads the case as given: no lock, one query, and what guards read that a move foresees, where `at` is given. The
    page may be out of date; `apply` decides.
    """
    casetype = casetypes.get(case.kind)
    standing = standing or Standing(case, actor, is_deciding=False)
    return [
        Offer(
            transition=move,
            refusals=tuple(standing.refusals(move) or _foreseen(case, move, actor, at=at)),
            is_grave=move.is_grave,
            form=casetype.transition_forms.get(move.name),
        )
        for move in casetype.lifecycle.leaving(case.state)
        if move.is_by_hand and move.is_offered
    ]


def _foreseen(case: Case, move: Transition, actor: Actor, *, at: datetime | None) -> list[str]:
    """Why a move that this person may make would be refused whatever is typed."""
    if at is None or not move.foreseen:
        return []
    context = Context(case=case, transition=move, actor=actor, at=at, occurred_at=at)
    return [sentence for guard in move.foreseen if (sentence := guard(context))]
