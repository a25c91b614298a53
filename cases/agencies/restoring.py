"""After a restore everything is as it was when the backup was taken: what waited then may have left since, and what was
erased since is here again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from cases.agencies import settlement
from cases.kernel.disposal import erasingagain
from cases.kernel.exchange import files
from cases.kernel.models import OutboxMessage, Stream
from cases.ledger import databases, security
from cases.ledger.tombstones import Tombstone

__all__ = ["SKIPPED", "Restored", "after_restore"]

# No partner has had so many files since the backup. It sees the gap once, and is told.
SKIPPED = 1000


@dataclass(frozen=True, kw_only=True)
class Restored:
    """How many messages are undecided now, how many agencies' next file has a new number, and what was erased again."""

    undecided: int
    streams: int
    again: erasingagain.Again


def after_restore(stones: Iterable[Tombstone], *, now: datetime) -> Restored:
    """Destroy again the keys of the list, and then leave to people what waited and may have left since, where the
    receiver cannot tell a repeat; and number the next files above any that went out since. Each undecided message
    becomes a task. Call it while no worker runs, once. Raises NotOurs, with nothing written, for a line that is none of
    ours."""
    again = erasingagain.erase_again(stones, now=now)
    with transaction.atomic():
        waiting = OutboxMessage.objects.filter(state__in=("pending", "sending"), channel__receiver_dedupes=False)
        undecided = waiting.update(state="unknown", lease=None, lease_until=None, settled_at=None)
        streams = Stream.objects.filter(case=None, channel__transport__in=files.CARRIED)
        numbered = streams.update(next_seq=F("next_seq") + SKIPPED)
        databases.note(at=now, is_taken_over=True)
        security.note(
            "restored",
            actor="system:restore",
            at=now,
            undecided=undecided,
            streams=numbered,
            cases=again.cases,
            people=again.people,
            keys=again.keys,
        )
    while settlement.settle(now=now):
        pass
    return Restored(undecided=undecided, streams=numbered, again=again)
