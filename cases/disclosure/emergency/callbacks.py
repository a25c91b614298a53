"""What follows when a period of an emergency is over."""

from __future__ import annotations

from datetime import datetime

from cases.kernel import transitions
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock

__all__ = ["rested"]


def rested(case: Case, _clock: Clock, *, at: datetime) -> None:
    """Close a checked emergency about which nothing more was asked. Waits while somebody still has to look."""
    transitions.apply(case.pk, "close", actor=system("clocks", source=case.source), at=at)
