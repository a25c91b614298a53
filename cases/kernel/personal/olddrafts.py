"""Removes what was typed and never sent once its time is over, by the schedule (retention.py). No hold keeps it:
nothing of it is part of a case until it is sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from cases.kernel.actors import system
from cases.kernel.disposal import piles
from cases.kernel.models import Draft
from cases.kernel.personal import drafts
from cases.ledger import sealing

__all__ = ["forget_due"]

CLASS = "draft"
DAY = timedelta(days=1)
ACTOR = system("disposal")


def forget_due(*, now: datetime) -> int:
    """Remove what was not sent for as long as the schedule says, and destroy the key of each day that is over once
    nothing lies under it. Returns how many drafts."""
    due = piles.due_of(CLASS, Draft.objects.annotate(over_at=F("saved_at")), now=now)
    removed: int = Draft.objects.filter(pk__in=list(due.values_list("pk", flat=True))).delete()[0]
    keys = sealing.DataKey.objects.filter(scope=drafts.SCOPE, destroyed_at=None, created_at__lt=now - DAY)
    for key in keys.exclude(pk__in=Draft.objects.values("key")):
        sealing.destroy(key, actor=ACTOR.label, reason="retention_over", at=now)
    return removed
