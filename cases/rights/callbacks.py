"""What moves a rights request without a person: time, and whoever was told confirming that they stopped."""

from __future__ import annotations

from datetime import datetime

from cases.kernel import actors, clocks, record, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock
from cases.rights import effects, messages

__all__ = ["EXAMPLES", "go_on", "not_shown", "passed_on", "stopped"]

EXAMPLES: dict[str, dict[str, str]] = {"rights.stopped": {}}


def _machine(case: Case) -> Actor:
    return actors.system("rights", source=case.source)


def go_on(case: Case, clock: Clock, *, at: datetime) -> None:
    """Take the next step that needs nobody: carry a stop out, pass it on, or confirm it."""
    actor = _machine(case)
    _meet(case, clock, actor, at=at)
    if case.state == "received":
        transitions.apply(case.pk, "act", actor=actor, at=at)
    elif case.state == "actioned":
        transitions.apply(case.pk, "propagate" if messages.recipients(case) else "confirm", actor=actor, at=at)


def passed_on(case: Case, clock: Clock, *, at: datetime) -> None:
    """The 28 days are over: the person is told, and whoever has not confirmed becomes a task."""
    actor = _machine(case)
    _meet(case, clock, actor, at=at)
    if case.state == "propagating":
        transitions.apply(case.pk, "confirm", actor=actor, at=at)


def not_shown(case: Case, clock: Clock, *, at: datetime) -> None:
    """Nobody has shown who they are: somebody asks again, or refuses the request for that."""
    _meet(case, clock, _machine(case), at=at, task=effects.NOT_SHOWN if case.state == "identity_check" else "")


def _meet(case: Case, clock: Clock, actor: Actor, *, at: datetime, task: str = "") -> None:
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        if task:
            tasks.raise_task(task, case=case, at=at)
        clocks.refresh_due(case)
        case.save()


def stopped(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A recipient stopped. When it is the last one, the request is confirmed."""
    message = content.message
    if message is None or message.kind != messages.STOP.code:
        raise CaseError("This confirms no stop of the case.")
    detail = {"message": str(message.public_id), "agency": content.agency_code}
    occurred_at = min(content.occurred_at or at, at)
    with record.act(
        case, "stop.confirmed", actor=actor, at=at, occurred_at=occurred_at, cause=content.callback_uid, detail=detail
    ):
        case.version += 1
        case.save(update_fields=["version"])
    if case.state == "propagating" and not messages.unconfirmed(case, but=message):
        transitions.apply(case.pk, "confirm", actor=_machine(case), at=at, inputs={"confirming": 1})
