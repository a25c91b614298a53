"""What follows when a breach moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.disclosure.breach import codes, messages, periods
from cases.kernel import clocks, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, OutboxMessage, Task
from cases.ledger import sealing

__all__ = [
    "BY_HAND",
    "PEOPLE",
    "ask_by_hand",
    "assess",
    "end_periods",
    "is_stuck",
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
    """Keep how many and how badly, and which Commissioner the secrecy test leads to. People who are likely to be harmed
    are told too, unless secrecy forbids that."""
    inputs = context.inputs
    is_secret = inputs["is_secret"] == "yes"
    _keep(
        context,
        ("secrecy", "consequences"),
        people_count=int(inputs["people_count"]),
        risk=str(inputs["risk"]),
        route=codes.IPC if is_secret else codes.ICO,
    )
    if inputs["risk"] == codes.TELL_THE_PEOPLE and not is_secret:
        tasks.raise_task(PEOPLE, case=context.case, at=context.at)


def notify(context: Any) -> None:
    """Promise the notice; where nothing can be sent, a task asks for it by hand. K09 is met when they have it."""
    case, at = context.case, context.at
    _keep(context, ("measures", "delay"), notified_at=at)
    if messages.tell(case, actor=context.actor, at=at) is None:
        ask_by_hand(case, at=at)


def ask_by_hand(case: Case, *, at: datetime, **detail: Any) -> None:
    """Ask a person to tell the Commissioner, by the end of K09, inside the current ledger action."""
    clock = case.clocks.filter(rule=periods.TELL, ended_at=None).first()
    tasks.raise_task(BY_HAND, case=case, at=at, due_at=clock.due_at if clock else None, **detail)


def told_by_hand(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody told the Commissioner; the reason of the task says how."""
    messages.told_by_hand(case, actor=system("by_hand", source=case.source), at=at)
    clocks.meet(case, periods.TELL, at=at)
    clocks.refresh_due(case)


def is_stuck(case: Case) -> bool:
    """Say whether the notice did not get there by itself, and nothing is on its way that would."""
    sent = list(OutboxMessage.objects.filter(case=case, kind__in=[kind.code for kind in messages.ALL]))
    return bool(sent) and all(message.state in GIVEN_UP for message in sent)


def note_told(context: Any) -> None:
    """Where the notice could not be delivered, a person told the Commissioner: that meets K09."""
    case, at = context.case, context.at
    if not is_stuck(case) or not case.clocks.filter(rule=periods.TELL, ended_at=None).exists():
        return
    _keep(context, ("told_how",))
    messages.told_by_hand(case, actor=context.actor, at=at)
    clocks.meet(case, periods.TELL, at=at)


def keep_measures(context: Any) -> None:
    _keep(context, ("measures", "untold"))


def end_periods(context: Any) -> None:
    """Nothing more is due, whether it was told or need not be."""
    clocks.end(context.case, periods.TELL, at=context.at, state="cancelled")
    for kind in (BY_HAND, PEOPLE):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)
