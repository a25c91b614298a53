"""What was promised before a hold began that stops it: it waits, and leaves once no such hold is in force."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q

from cases.kernel import holds, releases
from cases.kernel.models import Hold, ReleasedPerson

__all__ = ["is_kept", "kinds"]


def kinds() -> dict[str, str]:
    """Return the kinds of message that a hold keeps, each with what the hold stops."""
    return {kind.code: kind.waits_for for kind in releases.KINDS.values() if kind.waits_for}


def is_kept() -> Q:
    """Return the condition of a message that a hold of its case keeps now, by the database's clock, as the queue reads
    it too. A hold for one person keeps what is about that person alone."""
    about = ReleasedPerson.objects.filter(release__message=OuterRef(OuterRef("pk")), party=OuterRef("party"))
    held = Hold.objects.filter(holds.in_force(), Q(party=None) | Exists(about), case=OuterRef("case"))
    each = (Q(Exists(held.filter(blocks__contains=[block])), kind=code) for code, block in kinds().items())
    return reduce(or_, each, Q(pk__in=[]))
