"""What follows when an emergency disclosure moves. Each effect writes inside the transition's transaction and ledger
event."""

from __future__ import annotations

from typing import Any

from cases.disclosure.breach import opening as breaches
from cases.disclosure.emergency import codes, guards, messages, periods
from cases.kernel import approvals, clocks, tasks
from cases.kernel.oncall import alerts
from cases.ledger import sealing

OVER_DISCLOSED = "emergency_over_disclosed"
URGENT_ROUTE = "emergency_urgent_route"
tasks.declare(
    {
        OVER_DISCLOSED: "Report the error: more was given than the emergency needed",
        URGENT_ROUTE: "Disclosure officer: the control room may come by the urgent route",
    }
)
clocks.due_with(periods.ERROR_REPORT, OVER_DISCLOSED)
_SEALED = ("spoken_to", *guards.GIVEN)
_PLAIN = ("radius_m", "confidence", "located_at", "location_source")


def give(context: Any) -> None:
    """Keep what was read out, to whom and when; enter it in the register and promise its confirmation. What was given
    before stays in the record where nothing new was."""
    case, inputs = context.case, context.inputs
    facts, spoken_at = case.emergency_disclosure, guards.answered_at(context)
    facts.contact_code, facts.given_at = str(inputs["contact"]), spoken_at
    facts.called_back_at = inputs.get("called_back_at") or spoken_at
    plain = [name for name in _PLAIN if inputs.get(name) not in (None, "")]
    for name in plain:
        setattr(facts, name, inputs[name])
    sealed = {name: str(inputs[name]).strip() for name in _SEALED if str(inputs.get(name) or "").strip()}
    sealing.seal(facts, sealed, key=facts.key)
    facts.save(update_fields=["contact_code", "given_at", "called_back_at", *plain, *sealed])
    given = {name: inputs.get(name) for name in (*guards.GIVEN, *_PLAIN)}
    messages.answer(case, given, spoken_at=spoken_at, actor=context.actor, at=context.at)
    periods.answered(case, answered_at=spoken_at, at=context.at)


def refuse(context: Any) -> None:
    facts = context.case.emergency_disclosure
    facts.refusal_code = str(context.inputs["reason_code"])
    facts.save(update_fields=["refusal_code"])
    periods.answered(context.case, answered_at=guards.answered_at(context), at=context.at)


def refuse_more(context: Any) -> None:
    """Keep why, and let a disclosure officer expect the request by the urgent route."""
    facts = context.case.emergency_disclosure
    facts.refusal_code = str(context.inputs["reason_code"])
    facts.save(update_fields=["refusal_code"])
    tasks.raise_task(URGENT_ROUTE, case=context.case, at=context.at)
    alerts.ring(context.case, why="emergency_follow_up", at=context.at)


def write_up(context: Any) -> None:
    facts = context.case.emergency_disclosure
    sealing.seal(facts, {"written_up": str(context.inputs["account"]).strip()}, key=facts.key)
    facts.save(update_fields=["written_up"])
    clocks.meet(context.case, periods.RECORD, at=context.at)


def confirm(context: Any) -> None:
    """The check is the look that every act at once asks for."""
    _end_looks(context, verdict="confirmed")
    clocks.meet(context.case, periods.CHECK, at=context.at)
    clocks.start(context.case, periods.REST, started_at=context.at)


def open_error(context: Any) -> None:
    """Open the error: its report to the Commissioner is due (K04), and it is reported as a breach, on which the data
    protection officer decides (K09)."""
    case, at = context.case, context.at
    facts = case.emergency_disclosure
    what = str(context.inputs["what"]).strip()
    sealing.seal(facts, {"over_disclosed": what}, key=facts.key)
    facts.save(update_fields=["over_disclosed"])
    _end_looks(context, verdict="not_confirmed")
    clocks.meet(case, periods.CHECK, at=at)
    report = clocks.start(case, periods.ERROR_REPORT, started_at=at)
    tasks.raise_task(OVER_DISCLOSED, case=case, at=at, due_at=report.due_at)
    breaches.fork(case, what, aware_at=at, actor=context.actor, at=at)


def settle(context: Any) -> None:
    """Keep how the error was settled, and ask the control room in writing to destroy what was too much."""
    case, at = context.case, context.at
    facts = case.emergency_disclosure
    sealing.seal(facts, {"settled": str(context.inputs["how"]).strip()}, key=facts.key)
    facts.save(update_fields=["settled"])
    messages.ask_to_destroy(case, actor=context.actor, at=at)
    clocks.meet(case, periods.ERROR_REPORT, at=at)
    tasks.close_all(case, OVER_DISCLOSED, actor=context.actor, at=at)
    clocks.start(case, periods.REST, started_at=at)


def go_on(context: Any) -> None:
    """Work goes on: the case does not close by itself."""
    clocks.end(context.case, periods.REST, at=context.at, state="cancelled")


def end_periods(context: Any) -> None:
    clocks.meet(context.case, periods.REST, at=context.at)
    context.case.retention_class = periods.kept_as(context.case)


def _end_looks(context: Any, *, verdict: str) -> None:
    """Give the open looks at what was done at once this verdict, and close their tasks and clock."""
    case, at = context.case, context.at
    for row in case.approvals.filter(mode="after", closed_at=None):
        approvals.decide(row, checker=context.actor, role="disclosure_approver", verdict=verdict, at=at)
    tasks.close_all(case, "check_after", actor=context.actor, at=at)
    clocks.meet(case, "check_after", at=at)


def pointer(code: str) -> str:
    """Return where a control room is sent whose request is refused."""
    return codes.ROUTES[code]
