"""What a hold on reporting takes back that has not left yet, and what is told after all once it has ended."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cases.fraud import alerts, amending, moratoria
from cases.kernel import casetypes, clocks, holdkinds, holds, record, tasks
from cases.kernel.actors import system
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case, Clock, Hold

__all__ = ["CLOCKS", "CLOCK_ENDS", "hold_began", "hold_released"]

BEGINS = "fraud_report_hold"
CLOCKS = (
    ClockRule(
        code=BEGINS,
        label="A hold on reporting begins: what waits is taken back",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=date(2026, 1, 1),
        is_work=False,
    ),
)


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """Whatever marks or names somebody anew and still waits does not leave; what puts right what is no longer so does.
    The filing itself waits for the hold. Inside the current ledger action on a locked case."""
    moratoria.hold_began(case, hold, at=at)
    if holdkinds.REPORT not in hold.blocks or case.is_closed:
        return
    if hold.began_at > at:
        clocks.start(case, BEGINS, started_at=hold.began_at)
    elif case.state in amending.STANDING:
        amending.take_back_what_marks_anew(case, at=at)
        alerts.take_back(case, at=at)


def hold_released(context: Any) -> None:
    """What a hold kept from the alert is told, unless another keeps it still; a moratorium that is over is reviewed by
    nobody."""
    moratoria.fit(context.case, actor=context.actor, at=context.at)
    alerts.tell_held(context.case, actor=context.actor, at=context.at)


def _begins(case: Case, clock: Clock, *, at: datetime) -> None:
    """A hold was entered for a day to come, and that has come; unless it was released before."""
    actor = system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clocks.end_one(case, clock, at=at, state="met")
        if case.state in amending.STANDING and holds.blocks(case, holdkinds.REPORT, at=at):
            amending.take_back_what_marks_anew(case, at=at)
            alerts.take_back(case, at=at)
        _rest(case)


def _rest(case: Case) -> None:
    is_dormant = casetypes.get(case.kind).lifecycle.state(case.state).is_dormant
    case.is_dormant = is_dormant and tasks.rests(case)
    case.save()


def _is_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """A hold had an end of its own, and that has come."""
    actor = system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clocks.end_one(case, clock, at=at, state="met")
        alerts.tell_held(case, actor=actor, at=at)
        _rest(case)


CLOCK_ENDS = {BEGINS: _begins, alerts.HELD: _is_over}
