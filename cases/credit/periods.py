"""How long checks take and how long they are kept: customers' results and others' by rules of their own."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "CLOSE", "REFERRED", "RETENTION", "SEARCHES"]

SEARCHES, REFERRED, CLOSE = "check_searches", "check_referred", "check_close"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=SEARCHES,
        label="Agencies answer the searches",
        length=60,
        unit="minutes",
        source="Internal rule: after an hour a person takes over",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=REFERRED,
        label="A person decides",
        length=1,
        unit="working_days",
        source="Internal target",
        effective_from=_FROM,
    ),
    ClockRule(
        code=CLOSE,
        label="Closes unless it is contested",
        length=30,
        unit="days",
        source="Internal rule: 30 days since the last notice",
        effective_from=_FROM,
        is_work=False,
        on_breach="record",
    ),
)
_CUSTOMER = "Retention schedule: credit-check result of a customer, 6 years from the end of the contract"
_OTHER = "Retention schedule: credit-check result of somebody who became no customer, 12 months from the decision"
RETENTION = (
    RetentionClass(code="check_customer", trigger="contract end", months=72, source=_CUSTOMER),
    RetentionClass(code="check_no_customer", trigger="decision", months=11, source=f"{_OTHER}; it closes after one"),
    RetentionClass(
        code="check_fraud",
        trigger="decision",
        months=72,
        source="Retention schedule: credit-check result with a fraud marker filed, 6 years",
    ),
)
