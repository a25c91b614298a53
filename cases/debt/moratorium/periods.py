"""How long what takes in a moratorium, and how long it is kept. The periods of the law stand in the kernel's table."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["ANSWER", "CLOCKS", "DECIDED", "ENDS", "MATCH", "MIDWAY", "RETENTION", "REVIEW", "TELL", "TOLD"]

MATCH, ANSWER = "moratorium_match", "moratorium_answer"
TELL, TOLD = "k17_tell_collectors", "k17_hold_message"
REVIEW, DECIDED = "k14_ask_review", "k15_review_decided"
MIDWAY = ("k16_midway_opens", "k16_midway_closes")
# By regime, the clock that ends it and how many days before its first protected day that clock begins.
ENDS = {"breathing_space": ("k13_breathing_space", 1), "scottish_moratorium": ("k13_scottish_moratorium", 0)}
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=MATCH,
        label="The debtor is looked for",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=ANSWER,
        label="The adviser is answered",
        length=1,
        unit="working_days",
        source="Internal target, since SI 2020/1311 reg 14 asks for the search as soon as is reasonably practicable",
        effective_from=_FROM,
        warn_hours=4,
    ),
)
RETENTION = (
    RetentionClass(
        code="moratorium",
        label="Moratorium",
        trigger="close",
        months=72,
        source="Retention schedule: moratorium, 6 years",
    ),
)
