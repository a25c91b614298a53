"""What follows when a trace moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud.trace import periods
from cases.fraud.trace.models import Trace, TraceHop
from cases.kernel import clocks, formats, tasks
from cases.kernel.intake import IntakeRefused
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["BY_HAND", "accept", "ask", "end", "hold", "is_about", "open_facts", "tell_by_hand"]

HELD, BY_HAND = "trace_result_held", "trace_write_by_hand"
tasks.declare(
    {
        HELD: "A trace has a result: it may go to the police, and never to whoever complained",
        BY_HAND: "Write to whoever complained of calls, without any identity",
    }
)


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name the line that complains."""
    return bool(facts.get("line"))


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action. Raises IntakeRefused without dates and times
    of the calls and the harm they do; formats.CardNumber."""
    typed = {name: str(facts.get(name) or "").strip() for name in ("line", "calls", "harm")}
    formats.refuse_card_numbers(list(typed.values()))
    if not typed["calls"] or not typed["harm"]:
        raise IntakeRefused("Say when the calls came and what harm they do.")
    row = Trace(
        case=case,
        key=case.key,
        call_count=int(facts.get("call_count") or 0),
        police_reference=str(facts.get("police_reference") or ""),
    )
    sealing.seal(row, {name: value or None for name, value in typed.items()}, key=case.key)
    row.save(force_insert=True)


def _hop(context: Any, direction: str, outcome: str = "") -> None:
    case = context.case
    TraceHop.objects.create(
        case=case,
        number=TraceHop.objects.filter(case=case).count() + 1,
        provider=str(context.inputs["provider"]).strip()[:80],
        direction=direction,
        happened_at=context.occurred_at,
        outcome=outcome,
    )


def accept(context: Any) -> None:
    """Keep that it is necessary and expedient: from now on a withheld number is overridden."""
    row = context.case.trace
    row.is_expedient = True
    row.save(update_fields=["is_expedient"])
    clocks.meet(context.case, periods.DECISION, at=context.at)


def ask(context: Any) -> None:
    """The next provider is asked; its answer is due."""
    _hop(context, "out")
    clocks.start(context.case, periods.ANSWER, started_at=context.at)


def hold(context: Any) -> None:
    """Keep what was found, sealed, and ask somebody to decide what becomes of it."""
    _hop(context, "in", str(context.inputs["outcome"]))
    row = context.case.trace
    sealing.seal(row, {"result": str(context.inputs["result"]).strip()}, key=row.key)
    row.save(update_fields=["result"])
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    tasks.raise_task(HELD, case=context.case, at=context.at)


def end(context: Any) -> None:
    for code in (periods.DECISION, periods.ANSWER):
        clocks.end(context.case, code, at=context.at, state="cancelled")
    tasks.close_all(context.case, HELD, actor=context.actor, at=context.at)


def tell_by_hand(context: Any) -> None:
    """Whoever complained hears how it ended, and nobody's identity."""
    end(context)
    tasks.raise_task(BY_HAND, case=context.case, at=context.at)
