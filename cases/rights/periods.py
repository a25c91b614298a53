"""How long people's rights take and how long they are kept. K10 and K11 hold for every kind: they stand in the kernel's
own table."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule, showing_who_they_are
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWER", "CLOCKS", "COMPLAINT", "ONWARD", "PASSED_ON", "RETENTION", "SHOWN"]

ANSWER, EXTENDED = "k10_request", "k10_extended"
ONWARD, PASSED_ON = "rights_onward", "rights_passed_on"
COMPLAINT = "complaint_answer"
SHOWN = "rights_identity"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=ONWARD,
        label="Goes on by itself",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=COMPLAINT,
        label="A complaint is answered",
        length=30,
        unit="days",
        source="Internal target; Data Protection Act 2018 s.164A: without undue delay",
        effective_from=_FROM,
        warn_hours=120,
    ),
    showing_who_they_are(SHOWN, effective_from=_FROM),
    ClockRule(
        code=PASSED_ON,
        label="Everybody who was told has confirmed",
        length=28,
        unit="days",
        source="UK GDPR Art 21(3) and 19: at most 28 days for what is in flight",
        effective_from=_FROM,
        warn_hours=120,
    ),
)
RETENTION = (
    RetentionClass(
        code="rights_request",
        label="Rights request",
        trigger="outcome",
        months=36,
        source="Retention schedule: rights and complaint cases 3 years; the choices themselves stay as hashes",
    ),
    RetentionClass(
        code="contact_answer",
        label="Answer of the send gate",
        trigger="asked",
        months=24,
        source="Internal rule: an answer of the send gate proves for two years that it was asked (UK GDPR Art 5(1)(e))",
    ),
)
