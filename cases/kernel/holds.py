"""What stops an act on a case. Nobody learns from the answer which hold it was, or whose."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from cases.kernel.models import Case, Hold

__all__ = ["SENTENCE", "blocked_acts"]

SENTENCE = "A policy hold stops this."


def blocked_acts(case: Case) -> frozenset[str]:
    """Return every act that some active hold of the case blocks. By the database's clock; one query."""
    lasting = Q(ends_at=None) | Q(ends_at__gt=Now())
    active = Hold.objects.filter(lasting, case=case, released_at=None).values_list("blocks", flat=True)
    return frozenset(act for blocks in active for act in blocks)
