"""How long things take and how long they are kept. The month for an answer to a person is K10 of the kernel's table."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = [
    "ANSWER",
    "BREAK_LAST",
    "BREAK_RESULT",
    "CLOCKS",
    "CONFIRM",
    "EVIDENCE",
    "HISTORY",
    "NOBODY_TOLD",
    "RETENTION",
    "SET_ASIDE",
]

ANSWER = "k10_request"
CONFIRM, BREAK_RESULT, BREAK_LAST = "association_confirm", "association_break_result", "association_break_last"
NOBODY_TOLD, SET_ASIDE = "association_nobody_told", "association_set_aside"
EVIDENCE, HISTORY = "association_evidence", "association_history"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=CONFIRM,
        label="Second person confirms or rejects",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=_FROM,
    ),
    ClockRule(
        code=BREAK_RESULT,
        label="Agencies say whether they broke the link",
        length=42,
        unit="days",
        source="Agencies ask for 4 to 6 weeks until a closed joint account shows",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=NOBODY_TOLD,
        label="Ends by itself: no agency holds the link",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=SET_ASIDE,
        label="Set aside by itself: one of its people was wrong",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=BREAK_LAST,
        label="Agencies that were asked again answer",
        length=10,
        unit="working_days",
        source="Internal target",
        effective_from=_FROM,
        is_work=False,
    ),
)
RETENTION = (
    RetentionClass(
        code=EVIDENCE,
        label="Evidence of a financial link",
        trigger="the link is rejected, broken or removed",
        months=12,
        source="Retention schedule: association link, evidence 12 months after the break",
    ),
    RetentionClass(
        code=HISTORY,
        label="That there was a financial link",
        trigger="the link is broken or removed",
        months=72,
        source="Retention schedule: association link, link history 6 years",
    ),
)
