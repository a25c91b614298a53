"""How long checks take and how long they are kept: customers' results and others' by rules of their own."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule, showing_who_they_are
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWER", "CLOCKS", "CLOSE", "NOTIFY", "REFERRED", "RETENTION", "SEARCHES", "SHOWN"]

SEARCHES, REFERRED, CLOSE = "check_searches", "check_referred", "check_close"
ANSWER, NOTIFY, SHOWN = "k10_request", "contest_notify", "contest_identity"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=NOTIFY,
        label="The person is told what came of it",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    showing_who_they_are(SHOWN, effective_from=_FROM),
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
    RetentionClass(
        code="contest",
        label="Contest of a decision",
        trigger="outcome",
        months=72,
        source="Retention schedule: record of an automated decision and of its review, 6 years",
    ),
    RetentionClass(
        code="check_customer",
        label="Check of somebody who became a customer",
        trigger="contract end",
        months=72,
        source=_CUSTOMER,
    ),
    RetentionClass(
        code="check_no_customer",
        label="Check of somebody who became no customer",
        trigger="decision",
        months=11,
        source=f"{_OTHER}; it closes after one",
    ),
    RetentionClass(
        code="check_automated",
        label="Automated decision",
        trigger="decision",
        months=72,
        source="Retention schedule: record of an automated decision and of its review, 6 years",
    ),
    RetentionClass(
        code="check_fraud",
        label="Check with a fraud marker filed",
        trigger="decision",
        months=72,
        source="Retention schedule: credit-check result with a fraud marker filed, 6 years",
    ),
)
