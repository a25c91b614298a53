"""What the send gate answered is kept for its time and then erased: nobody needs to know for ever who asked of whom."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count

from cases.kernel import calendars, retention
from cases.kernel.actors import system
from cases.kernel.models import Agency
from cases.ledger import api as ledger
from cases.rights.models import ContactAnswer

__all__ = ["KEPT", "erase_due"]

KEPT = "contact_answer"
ACTOR = system("disposal")
BATCH = 20_000


def erase_due(now: datetime) -> int:
    """Erase the answers whose time is over, each by the London day on which it was asked for: so many in a transaction,
    with one event on the stream of each system that had asked, which says how many. Returns how many."""
    oldest = ContactAnswer.objects.order_by("asked_at").values_list("asked_at", flat=True).first()
    today = calendars.london_date(now)
    last = retention.last_over(KEPT, first=calendars.london_date(oldest), today=today) if oldest else None
    if last is None:
        return 0
    erased = 0
    while count := _erase(calendars.end_of_day(last) + timedelta(seconds=1), now=now):
        erased += count
    return erased


@transaction.atomic
def _erase(before: datetime, *, now: datetime) -> int:
    due = ContactAnswer.objects.filter(asked_at__lt=before).order_by("asked_at", "pk").values("pk")[:BATCH]
    rows = ContactAnswer.objects.filter(pk__in=[each["pk"] for each in due])
    counts = dict(rows.order_by().values_list("agency").annotate(Count("pk")))
    for agency in Agency.objects.filter(pk__in=counts).order_by("pk"):
        detail = {"answers": counts[agency.pk]}
        with ledger.action(agency.uid, "contact_answers.erased", actor=ACTOR.label, at=now, detail=detail):
            pass
    rows.delete()
    return sum(counts.values())
