"""How long things take and how long they are kept: the clocks and retention classes of suspicion reports."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "MORATORIUM", "NOTICE", "RETENTION", "TRIAGE", "UNIT_ANSWER"]

# K25 is law for every kind: its two periods stand in the kernel's own table.
NOTICE, MORATORIUM = "k25_notice_period", "k25_moratorium"
TRIAGE, UNIT_ANSWER = "suspicion_triage", "suspicion_acknowledgement"
CLOCKS = (
    ClockRule(
        code=TRIAGE,
        label="Nominated officer's decision",
        length=1,
        unit="working_days",
        source="Internal target; the law says as soon as practicable",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code=UNIT_ANSWER,
        label="Unit's acknowledgement",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
)

# Both are counted from the day on which the report ends, as for every kind: until then it is still worked on, and five
# years from the submission could end while a moratorium or an investigation runs.
RETENTION = (
    RetentionClass(
        code="suspicion_report",
        label="Suspicion report",
        trigger="closure",
        months=60,
        source="Retention schedule: SAR papers",
    ),
    RetentionClass(
        code="suspicion_dismissed",
        label="Suspicion report that was dismissed",
        trigger="closure",
        months=60,
        source="Retention schedule: dismissed",
    ),
)
