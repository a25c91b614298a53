"""How long a partner's query is kept: 12 months from the day it was answered or refused."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "KEPT", "RETENTION"]

KEPT = "partner_query_kept"
CLOCKS = (
    ClockRule(
        code=KEPT,
        label="Closes a year after the answer",
        length=12,
        unit="months",
        source="Retention schedule: partner query, 12 months",
        effective_from=date(2026, 1, 1),
        is_work=False,
        on_breach="record",
    ),
)
RETENTION = (
    RetentionClass(
        code="partner_query",
        label="Question of a partner",
        trigger="closure",
        months=12,
        source="Retention schedule: partner query, 12 months",
    ),
    RetentionClass(
        code="partner_query_answered",
        label="Question of a partner that was answered",
        trigger="closure",
        months=0,
        source="Retention schedule: partner query, 12 months from the answer, after which it closes",
    ),
    RetentionClass(
        code="sim_event",
        label="Change of a SIM",
        trigger="receipt",
        months=12,
        source="Retention schedule: changes of SIMs, 12 months",
    ),
)
