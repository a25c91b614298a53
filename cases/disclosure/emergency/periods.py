"""How long things take and how long they are kept. K04, K05 and K06 hold for every kind: they stand in the kernel's own
table."""

from __future__ import annotations

from datetime import date, datetime

from cases.kernel import clocks
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWER", "CHECK", "CLOCKS", "ERROR_REPORT", "HOUR", "RECORD", "REST", "RETENTION", "hour_ends_at"]

HOUR, RECORD, CHECK, ERROR_REPORT = "k05_emergency_period", "k06_record", "k06_check", "k04_error_report"
ANSWER, REST = "emergency_answer", "emergency_rest"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=ANSWER,
        label="Answer to the control room",
        length=15,
        unit="minutes",
        source="Internal target for an emergency",
        effective_from=_FROM,
    ),
    ClockRule(
        code=REST,
        label="Closes when nothing more is asked",
        length=1,
        unit="working_days",
        source="Internal rule: a checked emergency stays open for a working day",
        effective_from=_FROM,
        is_work=False,
    ),
)
RETENTION = (
    RetentionClass(
        code="emergency_disclosure",
        trigger="closure",
        months=24,
        source="Retention schedule: emergency disclosure, 2 years from its end",
    ),
)


def hour_ends_at(case: Case) -> datetime:
    """Return the last moment, in UTC, at which no authorisation is needed (K05): an hour after the call ended, or after
    the case was opened where the caller was still on the line. One query."""
    started_at = case.emergency_disclosure.call_ended_at or case.opened_at
    return clocks.plan(HOUR, started_at=started_at).due_at


def begin(case: Case, *, call_ended_at: datetime | None) -> None:
    """Start the hour and our own target on a new case. The caller saves the case."""
    clocks.start(case, HOUR, started_at=call_ended_at or case.opened_at)
    clocks.start(case, ANSWER, started_at=case.opened_at)
    clocks.refresh_due(case)


def align(case: Case, *, call_ended_at: datetime | None, at: datetime) -> None:
    """Count the running hour anew after a correction of when the call ended. The caller saves the case."""
    started_at = call_ended_at or case.opened_at
    if case.clocks.filter(rule=HOUR, ended_at=None).exclude(started_at=started_at).exists():
        clocks.end(case, HOUR, at=at, state="cancelled")
        clocks.start(case, HOUR, started_at=started_at)


def answered(case: Case, *, answered_at: datetime, at: datetime) -> None:
    """End what ran until the answer, and begin what is owed after it: the record (K06) and its check. What is owed
    already keeps its end."""
    for rule in (HOUR, ANSWER):
        clocks.end(case, rule, at=at, state="met")
    owed = set(case.clocks.filter(rule__in=(RECORD, CHECK), ended_at=None).values_list("rule", flat=True))
    for rule in (RECORD, CHECK):
        if rule not in owed:
            clocks.start(case, rule, started_at=answered_at)
