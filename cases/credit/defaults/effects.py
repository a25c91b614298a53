"""What a move of a default writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cases.accounts import bureaus
from cases.credit.defaults import codes, gate, guards, holders, letters, opening, periods, report, standing, telling
from cases.credit.defaults.models import Default
from cases.kernel import calendars, casetypes, clocks, outbox, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, Hold
from cases.ledger import api as ledger

__all__ = ["APPROVE", "ISSUE", "OVERPAID", "PAID", "ask_to_record", "content_changed", "hold_began", "reopened", "stop"]

ISSUE, APPROVE, PAID, OVERPAID = "default_issue", "default_approve", "default_paid", "default_overpaid"
DETACHED = "detached_filed"
tasks.declare(
    {
        ISSUE: "A notice of intention to record a default is in the post: start its period",
        APPROVE: "The period of a notice is over: decide whether a default is recorded",
        OVERPAID: "A paid default was corrected to less than was paid: have billing give the rest back",
    },
    ended_by={
        ISSUE: "This ends when the notice is entered as served.",
        APPROVE: "This ends when the default is approved, or no longer due.",
    },
)
# Of what becomes of a default on file, whoever has bought the debt hears too.
_FOR_WHO_OWNS_IT = frozenset({"part_satisfied", "satisfied", "settled", "corrected", "removed"})
_NO_NOTICE: dict[str, Any] = {
    "notice_asked_at": None,
    "notice_pence": None,
    "notice_posted_date": None,
    "served_date": None,
    "skipped_for": [],
}
_NO_PLAN: dict[str, Any] = {
    "plan_pence": None,
    "plan_from_date": None,
    "plan_until_date": None,
    "plan_behind": None,
}


def keep(row: Default, values: dict[str, Any]) -> None:
    """Write columns of the facts, inside the current ledger action."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def ask_notice(case: Case, *, by: str, at: datetime) -> None:
    """Ask for the notice of intention to everybody who holds the account now, where they live now, of what is owed
    today, inside the current ledger action."""
    row = case.default
    holders.bring_up(case, by=by, at=at)
    keep(row, {"notice_asked_at": at, "notice_pence": guards.account_of(row).balance_pence})
    letters.write(case, letters.NOTICE, at=at)


def take_back_notice(case: Case, *, at: datetime) -> None:
    """Take back the letters of a notice that were not written yet, inside the current ledger action."""
    for letter in letters.of_notice(case.default).filter(state="due").select_for_update(of=("self",)):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])


def _end_notice(context: Any) -> None:
    """No notice stands any more, and nothing waits for it."""
    case, at = context.case, context.at
    take_back_notice(case, at=at)
    clocks.end(case, periods.NOTICE, at=at, state="cancelled")
    for kind in (ISSUE, APPROVE):
        tasks.close_all(case, kind, actor=context.actor, at=at)
    keep(case.default, _NO_NOTICE)


def flag(context: Any) -> None:
    ask_notice(context.case, by=context.actor.label, at=context.at)


def issue(context: Any) -> None:
    """The notice counts as served some working days after it was posted, as its rule has it; from then on it runs."""
    case, row = context.case, context.case.default
    posted = letters.is_posted(row) or calendars.london_date(context.at)
    jurisdiction = guards.account_of(row).jurisdiction
    clock = clocks.start(case, periods.NOTICE, started_at=_start_of(posted), jurisdiction=jurisdiction)
    keep(row, {"notice_posted_date": posted, "served_date": clocks.served_on(clock)})
    tasks.close_all(case, ISSUE, actor=context.actor, at=context.at)


def _start_of(day: Any) -> datetime:
    return calendars.end_of_day(day - timedelta(days=1)) + timedelta(seconds=1)


def cure(context: Any) -> None:
    was_served = context.case.default.served_date is not None
    _end_notice(context)
    keep(context.case.default, _NO_PLAN)
    context.case.topic = report.topic({"account": context.case.default.account})
    if was_served:
        letters.write(context.case, letters.WITHDRAWN, at=context.at)


def arrange(context: Any) -> None:
    row, inputs = context.case.default, context.inputs
    plan = {name: inputs[name] for name in ("plan_pence", "plan_until_date")}
    plan["plan_from_date"] = calendars.london_date(context.at)
    keep(row, {**plan, "plan_behind": guards.account_of(row).payments_behind or 0})
    clocks.pause(context.case, periods.NOTICE, at=context.at)
    tasks.close_all(context.case, APPROVE, actor=context.actor, at=context.at)
    take_back_notice(context.case, at=context.at)


def break_arrangement(context: Any) -> None:
    """What is owed has changed since: a notice that was served before counts no more, another is written. The customer
    hears that the arrangement has ended."""
    _end_notice(context)
    keep(context.case.default, _NO_PLAN)
    letters.write(context.case, letters.PLAN_OVER, at=context.at)


def void_notice(context: Any) -> None:
    """Whoever was sent the notice hears that it counts no more, but for where it came back: nobody has read it, and a
    stranger might read this."""
    ground = str(context.inputs.get("ground") or "amount_changed")
    ledger.current().detail["ground"] = ground
    _end_notice(context)
    if ground != "came_back":
        letters.write(context.case, letters.WITHDRAWN, at=context.at)


def notice_over(context: Any) -> None:
    clocks.meet(context.case, periods.NOTICE, at=context.at)
    keep(context.case.default, {"skipped_for": []})
    tasks.raise_task(APPROVE, case=context.case, at=context.at)


def skip(context: Any) -> None:
    """Nothing is filed while a hold or a dispute stands; which, is on record."""
    row = context.case.default
    found = gate.judge(row, by=context.actor.label, at=context.at)
    stops = [code for code in found if code in gate.STOPS_FILING]
    ledger.current().detail["skipped_for"] = stops
    keep(row, {"skipped_for": stops})
    clocks.meet(context.case, periods.NOTICE, at=context.at)


def approve(context: Any) -> None:
    """Fix date and balance, which is what the notice named, and tell every agency the same."""
    case, row = context.case, context.case.default
    old = standing.status_without_default(row)
    keep(row, {"default_date": context.inputs["default_date"], "default_pence": row.notice_pence})
    tasks.close_all(case, APPROVE, actor=context.actor, at=context.at)
    telling.tell(case, "default", actor=context.actor, at=context.at, old=old, to=bureaus.agencies(), by_hand="")


def file(context: Any) -> None:
    """From now on the case is about what is left of the default, whatever falls due on the account. What was paid while
    it was on its way is work."""
    case, row = context.case, context.case.default
    case.amount_pence = row.left_pence
    clocks.start(case, periods.ON_FILE, started_at=_start_of(row.default_date))
    letters.write(case, letters.FILED, at=context.at)
    if said := guards.paid_since_notice(row):
        ask_to_record(case, said, at=context.at)


def ask_to_record(case: Case, said: dict[str, Any], *, at: datetime) -> None:
    """Have what billing tells was paid of a default recorded the same day, inside the current ledger action."""
    tasks.raise_task(PAID, case=case, at=at, due_at=calendars.end_of_day(calendars.london_date(at)), **said)


def withdraw(context: Any) -> None:
    """Take back what did not leave; an agency that may have it is told that there is none."""
    case, at = context.case, context.at
    ledger.current().detail["ground"] = str(context.inputs["ground"])
    outbox.withdraw(case, bureaus.CRA_CORRECT.code, at=at)
    keep(case.default, {"default_date": None, "default_pence": None})
    tasks.close_all(case, telling.REFUSED, actor=context.actor, at=at)
    if told := telling.told_of(case):
        _tell(context, "withdrawn", to=told, by_hand="removed")
    _end_notice(context)
    letters.write(case, letters.WITHDRAWN, at=at)


def part_satisfy(context: Any) -> None:
    row = context.case.default
    keep(row, {"paid_pence": row.paid_pence + context.inputs["amount_pence"]})
    context.case.amount_pence = row.left_pence
    tasks.close_all(context.case, PAID, actor=context.actor, at=context.at)
    _tell(context, "part_satisfied")


def satisfy(context: Any) -> None:
    row, inputs = context.case.default, context.inputs
    paid = row.paid_pence + inputs["amount_pence"]
    keep(row, {"paid_pence": paid, "satisfied_date": inputs["satisfied_date"]})
    context.case.amount_pence = row.left_pence
    tasks.close_all(context.case, PAID, actor=context.actor, at=context.at)
    _tell(context, "satisfied")
    letters.write(context.case, letters.SATISFIED, at=context.at)


def settle(context: Any) -> None:
    """Less was accepted for all of it: nothing is left, and the agencies hear that it was settled so."""
    row, inputs = context.case.default, context.inputs
    ledger.current().detail["document"] = str(inputs["evidence"])
    paid = row.paid_pence + inputs["amount_pence"]
    keep(row, {"paid_pence": paid, "satisfied_date": inputs["satisfied_date"], "is_settled": True})
    context.case.amount_pence = row.left_pence
    tasks.close_all(context.case, PAID, actor=context.actor, at=context.at)
    _tell(context, "settled")
    letters.write(context.case, letters.SETTLED, at=context.at)


def correct(context: Any) -> None:
    row, inputs = context.case.default, context.inputs
    ledger.current().detail["document"] = str(inputs["evidence"])
    paid = min(row.paid_pence, inputs["default_pence"])
    if (over := row.paid_pence - paid) > 0:
        tasks.raise_task(OVERPAID, case=context.case, at=context.at, pence=over)
    keep(row, {"paid_pence": paid, **{name: inputs[name] for name in ("default_date", "default_pence")}})
    context.case.amount_pence = row.left_pence
    clocks.count_from(context.case, periods.ON_FILE, started_at=_start_of(row.default_date), at=context.at)
    _tell(context, "corrected")
    letters.write(context.case, letters.CORRECTED, at=context.at)


def _tell(context: Any, reason: str, **more: Any) -> None:
    """Tell the agencies how the account stands now, in the act that changed it, and let the other families do what
    follows for whoever owns the debt; whoever was to be told of a person who was set apart hears of it with that."""
    telling.tell(context.case, reason, actor=context.actor, at=context.at, **more)
    if reason in _FOR_WHO_OWNS_IT:
        for casetype in casetypes.all_types():
            if follow := casetype.reacts.get("default_changed"):
                follow(context.case.default.account_id, reason, at=context.at)
    tasks.close_all(context.case, DETACHED, actor=context.actor, at=context.at)


def remove(context: Any) -> None:
    ledger.current().detail["document"] = str(context.inputs["evidence"])
    clocks.end(context.case, periods.ON_FILE, at=context.at, state="cancelled")
    _take_off(context, "removed")
    letters.write(context.case, letters.REMOVED, at=context.at)


def expire(context: Any) -> None:
    clocks.meet(context.case, periods.ON_FILE, at=context.at)
    _take_off(context, "expired")


def _take_off(context: Any, reason: str) -> None:
    """Say of the account what is so without the default, everywhere; nothing derived from it is told any more. Whoever
    may be sent nothing now is told by hand: that keeps no default on file."""
    gone = {"default_date": None, "default_pence": None, "satisfied_date": None, "is_settled": False, "paid_pence": 0}
    keep(context.case.default, gone)
    for kind in (telling.REFUSED, PAID):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)
    _tell(context, reason, by_hand="removed")


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """A hold that stops a default takes back what is not written and not sent yet, and the case says so, in the same
    act. Where a default may still come the gate is asked: two access rows."""
    if gate.BLOCK not in hold.blocks or hold.began_at > at:
        return
    if case.state in codes.OPEN:
        stop(case, gate.judge(case.default, by="system:arrears", at=at), at=at)
    else:
        take_back_notice(case, at=at)


def stop(case: Case, found: list[str], *, at: datetime) -> None:
    """Take back what has not left of a default that a hold or a dispute stops, and say by which codes it is stopped,
    inside the current ledger action on a locked case."""
    take_back_notice(case, at=at)
    keep(case.default, {"stopped_by": found})
    case.topic = report.topic_of(case.default)
    case.save(update_fields=["topic"])
    if case.state == "approved":
        outbox.withdraw(case, bureaus.CRA_CORRECT.code, at=at)


def reopened(context: Any) -> None:
    """Let a case be opened again only where no other of its account is open or ended in a default. Locks the account.
    Raises NotInArrears."""
    opening.refuse_second(context.case.default)


def content_changed(case: Case, *, at: datetime) -> None:
    """A person was set apart where no agency has a default: there is no filing to put right."""
    if case.state not in ("approved", *codes.TOLD):
        tasks.close_all(case, DETACHED, actor=system("arrears", source=case.source), at=at)
