"""How long a placement waits for what, and how long it is kept."""

from __future__ import annotations

from datetime import date

from cases.kernel.clocks import ClockRule
from cases.kernel.retention import RetentionClass

__all__ = ["CLOCKS", "LOOK", "NIGHTLY", "PULL", "RECALL", "RECALL_BY_HAND", "RETENTION", "STOP"]

RECALL, NIGHTLY, PULL, STOP = "placement_recall", "placement_gate", "placement_pull", "placement_stop"
LOOK = "placement_look"
# The task that somebody tells an agency of a recall, since no file can go.
RECALL_BY_HAND = "placement_recall_by_hand"
_FROM = date(2026, 1, 1)
CLOCKS = (
    ClockRule(
        code=RECALL,
        label="The agency confirms a recall",
        length=1,
        unit="working_days",
        source="Internal target: unconfirmed after one working day goes to a manager",
        effective_from=_FROM,
    ),
    ClockRule(
        code=STOP,
        label="A stop reaches the agency",
        length=15,
        unit="minutes",
        source="Internal target: an agency learns within 15 minutes that it must stop",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=PULL,
        label="The account is taken out of a file that waits",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=LOOK,
        label="A hold has begun: the gate is asked",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=_FROM,
        is_work=False,
    ),
    ClockRule(
        code=NIGHTLY,
        label="Holds and exclusions looked at again",
        length=1,
        unit="days",
        counts_first_day=True,
        source="Internal rule: the gate is asked every night",
        effective_from=_FROM,
        is_work=False,
    ),
)
RETENTION = (
    RetentionClass(
        code="placement",
        label="Placement with an agency",
        trigger="close",
        months=72,
        source="Retention schedule: placement and recall 6 years, the time in which a court may be asked",
    ),
)
