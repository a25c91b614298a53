"""How long things take and how long they are kept: the clocks and the retention class of disclosures.

K01 and K02 are law for every kind: they stand in the kernel's own table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from cases.disclosure import codes
from cases.kernel import clocks
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Case
from cases.kernel.retention import RetentionClass

__all__ = [
    "CLOCKS",
    "GRADE_CLOCKS",
    "ORAL",
    "PURGE",
    "QUESTIONS",
    "RECEIPT",
    "RETENTION",
    "Counted",
    "align",
    "begin",
    "end_all",
    "go_on",
    "meet_answer",
    "pause",
    "resume",
    "wait_for_answer",
]

GRADE_CLOCKS = {1: "disclosure_grade_1", 2: "disclosure_grade_2", 3: "disclosure_grade_3"}
QUESTIONS = {1: "disclosure_question_urgent", 2: "disclosure_question_urgent", 3: "disclosure_question"}
RECEIPT, PURGE = "disclosure_receipt", "disclosure_purge"
ORAL, ERROR, ORDER = "k03_written_notice", "k04_error_report", "k07_production_order"
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
    ClockRule(
        code=QUESTIONS[1],
        label="The authority's answer to our question, urgent",
        length=1,
        unit="hours",
        source="Internal target: our own time stands still meanwhile, so something has to remind",
        effective_from=_FROM,
    ),
    ClockRule(
        code=QUESTIONS[3],
        label="The authority's answer to our question",
        length=2,
        unit="working_days",
        warn_hours=8,
        source="Internal target: our own time stands still meanwhile, so something has to remind",
        effective_from=_FROM,
    ),
    ClockRule(
        code=RECEIPT,
        label="Receipt of what was given",
        length=2,
        unit="working_days",
        source="Internal target: two working days",
        effective_from=_FROM,
    ),
    ClockRule(
        code=PURGE,
        label="Our copy is destroyed",
        length=30,
        unit="days",
        is_work=False,
        on_breach="record",
        source="Retention schedule: copy of disclosed data, 30 days after its receipt is confirmed",
        effective_from=_FROM,
    ),
)
RETENTION = (
    RetentionClass(
        code="le_disclosure",
        label="Disclosure record",
        trigger="closure",
        months=36,
        source="Retention schedule: disclosure record, 3 years",
    ),
)


def noon(day: date) -> datetime:
    """Return a moment that lies on this London day, as aware UTC."""
    return datetime.combine(day, time(12), tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What of a request its clocks depend on. Times are aware UTC, days London days."""

    grade: int
    gateway: str = ""
    granted_date: date | None = None
    order_until: date | None = None
    oral_given_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> Counted:
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})


def _wanted(case: Case, of: Counted) -> dict[str, tuple[datetime, date | None]]:
    """Return each clock that a request starts: from when, and the end that an order names."""
    found: dict[str, tuple[datetime, date | None]] = {GRADE_CLOCKS[of.grade]: (case.opened_at, None)}
    if of.granted_date is not None and of.gateway in codes.AUTHORISATIONS:
        found[codes.AUTHORISATIONS[of.gateway]] = (noon(of.granted_date), None)
    if of.granted_date is not None and of.gateway == "pace_s9_sch1":
        found[ORDER] = (noon(of.granted_date), of.order_until)
    if of.oral_given_at is not None:
        found[ORAL] = (of.oral_given_at, None)
    return found


_OURS = (*GRADE_CLOCKS.values(), *sorted(set(codes.AUTHORISATIONS.values())), ORDER, ORAL)


def begin(case: Case, of: Counted) -> None:
    """Start what runs from the request: our own target, the life of the authorisation, the written notice that an oral
    request owes (K03), the days of a production order (K07). The caller saves the case."""
    for rule, (started_at, until) in _wanted(case, of).items():
        clocks.start(case, rule, started_at=started_at, until=until)
    clocks.refresh_due(case)


def align(case: Case, of: Counted, *, at: datetime) -> None:
    """Count by what a corrected request says, each clock from where it would have begun. Nothing is started once our
    own time has ended; the caller saves the case."""
    live = {clock.rule: clock for clock in case.clocks.filter(ended_at=None, rule__in=_OURS)}
    if not set(GRADE_CLOCKS.values()) & live.keys():
        return
    wanted = _wanted(case, of)
    for rule, clock in sorted(live.items()):
        if wanted.get(rule) == (clock.started_at, clock.named_date):
            wanted.pop(rule)
        else:
            clocks.end(case, rule, at=at, state="cancelled")
    for rule, (started_at, until) in wanted.items():
        clocks.start(case, rule, started_at=started_at, until=until)
    clocks.refresh_due(case)


def wait_for_answer(case: Case, *, grade: int, at: datetime) -> None:
    """Our own time stands still, and the authority's begins: a question that is forgotten would keep both for ever."""
    pause(case, at=at)
    clocks.start(case, QUESTIONS[grade], started_at=at)


def go_on(case: Case, *, at: datetime) -> None:
    """The authority answered."""
    _end_questions(case, at=at, state="met")
    resume(case, at=at)


def _end_questions(case: Case, *, at: datetime, state: str) -> None:
    for rule in sorted(set(QUESTIONS.values())):
        clocks.end(case, rule, at=at, state=state)


def pause(case: Case, *, at: datetime) -> None:
    for rule in GRADE_CLOCKS.values():
        clocks.pause(case, rule, at=at)


def resume(case: Case, *, at: datetime) -> None:
    for rule in GRADE_CLOCKS.values():
        clocks.resume(case, rule, at=at)


def meet_answer(case: Case, *, at: datetime) -> None:
    """What was owed is given: our own target and the order's days are met."""
    for rule in (*GRADE_CLOCKS.values(), ORDER):
        clocks.end(case, rule, at=at, state="met")


def end_all(case: Case, *, at: datetime, state: str) -> None:
    """End our target as met or cancelled; an authorisation is simply over with the case, and so is what an oral request
    owed. Our copy is destroyed on its day all the same."""
    for rule in (*GRADE_CLOCKS.values(), ORDER):
        clocks.end(case, rule, at=at, state=state)
    _end_questions(case, at=at, state="cancelled")
    for rule in (*sorted(set(codes.AUTHORISATIONS.values())), ORAL, RECEIPT):
        clocks.end(case, rule, at=at, state="cancelled")
