"""How long an approved transfer holds, and how long its papers are kept."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "DECISION", "LONGEST_MONTHS", "RETENTION", "REVIEW"]

DECISION, REVIEW = "transfer_decision", "transfer_review"
# How far ahead a transfer may be reviewed at the latest, so that a slip of the pen does not let it hold for ever.
LONGEST_MONTHS = 36
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=DECISION,
        label="Decision on the transfer",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=_FROM,
    ),
    ClockRule(
        code=REVIEW,
        label="Review of the transfer",
        length=365,
        unit="days",
        may_name_end=True,
        source="UK GDPR Art 46: the review date of the transfer risk assessment",
        effective_from=_FROM,
        is_work=False,
        warn_hours=30 * 24,
    ),
)
RETENTION = (
    RetentionClass(
        code="transfer",
        label="Transfer abroad",
        trigger="closure",
        months=72,
        source="Retention schedule: transfer, 6 years from its lapse, end or refusal",
    ),
)
