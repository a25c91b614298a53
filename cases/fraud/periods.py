"""How long things take and how long they are kept: the clocks and retention classes of fraud referrals."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "EXPIRIES", "OF_THE_INNOCENT", "RETENTION"]

# Its handbook is its members' alone: what the contract with it names wins, as a version of the rule.
_K24 = "Membership agreement with the fraud prevention agency, its handbook: how long a marker is kept"
CLOCKS = (
    ClockRule(
        code="fraud_triage",
        label="Triage",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_investigation",
        warn_hours=24,
        label="Investigation",
        length=10,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_correction",
        label="Correction of the filing",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_check",
        label="Second person's check",
        length=1,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_acknowledgement",
        label="Agency's answer",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_match",
        label="Decision on a match",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_enquiry",
        label="Answer to another member",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_removal_instruction",
        label="Answer to an instruction to remove",
        length=1,
        unit="working_days",
        source="Removals are urgent: one working day; UK GDPR Art 19",
        effective_from=date(2018, 5, 25),
    ),
    ClockRule(
        code="fraud_protective_registration",
        label="Decision on a protective registration",
        length=2,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="fraud_alert_hit",
        label="Decision on a hit in the retail alert",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
    ClockRule(
        code="protection_seen",
        label="Protected person: extra checks",
        length=2,
        unit="years",
        source="Retention schedule: protective registration seen, as the agency says, two years at most",
        effective_from=date(2018, 5, 25),
        may_name_end=True,
        is_work=False,
    ),
    ClockRule(
        code="match_seen",
        label="Warning after a confirmed match",
        length=6,
        unit="years",
        source=f"{_K24}; the agency names an earlier end",
        effective_from=date(2018, 5, 25),
        may_name_end=True,
        is_work=False,
    ),
    ClockRule(
        code="k24_adverse",
        clock="K24",
        label="Adverse marker expires",
        length=6,
        unit="years",
        source=_K24,
        effective_from=date(2018, 5, 25),
        is_work=False,
    ),
    ClockRule(
        code="k24_victim",
        clock="K24",
        label="Victim marker expires",
        length=13,
        unit="months",
        source=_K24,
        effective_from=date(2018, 5, 25),
        is_work=False,
    ),
    ClockRule(
        code="k24_protective",
        clock="K24",
        label="Protective registration expires",
        length=2,
        unit="years",
        source=_K24,
        effective_from=date(2018, 5, 25),
        is_work=False,
    ),
    ClockRule(
        code="fraud_notice_validity",
        label="A notice once shown counts",
        length=3,
        unit="years",
        source="Internal rule; the agency's principles 3 and 4 ask for a notice that was shown",
        effective_from=date(2000, 1, 1),
        is_work=False,
    ),
)

OF_THE_INNOCENT = ("k24_victim", "k24_protective")
EXPIRIES = ("k24_adverse", *OF_THE_INNOCENT)

RETENTION = (
    RetentionClass(
        code="fraud_not_filed",
        label="Fraud referral that was not filed",
        trigger="closure",
        months=12,
        source="Retention schedule: not filed",
    ),
    RetentionClass(
        code="fraud_adverse",
        label="Fraud filing",
        trigger="filing",
        months=72,
        source="Retention schedule: adverse filing",
    ),
    RetentionClass(
        code="fraud_victim",
        label="Filing for a victim of impersonation",
        trigger="filing",
        months=13,
        source="Retention schedule: victim",
    ),
    RetentionClass(
        code="fraud_protective",
        label="Protective registration",
        trigger="filing",
        months=24,
        source="Retention schedule: protective registration",
    ),
    RetentionClass(
        code="fraud_removed",
        label="Fraud filing that was removed",
        trigger="removal",
        months=12,
        source="Retention schedule: as if it had not been filed",
    ),
    RetentionClass(
        code="fraud_expired",
        label="Fraud filing that expired",
        trigger="expiry",
        months=0,
        source="Retention schedule: at expiry",
    ),
)
