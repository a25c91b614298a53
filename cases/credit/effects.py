"""What follows when a check moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from typing import Any

from cases.credit import deciding, guards, keeping, letters, periods
from cases.kernel import clocks, tasks

__all__ = ["AGAIN", "OWNER", "REFERRED", "close", "decide", "redecide", "refer"]

REFERRED, AGAIN, OWNER = "check_referred", guards.AGAIN, "check_rules_to_look_at"
tasks.declare(
    {
        REFERRED: "A check was referred: decide it",
        AGAIN: "A contest was decided for the person: decide the check again",
        OWNER: "The rules decided wrongly: look whether they are right",
    },
    ended_by={
        REFERRED: "This ends when the check is decided.",
        AGAIN: "This ends when the check is decided again.",
    },
)


def refer(context: Any) -> None:
    case = context.case
    case.check_facts.referred_for = list(context.inputs.get("reasons") or ())
    case.check_facts.save(update_fields=["referred_for"])
    clocks.end(case, periods.SEARCHES, at=context.at, state="met")
    clock = clocks.start(case, periods.REFERRED, started_at=context.at)
    tasks.raise_task(REFERRED, case=case, at=context.at, due_at=clock.due_at)


def decide(context: Any) -> None:
    """Keep the decision with the letters it owes; from them the 30 days run."""
    case, at, inputs = context.case, context.at, context.inputs
    is_alone = context.actor.kind == "system"
    deciding.keep(
        case,
        inputs,
        by=context.actor.label,
        level="solely" if is_alone else "assisted",
        at=at,
        involvement=str(inputs.get("involvement") or ""),
    )
    for rule in (periods.SEARCHES, periods.REFERRED):
        clocks.end(case, rule, at=at, state="met")
    tasks.close_all(case, REFERRED, actor=context.actor, at=at)
    clocks.start(case, periods.CLOSE, started_at=at)


def redecide(context: Any) -> None:
    """A second decision stands beside the first, and the person is told of it: against them by the letter that every
    such decision owes, else by one that says what is decided now. No agency is searched again."""
    case, at = context.case, context.at
    clocks.end(case, periods.CLOSE, at=at, state="cancelled")
    clocks.end(case, periods.REFERRED, at=at, state="met")
    row = deciding.keep(
        case,
        context.inputs,
        by=context.actor.label,
        level="none",
        at=at,
        involvement=str(context.inputs.get("involvement") or ""),
    )
    if not row.is_significant:
        letters.ask(case, letters.AGAIN, at=at)
    clocks.start(case, periods.CLOSE, started_at=at)
    tasks.close_all(case, AGAIN, actor=context.actor, at=at)


def close(context: Any) -> None:
    """A result is kept by the rule of what it came to."""
    context.case.retention_class = keeping.class_of(context.case)
    clocks.end(context.case, periods.CLOSE, at=context.at, state="met")
