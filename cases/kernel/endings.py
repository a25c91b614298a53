"""How a case ends, and what the moves that every kind has do: void, merge, reopen; splitting and detaching stand
beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from cases.kernel import (
    approvals,
    calendars,
    casetypes,
    clocks,
    holdkinds,
    holds,
    locks,
    policy,
    record,
    retention,
    tasks,
)
from cases.kernel.errors import CaseError
from cases.kernel.finding import joining
from cases.kernel.linking import detaching, splitting
from cases.kernel.models import Case, CaseParty, Hold, Letter
from cases.ledger import copying

__all__ = ["EFFECTS", "GUARDS", "close", "needs_another"]


AT_ONCE, FEW = 1000, 50
_KEPT = ("closed_date", "retention_class", "dispose_after_date")


def close(case: Case, *, retention_class: str, occurred_at: Any) -> None:
    """Give a case that has ended and everyone in it the closing date, inside the current ledger action; the caller
    saves the case. What it keeps is counted from the day of the act where the ending is said to be older: no date from
    outside ends the keeping early. A due date that a filing set for a person stays; the rest follow the case."""
    case.is_closed = True
    case.retention_class = retention_class or case.retention_class
    case.closed_date = calendars.london_date(occurred_at)
    counted_from = max(case.closed_date, calendars.london_date(case.changed_at))
    case.dispose_after_date = retention.dispose_after(case.retention_class, trigger_date=counted_from)
    for people in _people(case):
        for party in people:
            party.closed_date = case.closed_date
            if party.dispose_after_date is None:
                party.retention_class, party.dispose_after_date = case.retention_class, case.dispose_after_date
        _save(people)


def _people(case: Case) -> Iterator[list[CaseParty]]:
    """Yield the people of a case, so many at a time: a sale has as many as its accounts have holders."""
    last = 0
    while True:
        people = list(case.parties.filter(number__gt=last).order_by("number")[:AT_ONCE])
        yield people
        if len(people) < AT_ONCE:
            return
        last = people[-1].number


def _save(people: list[CaseParty]) -> None:
    """Write how long people are kept; where they are many, by one statement and one COPY of their history."""
    if len(people) > FEW:
        copying.copy_update(CaseParty, people, _KEPT)
        return
    for party in people:
        party.save(update_fields=_KEPT)


def nothing_left_the_firm(context: Any) -> str | None:
    return detaching.BEYOND if detaching.was_told(context.case) else None


def nothing_waits_for_a_decision(context: Any) -> str | None:
    """What an agency told of the case would be closed with it undecided, or stay where whom it is about is not."""
    incoming = casetypes.get(context.case.kind).incoming
    if incoming is None:
        return None
    waits = incoming.model._default_manager.filter(case=context.case, outcome__in=incoming.waiting)
    return "What an agency told of this case waits for a decision. Decide about it first." if waits.exists() else None


def records_are_there(context: Any) -> str | None:
    return "The records of this case are erased." if context.case.key.destroyed_at else None


def _other(context: Any) -> Case | None:
    try:
        uid = UUID(str(context.inputs.get("into", "")))
    except ValueError:
        return None
    return Case.objects.filter(uid=uid).first()


def names_a_case_to_merge_into(context: Any) -> str | None:
    case, other = context.case, _other(context)
    if other is None or not policy.can(context.actor, "view", case=other).is_allowed:
        return "Name the case it is merged into."
    if other.pk == case.pk:
        return "A case is not merged into itself."
    if (other.kind, other.is_restricted) != (case.kind, case.is_restricted) or other.is_closed:
        return "It can only be merged into an open case of the same kind."
    return None


def stop_all_work(context: Any) -> None:
    """Nothing is due any more: running clocks are cancelled, tasks closed, letters that wait withdrawn, and what else
    was asked for is void."""
    for clock in context.case.clocks.filter(ended_at=None):
        clock.state = clock.state if clock.state == "breached" else "cancelled"
        clock.ended_at = context.at
        clock.save(update_fields=["state", "ended_at"])
    for task in context.case.tasks.filter(closed_at=None):
        tasks.close(task, actor=context.actor, at=context.at, outcome=context.transition.name)
    for letter in Letter.objects.select_for_update().filter(case=context.case, state="due"):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])
    approvals.void_all(context.case, at=context.at)


def lead_to_the_other(context: Any) -> None:
    """The reference becomes a pointer; the other case tells of it, and is held by what held this one. Locks the other
    case without waiting, and looks once more under the lock whether it is open: what is merged into a case that has
    just ended would be worked on by nobody. Raises CaseError."""
    found = _other(context)
    other = locks.another_for_update(found.pk if found else 0)
    if other.is_closed:
        raise CaseError(f"{other.reference} has ended meanwhile. Merge it into another case, or reopen that one first.")
    context.case.merged_into = other
    with record.act(other, "case.merged_from", actor=context.actor, at=context.at, cause=None) as action:
        action.detail["reference"] = context.case.reference
        there = joining.joined_with(context.case, other)
        holds.carry(context.case, other, there, actor=context.actor, at=context.at, purpose="merge")
        if follow := casetypes.get(other.kind).reacts.get("people_go"):
            follow(context.case, other, there, at=context.at)
        other.version += 1
        other.changed_at = context.at
        other.save()


def open_again(context: Any) -> None:
    """Put a case back to work: nothing of it is due for erasing, it waits in the queue for whoever takes it, and the
    period in which its kind is worked on begins."""
    case, casetype = context.case, casetypes.get(context.case.kind)
    own = casetype.retention_class
    case.is_closed, case.merged_into, case.assignee = False, None, None
    case.closed_date = case.dispose_after_date = None
    case.retention_class = own
    for people in _people(case):
        for party in people:
            party.closed_date = party.dispose_after_date = None
            party.retention_class = own
        _save(people)
    if casetype.reopening_clock:
        clocks.start(case, casetype.reopening_clock, started_at=context.at)


def _hold(context: Any) -> Hold | None:
    number = str(context.inputs.get("hold", ""))
    return context.case.holds.filter(pk=int(number), released_at=None).first() if number.isdecimal() else None


def names_a_hold(context: Any) -> str | None:
    return None if _hold(context) else "This hold is released already."


def lift_hold(context: Any) -> None:
    hold = _hold(context)
    if hold is not None:
        hold.released_at, hold.released_by_id = context.at, context.actor.user_id
        hold.save(update_fields=["released_at", "released_by"])
        tasks.close_about(context.case, "hold_review", actor=context.actor, at=context.at, hold=hold.pk)


def needs_another(context: Any) -> bool:
    """Say whether a move with agreement needs it here: some holds are released by one person, and before anybody
    outside was told one person detaches."""
    if context.transition.name == "detach":
        return detaching.needs_another(context)
    hold = _hold(context) if context.transition.name == "release_hold" else None
    kind = holdkinds.KINDS.get(hold.kind) if hold else None
    return kind is None or kind.is_released_by_two


def is_divisible(context: Any) -> str | None:
    """What a case of this kind is about may be one thing alone."""
    return None if casetypes.get(context.case.kind).is_divisible else "A case of this kind is not divided."


# That nobody outside was told is asked of void and merge before anything is typed too: see standing.
GUARDS: Mapping[str, tuple[Callable[[Any], str | None], ...]] = {
    "void": (nothing_left_the_firm, nothing_waits_for_a_decision),
    "merge": (names_a_case_to_merge_into, nothing_left_the_firm, nothing_waits_for_a_decision),
    "reopen": (records_are_there,),
    "release_hold": (names_a_hold,),
    "split": (
        *(is_divisible, splitting.is_open_to_change, splitting.names_what_goes),
        *(nothing_left_the_firm, nothing_waits_for_a_decision),
    ),
    "detach": (detaching.names_a_person, records_are_there),
}
EFFECTS: Mapping[str, tuple[Callable[[Any], None], ...]] = {
    "void": (stop_all_work,),
    "merge": (stop_all_work, lead_to_the_other),
    "reopen": (open_again,),
    "release_hold": (lift_hold,),
    "split": (splitting.split_off,),
    "detach": (detaching.detach_person,),
}
