"""How long a provider may take to answer, and how long a trace is kept."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWER", "CLOCKS", "DECISION", "RETENTION"]

DECISION, ANSWER = "trace_decision", "trace_answer"
_FROM = date(2026, 1, 1)
CLOCKS = tuple(
    ClockRule(code=code, label=label, length=days, unit="working_days", source="Internal target", effective_from=_FROM)
    for code, label, days in ((DECISION, "Decision on the trace", 2), (ANSWER, "Answer of the next provider", 5))
)
RETENTION = (
    RetentionClass(
        code="trace",
        label="Trace of calls",
        trigger="closure",
        months=12,
        source="Retention schedule: nuisance trace, 12 months from its end",
    ),
)
