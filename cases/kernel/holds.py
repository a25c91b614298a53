"""What stops an act on a case. Nobody learns from the answer which hold it was, or whose."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from cases.kernel.models import Case, Hold

__all__ = ["SENTENCE", "active"]

SENTENCE = "A policy hold stops this."


def active(case: Case, *, at: datetime | None = None) -> QuerySet[Hold]:
    """Return the holds of a case that are in force at a moment, or now by the database's clock."""
    moment = at or Now()
    lasting = Q(ends_at=None) | Q(ends_at__gt=moment)
    return Hold.objects.filter(lasting, case_id=case.pk, released_at=None, began_at__lte=moment)
