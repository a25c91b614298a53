"""What bidders were shown is erased for good when its time is over: here, and in each message and file that took it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from cases.debt.sale import messages
from cases.debt.sale.models import SaleTape
from cases.kernel import holds, locks, outbox, record
from cases.kernel.actors import system
from cases.kernel.models import Case, OutboxMessage
from cases.ledger import sealing

__all__ = ["erase_due"]

KEPT = timedelta(days=30)


def erase_due(now: datetime) -> int:
    """Erase what bidders were shown, 30 days after it was made, and what was withdrawn: each in an act of its sale. A
    hold that keeps anything of the sale from being erased keeps its tapes. Returns how many tapes."""
    due = SaleTape.objects.filter(made_at__lt=now - KEPT, erased_at=None)
    due = due.filter(sale__case__is_erased=False)  # of one that is erased its key is gone, and the tape with it
    due = due.filter(kind="bid") | due.filter(is_withdrawn=True)
    return sum(_erase(tape_id, now=now) for tape_id in list(due.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _erase(tape_id: int, *, now: datetime) -> int:
    """Erase one tape with what was said of it; none while it is held, or just being sent. Locks its sale."""
    tape = SaleTape.objects.select_related("key").get(pk=tape_id)
    case = locks.case_for_update(tape.sale_id)
    sent = _sent(case, tape)
    if holds.blocks(case, "dispose", at=now) or any(message.state == "sending" for message in sent):
        return 0
    actor = system("retention", source=case.source)
    with record.act(case, "debt_sale.tape_erased", actor=actor, at=now, detail={"tape": tape.number}) as act:
        tape.parts.all().delete()
        sealing.destroy(tape.key, actor=actor.label, reason="retention_over", at=now)
        for message in sent:
            outbox.take_back(message, at=now)  # an offer that waited as long is none any more
            outbox.forget(message, actor=actor.label, reason="retention_over", at=now)
        act.detail["messages"] = [str(message.public_id) for message in sent]
        tape.erased_at = now
        tape.save(update_fields=["erased_at"])
    return 1


def _sent(case: Case, tape: SaleTape) -> list[OutboxMessage]:
    """Return, locked, the messages that took a tape to bidders: one that was withdrawn never left, since a sale shows
    bidders the newest alone, and once."""
    if tape.is_withdrawn:
        return []
    rows = OutboxMessage.objects.select_for_update(of=("self",)).select_related("key")
    return list(rows.filter(case=case, kind=messages.BID_TAPE.code).order_by("pk"))
