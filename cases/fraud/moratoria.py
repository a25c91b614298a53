"""Somebody of a referral is in Breathing Space: a debt that fraud made is not eligible for it, so we ask for a review.

The moratorium stops contact and enforcement, as its hold says; it does not stop a filing.
"""

from __future__ import annotations

from datetime import datetime

from cases.kernel import clocks, tasks
from cases.kernel.models import Case, Hold, Task

__all__ = ["ENDED_BY_HAND", "TASKS", "asked", "hold_began"]

CLOCK, TASK = "k14_ask_review", "fraud_ask_review"
clocks.due_with(CLOCK, TASK)
TASKS = {TASK: "A moratorium: ask the money adviser to review it, since a debt made by fraud is not eligible"}
MORATORIA = frozenset({"breathing_space", "mental_health_crisis"})


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """Start the days in which a creditor may ask for a review (K14) and ask somebody to, inside the current ledger
    action on a locked case. It is a moratorium of the law of England and Wales wherever the person lives by what we
    know. Nothing follows from a moratorium of somebody innocent, or on a case that has ended."""
    is_innocent = hold.party is not None and hold.party.is_innocent
    if hold.kind not in MORATORIA or is_innocent or case.is_closed:
        return
    clock = clocks.start(case, CLOCK, started_at=hold.began_at, party=hold.party, jurisdiction="eaw")
    tasks.raise_task(TASK, case=case, at=at, due_at=clock.due_at, hold=hold.pk)
    clocks.refresh_due(case)


def asked(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody asked the adviser, or says why not: the period for it is met."""
    clocks.meet(case, CLOCK, at=at)
    clocks.refresh_due(case)


ENDED_BY_HAND = {TASK: asked}
