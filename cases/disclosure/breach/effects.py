"""What follows when a breach moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from cases.disclosure.breach import codes, messages, periods
from cases.kernel import clocks, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock, OutboxMessage, Release, Task
from cases.ledger import sealing

__all__ = [
    "BY_HAND",
    "PEOPLE",
    "ask_by_hand",
    "ask_in_time",
    "assess",
    "count_again",
    "end_periods",
    "has_notice",
    "is_being_sent",
    "is_stuck",
    "is_told",
    "keep_measures",
    "note_told",
    "notify",
    "told_by_hand",
]

BY_HAND, PEOPLE = "breach_tell_by_hand", "breach_tell_people"
tasks.declare(
    {
        BY_HAND: "Tell the Commissioner of the breach by hand: form, telephone or letter",
        PEOPLE: "Tell the people whom the breach is likely to harm",
    }
)
clocks.due_with(periods.TELL, BY_HAND)
# A notice in one of these states gets to nobody by itself.
GIVEN_UP = frozenset({"dead", "unknown", "refused", "skipped", "withdrawn", "superseded"})
ARRIVED = ("delivered", "acknowledged")


def _keep(context: Any, names: tuple[str, ...], **plain: Any) -> None:
    row, typed = context.case.breach, {}
    for name in names:
        if text := str(context.inputs.get(name) or "").strip():
            typed[name] = text
    for name, value in plain.items():
        setattr(row, name, value)
    sealing.seal(row, typed, key=row.key)
    row.save(update_fields=[*plain, *typed])


def assess(context: Any) -> None:
    """Keep how many and how badly, and which Commissioner the secrecy test leads to: where that one was not told yet,
    the 72 hours run. People who are likely to be harmed are told too, unless secrecy forbids that; asked once."""
    case, inputs = context.case, context.inputs
    is_secret = inputs["is_secret"] == "yes"
    _keep(
        context,
        ("secrecy", "consequences"),
        people_count=int(inputs["people_count"]),
        risk=str(inputs["risk"]),
        route=codes.IPC if is_secret else codes.ICO,
        notified_at=None,
    )
    count_again(context)
    asked = case.tasks.filter(Q(closed_at=None) | Q(outcome="done"), kind=PEOPLE)
    if inputs["risk"] != codes.TELL_THE_PEOPLE or is_secret:
        _close(asked.filter(closed_at=None), context, "not_needed")
    elif not asked.exists():
        tasks.raise_task(PEOPLE, case=case, at=context.at)


def count_again(context: Any) -> None:
    """Let the 72 hours run from when the breach was first known (K09), where none run and the Commissioner of its route
    was not told: a breach that is opened again is as late as it is."""
    case = context.case
    if _running(case).exists() or is_told(case):
        return
    clocks.start(case, periods.TELL, started_at=case.breach.aware_at)
    clocks.refresh_due(case)


def notify(context: Any) -> None:
    """Promise the notice; where nothing can be sent, a task asks for it by hand. K09 is met when they have it."""
    case, at = context.case, context.at
    _keep(context, ("measures", "delay"), notified_at=at)
    if messages.tell(case, actor=context.actor, at=at) is None:
        ask_by_hand(case, at=at)


def ask_by_hand(case: Case, *, at: datetime, **detail: Any) -> None:
    """Ask a person to tell the Commissioner, by the end of K09, inside the current ledger action. Asked again, what was
    asked before is closed."""
    clock = _running(case).first()
    for task in case.tasks.filter(kind=BY_HAND, closed_at=None):
        tasks.close(task, actor=system("by_hand", source=case.source), at=at, outcome="asked_again")
    tasks.raise_task(BY_HAND, case=case, at=at, due_at=clock.due_at if clock else None, **detail)


def ask_in_time(case: Case, _clock: Clock, *, at: datetime) -> None:
    """The 72 hours end soon and the notice still waits: a person tells the Commissioner."""
    if case.state == "notified" and not case.tasks.filter(kind=BY_HAND, closed_at=None).exists():
        ask_by_hand(case, at=at)


def told_by_hand(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody told the Commissioner; the reason of the task says how."""
    messages.told_by_hand(case, actor=system("by_hand", source=case.source), at=at)
    clocks.meet(case, periods.TELL, at=at)
    clocks.refresh_due(case)


def _running(case: Case) -> QuerySet[Clock]:
    return case.clocks.filter(rule=periods.TELL, ended_at=None)


def _sent(case: Case) -> list[OutboxMessage]:
    """Return the notices since the case was last notified."""
    rows = OutboxMessage.objects.filter(case=case, kind__in=[kind.code for kind in messages.ALL])
    return list(rows.filter(created_at__gte=case.breach.notified_at)) if case.breach.notified_at else []


def is_told(case: Case, *, since: datetime | None = None) -> bool:
    """Say whether the Commissioner of the case's route has a notice: one arrived, or a person told them. With `since`,
    one of then or later."""
    if not case.breach.route:
        return False
    kind, first = messages.code_of(case), since or case.opened_at
    return (
        OutboxMessage.objects.filter(case=case, kind=kind, state__in=ARRIVED, created_at__gte=first).exists()
        or case.tasks.filter(kind=BY_HAND, outcome="done", closed_at__gte=first).exists()
        or Release.objects.filter(case=case, message_kind=kind, message=None, released_at__gte=first).exists()
    )


def has_notice(case: Case) -> bool:
    """Say whether the Commissioner has what was last notified, and that is on record."""
    since = case.breach.notified_at
    return since is not None and not _running(case).exists() and is_told(case, since=since)


def is_stuck(case: Case) -> bool:
    """Say whether the notice did not get there by itself, and nothing is on its way that would."""
    sent = _sent(case)
    return bool(sent) and all(message.state in GIVEN_UP for message in sent)


def is_being_sent(case: Case) -> bool:
    """Say whether the notice is leaving at this moment."""
    return any(message.state == "sending" for message in _sent(case))


def note_told(context: Any) -> None:
    """Where the notice did not get there, a person told the Commissioner: that meets K09, and what waits is taken
    back."""
    case, at = context.case, context.at
    is_said = bool(str(context.inputs.get("told_how") or "").strip())
    if case.breach.notified_at is None or not is_said or has_notice(case):
        return
    _keep(context, ("told_how",))
    messages.told_by_hand(case, actor=context.actor, at=at)
    clocks.meet(case, periods.TELL, at=at)
    tasks.close_all(case, BY_HAND, actor=context.actor, at=at)


def keep_measures(context: Any) -> None:
    _keep(context, ("measures", "untold"))


def end_periods(context: Any) -> None:
    """Nothing more is due, whether it was told or need not be."""
    clocks.end(context.case, periods.TELL, at=context.at, state="cancelled")
    _close(context.case.tasks.filter(kind="clock_over", detail__rule=periods.TELL, closed_at=None), context, "closed")
    _close(context.case.tasks.filter(kind__in=(BY_HAND, PEOPLE), closed_at=None), context, context.transition.name)


def _close(open_tasks: QuerySet[Task], context: Any, outcome: str) -> None:
    for task in open_tasks:
        tasks.close(task, actor=context.actor, at=context.at, outcome=outcome)
