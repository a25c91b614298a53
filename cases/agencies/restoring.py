"""After a restore the outbox is as it was when the backup was taken: what waited then may have left since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from cases.agencies import settlement
from cases.kernel.exchange import files
from cases.kernel.models import OutboxMessage, Stream
from cases.ledger import security

__all__ = ["SKIPPED", "Restored", "after_restore"]

# No partner has had so many files since the backup. It sees the gap once, and is told.
SKIPPED = 1000


@dataclass(frozen=True, kw_only=True)
class Restored:
    """How many messages are undecided now, and how many agencies' next file has a new number."""

    undecided: int
    streams: int


def after_restore(*, now: datetime) -> Restored:
    """Leave to people what waited and may have left since, where the receiver cannot tell a repeat; and number the next
    files above any that went out since. Each undecided message becomes a task. Call it while no worker runs, once."""
    with transaction.atomic():
        waiting = OutboxMessage.objects.filter(state__in=("pending", "sending"), channel__receiver_dedupes=False)
        undecided = waiting.update(state="unknown", lease=None, lease_until=None, settled_at=None)
        streams = Stream.objects.filter(case=None, channel__transport__in=files.CARRIED)
        numbered = streams.update(next_seq=F("next_seq") + SKIPPED)
        security.note("restored", actor="system:restore", at=now, undecided=undecided, streams=numbered)
    while settlement.settle(now=now):
        pass
    return Restored(undecided=undecided, streams=numbered)
