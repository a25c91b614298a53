"""How long things take and how long they are kept. K04, K05 and K06 hold for every kind: they stand in the
kernel's own table."""

from __future__ import annotations

from datetime import date, datetime

from cases.disclosure.emergency.models import EmergencyDisclosure
from cases.kernel import clocks, retention
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case, Clock, Hold
from cases.kernel.retention import RetentionClass

__all__ = [
    "ANSWER",
    "CHECK",
    "CLOCKS",
    "ERROR_REPORT",
    "HOUR",
    "RECORD",
    "REST",
    "RETENTION",
    "hour_ends_at",
    "keep_longer",
    "kept_as",
]

HOUR, RECORD, CHECK = "k05_emergency_period", "k06_record", "k06_check"
ERROR_REPORT = "k04_error_report"
ANSWER, REST = "emergency_answer", "emergency_rest"
COMPLAINED_OF, COMPLAINT = "emergency_disclosure_complaint", "complaint"
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
        label="Emergency disclosure",
        trigger="closure",
        months=24,
        source="Retention schedule: emergency disclosure, 2 years from its end",
    ),
    RetentionClass(
        code=COMPLAINED_OF,
        label="Emergency disclosure that was complained of",
        trigger="closure",
        months=72,
        source="Retention schedule: emergency disclosure, 6 years from its end where there was a complaint",
    ),
)


def hour_ends_at(case: Case) -> datetime:
    """Return the last moment, in UTC, at which no authorisation is needed (K05), as the clock of the case counts it: an
    hour after the call ended, or after it was asked where the caller was still on the line. What is typed later moves
    it only as `align` lets it. One query."""
    return _hours(case)[-1].due_at


def _hours(case: Case) -> list[Clock]:
    """Return the clocks of the hour in the order in which they began: the last one counts."""
    return list(Clock.objects.filter(case=case, rule=HOUR).order_by("pk"))


def begin(case: Case, facts: EmergencyDisclosure) -> None:
    """Start the hour and our own target on a new case. The caller saves the case.

    The hour counts from the end of the call, as `hour_ends_at` says. An end later than an hour after it was asked
    lengthens nothing: by then the hour was over.
    """
    asked_at, ended_at = facts.requested_at, facts.call_ended_at
    if ended_at is not None and ended_at > asked_at and ended_at > clocks.plan(HOUR, started_at=asked_at).due_at:
        ended_at = None
    clocks.start(case, HOUR, started_at=ended_at or asked_at)
    clocks.start(case, ANSWER, started_at=case.opened_at)
    clocks.refresh_due(case)


def align(case: Case, facts: EmergencyDisclosure, *, at: datetime) -> None:
    """Count the hour anew after a correction of when the call ended. The caller saves the case.

    An earlier end shortens the hour. A later one lengthens it once: where the caller was on the line and now has hung
    up, while the hour still runs. Nothing lengthens the hour of an end that was named, or of a sheet.
    """
    hours, asked_at = _hours(case), facts.requested_at
    known, started_at = hours[-1], facts.call_ended_at or asked_at
    if started_at == known.started_at:
        return
    was_named = facts.is_from_sheet or any(hour.started_at != asked_at for hour in hours)
    if started_at > known.started_at and (was_named or at > known.due_at):
        return
    if known.ended_at is None:
        clocks.end_one(case, known, at=at, state="cancelled")
        clocks.start(case, HOUR, started_at=started_at)
    else:
        clocks.end_one(case, clocks.start(case, HOUR, started_at=started_at), at=at, state="met")


def keep_longer(case: Case, hold: Hold, *, at: datetime) -> None:
    """Somebody complains of a locked case that ended: it is kept for six years from its end. The caller saves the
    case."""
    if hold.kind != COMPLAINT or case.closed_date is None:
        return
    case.retention_class = COMPLAINED_OF
    until = retention.dispose_after(COMPLAINED_OF, trigger_date=case.closed_date)
    for person in case.parties.filter(dispose_after_date=case.dispose_after_date):
        person.retention_class, person.dispose_after_date = COMPLAINED_OF, until
        person.save(update_fields=["retention_class", "dispose_after_date"])
    case.dispose_after_date = until


def kept_as(case: Case) -> str:
    """Return the retention class of a case that ends now: there may have been a complaint of it. One query."""
    return COMPLAINED_OF if case.holds.filter(kind=COMPLAINT).exists() else "emergency_disclosure"


def answered(case: Case, *, answered_at: datetime, at: datetime) -> None:
    """End what ran until the answer, and begin what is owed after it: the record (K06) and its check. What is owed
    already keeps its end."""
    for rule in (HOUR, ANSWER):
        clocks.end(case, rule, at=at, state="met")
    owed = set(case.clocks.filter(rule__in=(RECORD, CHECK), ended_at=None).values_list("rule", flat=True))
    for rule in (RECORD, CHECK):
        if rule not in owed:
            clocks.start(case, rule, started_at=answered_at)
