"""What follows when the period of a query is over."""

from __future__ import annotations

from datetime import datetime

from cases.kernel import transitions
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock

__all__ = ["kept_long_enough"]


def kept_long_enough(case: Case, _clock: Clock, *, at: datetime) -> None:
    """Close a query a year after its answer."""
    transitions.apply(case.pk, "close", actor=system("clocks", source=case.source), at=at)
