"""How long things take and how long they are kept: the clocks and the retention class of disclosures.

K01 and K02 are law for every kind: they stand in the kernel's own table.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from cases.disclosure import codes
from cases.kernel import calendars, clocks
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "GRADE_CLOCKS", "RETENTION", "align", "begin", "end_all", "pause", "resume"]

GRADE_CLOCKS = {1: "disclosure_grade_1", 2: "disclosure_grade_2", 3: "disclosure_grade_3"}
_FROM = date(2026, 1, 1)
_SOURCE = "Internal target for the grade"
CLOCKS = (
    ClockRule(
        code=GRADE_CLOCKS[1],
        label="Answer, grade 1",
        length=30,
        unit="minutes",
        is_pausable=True,
        source=_SOURCE,
        effective_from=_FROM,
    ),
    ClockRule(
        code=GRADE_CLOCKS[2],
        label="Answer, grade 2",
        length=4,
        unit="hours",
        is_pausable=True,
        source=_SOURCE,
        effective_from=_FROM,
    ),
    ClockRule(
        code=GRADE_CLOCKS[3],
        label="Answer, grade 3",
        length=5,
        unit="working_days",
        is_pausable=True,
        source=_SOURCE,
        effective_from=_FROM,
    ),
)
RETENTION = (
    RetentionClass(
        code="le_disclosure", trigger="closure", months=36, source="Retention schedule: disclosure record, 3 years"
    ),
)


def noon(day: date) -> datetime:
    """Return a moment that lies on this London day, as aware UTC."""
    return datetime.combine(day, time(12), tzinfo=UTC)


def begin(case: Case, *, grade: int, gateway: str, granted_date: date | None, at: datetime) -> None:
    """Start what runs from the request: our own target, and the life of the authorisation. The caller saves the
    case."""
    clocks.start(case, GRADE_CLOCKS[grade], started_at=at)
    if granted_date is not None and gateway in codes.AUTHORISATIONS:
        clocks.start(case, codes.AUTHORISATIONS[gateway], started_at=noon(granted_date))
    clocks.refresh_due(case)


def align(case: Case, *, grade: int, gateway: str, granted_date: date | None, at: datetime) -> None:
    """Count by what a corrected request says: another grade, ground or day of the grant, each from where it would have
    begun. Nothing is started once our own time has ended; the caller saves the case."""
    live = {clock.rule: clock for clock in case.clocks.filter(ended_at=None)}
    rule = GRADE_CLOCKS[grade]
    ours = set(GRADE_CLOCKS.values()) & live.keys()
    if not ours:
        return
    if rule not in ours:
        for other in sorted(ours):
            clocks.end(case, other, at=at, state="cancelled")
        clocks.start(case, rule, started_at=case.opened_at)
    wanted = codes.AUTHORISATIONS.get(gateway) if granted_date is not None else None
    for other in sorted(set(codes.AUTHORISATIONS.values()) & live.keys()):
        is_same = other == wanted and granted_date == calendars.london_date(live[other].started_at)
        if is_same:
            wanted = None
        else:
            clocks.end(case, other, at=at, state="cancelled")
    if wanted and granted_date is not None:
        clocks.start(case, wanted, started_at=noon(granted_date))
    clocks.refresh_due(case)


def pause(case: Case, *, at: datetime) -> None:
    for rule in GRADE_CLOCKS.values():
        clocks.pause(case, rule, at=at)


def resume(case: Case, *, at: datetime) -> None:
    for rule in GRADE_CLOCKS.values():
        clocks.resume(case, rule, at=at)


def end_all(case: Case, *, at: datetime, state: str) -> None:
    """End our target as met or cancelled; an authorisation is simply over with the case."""
    for rule in GRADE_CLOCKS.values():
        clocks.end(case, rule, at=at, state=state)
    for rule in sorted(set(codes.AUTHORISATIONS.values())):
        clocks.end(case, rule, at=at, state="cancelled")
