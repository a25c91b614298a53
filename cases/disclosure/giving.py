"""What follows when data is given, confirmed, found wrong and destroyed. Effects write inside the transition's
transaction and ledger event; what clocks and tasks call opens an event of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.disclosure import checking, codes, messages, package, periods
from cases.disclosure.breach import opening as breaches
from cases.disclosure.models import DisclosureError, DisclosureRequest
from cases.kernel import approvals, clocks, failpoints, holds, outbox, record, tasks, transitions
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger import sealing

DESTROY = "disclosure_destroy"
WRITING = "disclosure_no_writing"
REPORT = "disclosure_report_error"
tasks.declare(
    {
        DESTROY: "Ask whether what was wrongly given is destroyed",
        checking.COMPARE: "Compare the written notice of an oral request with what was given, and attach it",
        WRITING: "Chase the written notice of an oral request",
        REPORT: "Send the error report to the Investigatory Powers Commissioner",
    }
)
clocks.due_with(periods.ERROR, REPORT)


class CopyIsHeld(CaseError):
    """Our copy is not destroyed while something holds it."""


def _keep(context: Any, name: str, text: str) -> None:
    facts = context.case.disclosure_request
    sealing.seal(facts, {name: text}, key=facts.key)
    facts.save(update_fields=[name])


# --- the package ----------------------------------------------------------------------------------------------------
def seal_package(context: Any) -> None:
    """Keep what its maker ticked and which package it is."""
    facts = context.case.disclosure_request
    facts.checked = sorted(context.inputs.get("checked") or ())
    facts.package_sha256 = package.manifest_hash(package.parts_of(context.case))
    facts.save(update_fields=["checked", "package_sha256"])


def take_back(context: Any) -> None:
    """Keep what the second person found; what is more than was asked for is an error, though nothing has left."""
    _keep(context, "difference", str(context.inputs["difference"]).strip())
    if context.inputs["fault"] in dict(codes.FAULTS):
        error = add_error(context.case, str(context.inputs["fault"]), kind="recordable", found_at=context.at)
        error.settled_at = context.at
        sealing.seal(error, {"how": str(context.inputs["difference"]).strip()}, key=error.key)
        error.save()


def add_error(case: Case, fault: str, *, found_at: datetime, kind: str = "", is_ours: bool = True) -> DisclosureError:
    """Enter an error on a locked case, inside the current ledger action."""
    number = case.disclosure_errors.count() + 1
    row = DisclosureError(
        case=case, number=number, key=case.key, fault=fault, kind=kind, is_ours=is_ours, found_at=found_at
    )
    row.save(force_insert=True)
    return row


def give(context: Any) -> None:
    """Promise the package to the authority, enter each item in the register, and wait for its receipt."""
    case, at = context.case, context.at
    facts = case.disclosure_request
    messages.give(case, reader=checking.reader(context, "part"), actor=context.actor, at=at)
    facts.released_at = at
    facts.save(update_fields=["released_at"])
    periods.meet_answer(case, at=at)
    clocks.start(case, periods.RECEIPT, started_at=at)


def discard(context: Any) -> None:
    """What was taken out and never given is destroyed, however the request ended, and nobody may release it any
    more."""
    package.erase(context.case, actor=context.actor, reason=context.case.state, at=context.at)
    waiting = approvals.open_for(context.case, "release")
    if waiting is not None:
        approvals.close(waiting, outcome="withdrawn", at=context.at)


# --- receipt --------------------------------------------------------------------------------------------------------
def note_receipt(context: Any) -> None:
    """The authority has it: in 30 days our copy goes. A receipt that is dated before what it confirms counts from the
    release."""
    case, facts = context.case, context.case.disclosure_request
    facts.receipted_at = context.at
    facts.save(update_fields=["receipted_at"])
    if how := str(context.inputs.get("how") or "").strip():
        _keep(context, "receipt_how", how)
    clocks.meet(case, periods.RECEIPT, at=context.at)
    received_at = max(context.occurred_at, facts.released_at) if facts.released_at else context.occurred_at
    clocks.start(case, periods.PURGE, started_at=received_at)


def purge(case: Case, clock: Clock, *, at: datetime) -> None:
    """Destroy our copy of what was given: the files, the documents that they were made of, and the message that took
    them; all of it or nothing. Hash and list of columns stay.

    Raises CopyIsHeld while a hold keeps it, or an error of it is under review; then it is asked again.
    """
    if case.state == "error_review":
        raise CopyIsHeld("An error of what was given is under review.")
    if holds.blocks(case, "dispose", at=at):
        raise CopyIsHeld("A policy hold keeps our copy.")
    actor = system("clocks", source=case.source)
    facts = case.disclosure_request
    with record.act(case, "case.copy_purged", actor=actor, at=at) as action:
        clocks.end_one(case, clock, at=at, state="met")
        action.detail["files"] = package.erase(case, actor=actor, reason="purged", at=at)
        failpoints.reach("inside_purge")
        for message in OutboxMessage.objects.select_related("key").filter(case=case, kind__in=messages.PACKAGE):
            outbox.forget(message, actor=actor.label, reason="purged", at=at)
        facts.purged_at = at
        facts.save(update_fields=["purged_at"])
        case.version += 1
        case.changed_at = at
        clocks.refresh_due(case)
        case.save()


# --- writing after an oral request ------------------------------------------------------------------------------------
def note_writing(context: Any) -> None:
    """The time for the notice is kept. What an authority says it put in writing somebody still compares."""
    facts = context.case.disclosure_request
    facts.written_at = context.at
    facts.save(update_fields=["written_at"])
    clocks.meet(context.case, periods.ORAL, at=context.at)
    tasks.close_all(context.case, WRITING, actor=context.actor, at=context.at)
    if context.actor.kind == "agency":
        tasks.raise_task(checking.COMPARE, case=context.case, at=context.at)


def writing_ends(case: Case, clock: Clock, *, at: datetime) -> None:
    """The time for the written notice is over: an error of the authority's where we gave, else simply late (K03)."""
    actor = system("clocks", source=case.source)
    if case.state in {"released", "receipted"}:
        transitions.apply(case.pk, "miss_writing", actor=actor, at=at)
        return
    with record.act(case, "clock.breached", actor=actor, at=at, detail={"rule": clock.rule}):
        _break(clock)
        if case.state == "error_review":
            _add_missing_writing(case, at=at)
        tasks.raise_task(WRITING, case=case, at=at)
        clocks.refresh_due(case)
        case.save()


def _break(clock: Clock) -> None:
    clock.state = "breached"
    clock.save(update_fields=["state"])


def miss_writing(context: Any) -> None:
    """An error of the authority's, on record here; the notice is chased."""
    case = context.case
    for clock in Clock.objects.filter(case=case, rule=periods.ORAL, state="running"):
        _break(clock)
    _add_missing_writing(case, at=context.at)
    tasks.raise_task(WRITING, case=case, at=context.at)


def _add_missing_writing(case: Case, *, at: datetime) -> None:
    error = add_error(case, codes.NO_WRITING, kind="recordable", found_at=at, is_ours=False)
    error.settled_at = at
    error.save(update_fields=["settled_at"])


# --- errors ---------------------------------------------------------------------------------------------------------
def note_error(context: Any) -> None:
    """Enter the error, start the time for its report (K04), and where it is a breach, report it as
    one: the data protection officer decides who is told (K09)."""
    case, inputs = context.case, context.inputs
    error = add_error(case, str(inputs["fault"]), found_at=inputs["found_at"])
    typed = {name: str(inputs[name]).strip() for name in ("how", "collateral")}
    sealing.seal(error, typed, key=error.key)
    report = clocks.start(case, periods.ERROR, started_at=error.found_at)
    if inputs.get("is_breach"):
        error.breach_route = "ipc" if _is_secret(case.disclosure_request) else "ico"
        told = "\n".join(typed.values())
        breaches.fork(case, told, aware_at=error.found_at, actor=context.actor, at=context.at)
    error.save()
    tasks.raise_task(REPORT, case=case, at=context.at, due_at=report.due_at, error=error.number)


def _is_secret(facts: DisclosureRequest) -> bool:
    """Say whether the Act forbids to tell of a request (IPA 2016 s.82): not of one under another law, and not where the
    authority lets us tell."""
    return facts.gateway.startswith("ipa_") and not facts.may_tell_subject


def settle_error(context: Any) -> None:
    """Say what it was and what keeps it from happening again; ask for what was wrongly given to be destroyed, and
    report what has to be reported."""
    case, inputs, at = context.case, context.inputs, context.at
    error = case.disclosure_errors.filter(settled_at=None).order_by("number").last()
    if error is None:
        return
    error.kind, error.cause, error.settled_at = str(inputs["kind"]), str(inputs["cause"]), at
    sealing.seal(error, {"prevention": str(inputs["prevention"]).strip()}, key=error.key)
    if inputs.get("ask_to_destroy"):
        error.destroy_asked_at = at
        messages.ask_to_destroy(case, error, actor=context.actor, at=at)
        asked_until = clocks.plan(periods.ERROR, started_at=at).due_at
        tasks.raise_task(DESTROY, case=case, at=at, due_at=asked_until, error=error.number)
    error.save()
    if error.kind == "recordable" or messages.report(case, error, actor=context.actor, at=at) is not None:
        _meet_report(case, error, at=at)
        tasks.close_about(case, REPORT, actor=context.actor, at=at, error=error.number)


def _meet_report(case: Case, error: DisclosureError, *, at: datetime) -> None:
    """End the time for the report of one error (K04): those of other errors run on."""
    owed = Clock.objects.filter(case=case, rule=periods.ERROR, started_at=error.found_at, ended_at=None)
    if (clock := owed.order_by("pk").first()) is not None:
        clocks.end_one(case, clock, at=at, state="met")


def reported(case: Case, task: Task, *, at: datetime) -> None:
    """Somebody sent the report of the task's error by hand."""
    for error in case.disclosure_errors.filter(number=int(task.detail.get("error", 0))):
        _meet_report(case, error, at=at)
    clocks.refresh_due(case)


def destroyed(case: Case, task: Task, *, at: datetime) -> None:
    """The authority said that it destroyed what it was wrongly given."""
    number = int(task.detail.get("error", 0))
    for error in case.disclosure_errors.filter(number=number, destroyed_at=None):
        error.destroyed_at = at
        error.save(update_fields=["destroyed_at"])


def end_periods(context: Any) -> None:
    periods.end_all(context.case, at=context.at, state="met")


def open_again(context: Any) -> None:
    """A request on which data was given opens again where it ended: an error of it is reported, a notice put on record.
    What is asked for besides is a request of its own."""
    case = context.case
    if case.disclosure_request.receipted_at is not None:
        case.state = ledger.current().detail["to"] = "receipted"


__all__ = [
    "DESTROY",
    "REPORT",
    "WRITING",
    "add_error",
    "destroyed",
    "discard",
    "give",
    "miss_writing",
    "note_error",
    "note_receipt",
    "note_writing",
    "open_again",
    "purge",
    "reported",
    "seal_package",
    "settle_error",
    "take_back",
    "writing_ends",
]
