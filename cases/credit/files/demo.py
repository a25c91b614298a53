"""An invented month's file for a demonstration: taken and signed, so that somebody else can approve it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cases.credit.files import sending
from cases.credit.files.models import CreditFile
from cases.kernel import calendars, intake, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobrun

__all__ = ["tell"]


def tell(steward: Actor, *, now: datetime) -> None:
    """Open the file of this month, have every account taken, and sign it."""
    at = now - timedelta(minutes=30)
    today = calendars.london_date(at)
    opener = system("arrears", source="demo")
    case = intake.open_case(sending.KIND, actor=opener, at=at, facts={"month": today.replace(day=1)})
    transitions.apply(case.pk, "extract", actor=steward, at=at, inputs={"effective_date": today})
    jobrun.work(clock=lambda: at)
    if CreditFile.objects.get(pk=case.pk).is_taken:
        transitions.apply(case.pk, "sign", actor=steward, at=at + timedelta(minutes=10))
