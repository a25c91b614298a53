"""What opening a contest writes, what moves it by itself, and what its page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.credit import codes, keeping, letters, periods
from cases.credit.contests import forms, rules
from cases.credit.models import CheckDecision, Contest
from cases.kernel import actors, calendars, clocks, formats, record, tasks, transitions
from cases.kernel.casetypes import Check as Line
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Case, Clock
from cases.ledger import sealing

__all__ = [
    "checks",
    "context",
    "count_anew",
    "facts_view",
    "go_on",
    "not_shown",
    "open_facts",
    "opened",
    "topic",
    "topic_label",
]

_OUTCOMES = dict(codes.CONTEST_OUTCOMES) | dict(codes.REFUSED_FOR)
_HARMS = dict(codes.HARMS)
_CAME_BY, _IDENTITY = dict(codes.CAME_BY), dict(codes.IDENTITY)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its month, inside the current ledger action. It was received when
    the case was opened unless the facts say earlier. Raises FieldErrors for a reference that names no decided check,
    formats.CardNumber."""
    formats.refuse_card_numbers([facts.get("wording")])
    decision = CheckDecision.of_reference(str(facts.get("check_reference") or "").strip().upper())
    if decision is None:
        raise FieldErrors([("/check_reference", "unknown", forms.UNKNOWN)])
    received_at = min(facts.get("received_at") or case.opened_at, case.opened_at)
    row = Contest(case=case, key=case.key, decision=decision, came_by=facts["came_by"], received_at=received_at)
    sealing.seal(row, {"wording": facts.get("wording") or None}, key=case.key)
    row.save(force_insert=True)
    keeping.contested(decision.case, at=case.opened_at)
    clocks.start(case, periods.ANSWER, started_at=received_at)
    clocks.refresh_due(case)
    case.save(update_fields=["due_at"])


def count_anew(case: Case, *, at: datetime) -> None:
    """After a correction: the month counts from the day on which it now says that it was received, which is never later
    than the case was opened."""
    facts = Contest.objects.get(pk=case.pk)
    if facts.received_at > case.opened_at:
        facts.received_at = case.opened_at
        facts.save(update_fields=["received_at"])
    clocks.count_from(case, periods.ANSWER, started_at=facts.received_at, at=at)
    clocks.refresh_due(case)


def opened(case: Case, _people: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Acknowledge it to the person in writing."""
    letters.ask(case, letters.RECEIVED, at=at, role="person")


def go_on(case: Case, clock: Clock, *, at: datetime) -> None:
    """Tell the person what came of it."""
    _meet(case, clock, at=at)
    if case.state == "decided":
        transitions.apply(case.pk, "notify", actor=actors.system("contests", source=case.source), at=at)


def not_shown(case: Case, clock: Clock, *, at: datetime) -> None:
    """Nobody has shown who they are: somebody asks again, or refuses the contest for that."""
    _meet(case, clock, at=at, task=rules.NOT_SHOWN if case.state == "identity_check" else "")


def _meet(case: Case, clock: Clock, *, at: datetime, task: str = "") -> None:
    actor = actors.system("contests", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        if task:
            tasks.raise_task(task, case=case, at=at)
        clocks.refresh_due(case)
        case.save()


def topic(_facts: Mapping[str, Any]) -> str:
    return "decision"


def topic_label(_code: str) -> str:
    return "Contest of a decision"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed."""
    facts = case.contest
    decision = facts.decision
    rows = [
        ("Check", decision.case.reference),
        ("Decision", f"{decision.outcome_words}, {decision.decided_at.astimezone(calendars.LONDON):%-d %B %Y}"),
        ("Decided", dict(codes.LEVELS).get(decision.automated_level, decision.automated_level)),
        ("Reached us by", _CAME_BY.get(facts.came_by, facts.came_by)),
        ("Received", calendars.spoken(facts.received_at)),
    ]
    if facts.identity_how:
        rows.append(("Identity", _IDENTITY.get(facts.identity_how, facts.identity_how)))
    if facts.reviewer is not None:
        rows.append(("Reviewer", facts.reviewer.display_name))
    if facts.outcome:
        rows.append(("What came of it", _OUTCOMES.get(facts.outcome, facts.outcome)))
    if facts.harm:
        rows.append(("What the decision did besides", "; ".join(_HARMS.get(code, code) for code in facts.harm)))
    return rows


def checks(case: Case) -> list[Line]:
    """Return how the contest stands, and whether the same check is contested in other cases. One query."""
    rows = Contest.objects.filter(decision__case=case.contest.decision.case_id, case__is_restricted=False)
    others = rows.exclude(case=case.pk).order_by("case").values_list("case__reference", flat=True)
    named = ", ".join(others)
    return [
        Line(label="Somebody without a part in it looks at it", is_clear=case.contest.reviewer_id is not None),
        Line(label="No other contest of this check", is_clear=not named, detail=named),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}


def needs(cases: Mapping[int, UUID]) -> frozenset[int]:
    """Return of which of these cases a decision is contested and not looked at to the end. One query."""
    rows = Contest.objects.filter(decision__case__in=list(cases), case__is_closed=False)
    return frozenset(rows.values_list("decision__case_id", flat=True))
