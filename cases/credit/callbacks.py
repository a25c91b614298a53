"""What moves a check without a person: answers of agencies, late matches, and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.credit import deciding, guards, periods, rulesets, searches
from cases.credit.models import Search
from cases.kernel import actors, clocks, record, tasks, transitions
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import datashapes
from cases.kernel.models import Case, Clock, OutboxMessage

__all__ = ["EXAMPLES", "answered", "late_match", "over", "refused", "waited", "SHAPES"]

EXAMPLES: dict[str, dict[str, Any]] = {
    "fpa.match": {"search_reference": "S-771", "match": "protective", "member": "Fictional Bank"},
}
SHAPES: Mapping[str, datashapes.Shape] = {
    "fpa.match": datashapes.shape(
        {},
        {"match": {"description": "Of a check: none, adverse or protective; anything else counts as not known."}},
    ),
}


def answered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """An agency answered a search: keep the least of it, and decide when it was the last."""
    _end(case, message, at=at)


def refused(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """An agency refused a search: a person decides without it."""
    _end(case, message, at=at, codes=tasks.codes_of(errors))


def _end(case: Case, message: OutboxMessage, *, at: datetime, codes: Sequence[str] | None = None) -> None:
    search = searches.of_message(message)
    if search is None:
        raise CaseError("This message makes no search of the case.")
    actor = actors.system("checks", source=case.source)
    verb = "search.answered" if codes is None else "search.refused"
    detail = {"message": str(message.public_id), "search": search.search_type, **({"codes": codes} if codes else {})}
    with record.act(case, verb, actor=actor, at=at, detail=detail):
        if codes is None:
            said = searches.keep_answer(search, message, at=at)
            if case.state in ("decided", "closed"):
                _ask_to_look(case, search, said, at=at)
        else:
            search.state, search.answered_at = "refused", at
            search.save(update_fields=["state", "answered_at"])
        case.version += 1
        case.save(update_fields=["version"])
    deciding.judge(case, at=at)


def _ask_to_look(case: Case, search: Search, said: Mapping[str, Any], *, at: datetime) -> None:
    """Raise a task where an answer that comes after the decision says what no rules may decide on."""
    reasons = rulesets.needs_a_person({"is_complete": True, **said})
    if said.get("fraud_match", "none") != "none":
        tasks.raise_task(searches.LATE, case=case, at=at, agency=search.agency.code, match=said["fraud_match"])
    elif reasons:
        tasks.raise_task(searches.TO_READ, case=case, at=at, agency=search.agency.code, reasons=list(reasons))


def waited(case: Case, clock: Clock, *, at: datetime) -> None:
    """The hour is over: a person decides with what is there."""
    _meet(case, clock, at=at)
    deciding.judge(case, at=at, gave_up=True)


def over(case: Case, clock: Clock, *, at: datetime) -> None:
    """30 days have passed since the last notice: close the check, unless somebody contests it, or the person was told
    later than that, or is not yet."""
    actor = actors.system("clocks", source=case.source)
    _meet(case, clock, at=at)
    if case.state != "decided":
        return
    told_at = guards.last_told(case, at=at)
    if guards.is_contested(case):
        _wait(case, "check.waits_for_contest", since=at, at=at)
    elif told_at is not None and clocks.plan(periods.CLOSE, started_at=told_at).due_at > at:
        _wait(case, "check.waits_for_notice", since=told_at, at=at)
    else:
        transitions.apply(case.pk, "close", actor=actor, at=at)


def _wait(case: Case, verb: str, *, since: datetime, at: datetime) -> None:
    """Count the days once more before a check closes."""
    with record.act(case, verb, actor=actors.system("clocks", source=case.source), at=at):
        clocks.start(case, periods.CLOSE, started_at=since)
        clocks.refresh_due(case)
        case.save()


def _meet(case: Case, clock: Clock, *, at: datetime) -> None:
    actor = actors.system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        clocks.refresh_due(case)
        case.save()


def late_match(case: Case, content: Content, *, actor: actors.Actor, at: datetime) -> None:
    """The fraud agency reports a match after its answer: somebody looks whether the decision still stands.

    While the check still runs, it counts like an answer of the agency."""
    occurred_at = min(content.occurred_at or at, at)
    said = str(content.data.get("match"))
    match = said if said in ("none", "adverse", "protective") else "unknown"
    with record.act(
        case,
        "search.late_match",
        actor=actor,
        at=at,
        occurred_at=occurred_at,
        cause=content.callback_uid,
        detail={"agency": content.agency_code, "match": match},
    ):
        tasks.raise_task(searches.LATE, case=case, at=at, agency=content.agency_code, match=match)
        case.version += 1
        case.save(update_fields=["version"])
