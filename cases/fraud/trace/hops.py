"""The way back to the caller: who was asked, who answered what, and who is asked next."""

from __future__ import annotations

from datetime import datetime

from cases.fraud.trace import codes, messages, periods
from cases.fraud.trace.models import TraceHop
from cases.kernel import clocks, outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case

__all__ = ["ASK_BY_HAND", "NEXT", "ask", "go_on", "note"]

# A call goes through a handful of networks; whoever sends us further round is looked at by a person.
MOST_ASKED = 10
ASK_BY_HAND, NEXT = "trace_ask_by_hand", "trace_what_next"
tasks.declare(
    {
        ASK_BY_HAND: "Ask the next provider of a trace: no message can go to it",
        NEXT: "A provider answered a trace without a way on: ask somebody else, or record what is known",
    }
)


def note(case: Case, provider: str, direction: str, *, happened_at: datetime, outcome: str = "") -> TraceHop:
    """Add one hop, inside the current ledger action on a locked case."""
    return TraceHop.objects.create(
        case=case,
        number=TraceHop.objects.filter(case=case).count() + 1,
        provider=provider.strip()[:80],
        direction=direction,
        happened_at=happened_at,
        outcome=outcome,
    )


def ask(case: Case, provider: Agency | str, *, actor: Actor, at: datetime, happened_at: datetime) -> None:
    """Ask the next provider, inside the current ledger action on a locked case; its answer is due anew. Who is not in
    the register, or cannot be told by a message, is asked by a person."""
    name = provider.display_name if isinstance(provider, Agency) else provider
    hop = note(case, name, "out", happened_at=happened_at)
    clocks.meet(case, periods.ANSWER, at=at)
    clocks.start(case, periods.ANSWER, started_at=at)
    if isinstance(provider, Agency):
        try:
            messages.ask(case, provider, hop=hop.number, actor=actor, at=at)
        except (releases.ReleaseRefused, outbox.NoChannel):
            tasks.raise_task(ASK_BY_HAND, case=case, at=at, hop=hop.number, agency=provider.code)
    else:
        tasks.raise_task(ASK_BY_HAND, case=case, at=at, hop=hop.number)


def go_on(case: Case, upstream: str, *, actor: Actor, at: datetime) -> None:
    """Ask the provider that an answer names by its code in our register, inside the current ledger action. A person
    decides where the register does not know it, it was asked before, or the way is too long."""
    known = {each.code: each for each in messages.in_register([codes.PROVIDER])}.get(upstream)
    asked = list(TraceHop.objects.filter(case=case, direction="out").values_list("provider", flat=True))
    if known is None or known.display_name in asked or len(asked) >= MOST_ASKED:
        clocks.meet(case, periods.ANSWER, at=at)
        tasks.raise_task(NEXT, case=case, at=at)
        return
    ask(case, known, actor=actor, at=at, happened_at=at)
