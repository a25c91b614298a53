"""How long the monthly file waits for its agencies, and how long it is kept."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWERS", "CLOCKS", "RETENTION"]

ANSWERS = "credit_file_answers"
CLOCKS = (
    ClockRule(
        code=ANSWERS,
        label="The agencies report on the monthly file",
        length=10,
        unit="working_days",
        source="Internal rule: a file that no agency reported on for ten working days counts as taken",
        effective_from=date(2026, 1, 1),
        on_breach="record",
    ),
)
RETENTION = (
    RetentionClass(
        code="credit_file",
        label="Monthly file to credit agencies",
        trigger="close",
        months=72,
        source="Retention schedule: what credit agencies were told, 6 years",
    ),
)
