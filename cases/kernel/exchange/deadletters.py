"""Messages that are stuck: what people decide about them. Each decision is an act of the case and needs a reason."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from cases.kernel import conflicts, formats, locks, outbox, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import chase, corrections, files, letters
from cases.kernel.models import BatchFile, Case, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["GIVEN_UP", "NotStuck", "skip", "stuck", "try_again"]

STATES = ("dead", "unknown")
GIVEN_UP = "message_given_up"
tasks.declare(
    {GIVEN_UP: "A message to an agency was given up: tell it by another way, or take back what it was to hear"}
)


class GivenUp(CaseError):
    """The message leaves no more."""


class NotStuck(CaseError):
    """The message is on its way or has ended, so there is nothing to decide; or the reason is missing; or whoever
    decides has a tie to somebody in the case."""


def stuck() -> QuerySet[OutboxMessage]:
    """Return the messages that wait for a person, oldest first."""
    return OutboxMessage.objects.filter(state__in=STATES).select_related("case", "channel__agency").order_by("pk")


def try_again(message: OutboxMessage, *, actor: Actor, at: datetime, reason: str) -> None:
    """Make a message due once more under its old id. Locks case and message. Raises NotStuck."""
    _resolve(message, "pending", "message.tried_again", actor=actor, at=at, reason=reason)


def skip(message: OutboxMessage, *, actor: Actor, at: datetime, reason: str) -> None:
    """Give a message up, so that what waits behind it goes on. Locks case and message. Raises NotStuck."""
    _resolve(message, "skipped", "message.skipped", actor=actor, at=at, reason=reason)


def _act(
    row: OutboxMessage, case: Case | None, verb: str, *, actor: Actor, at: datetime, reason: str, detail: dict[str, str]
) -> AbstractContextManager[ledger.Action]:
    """Open the act of the case, or of the agency for a file that belongs to no one case."""
    if case is not None:
        return record.act(case, verb, actor=actor, at=at, reason=reason, detail=detail)
    formats.refuse_card_numbers([reason])
    key, stream = sealing.new_key("agency", at=at), row.channel.agency.uid
    return ledger.action(
        stream, verb, actor=actor.label, at=at, reason=reason, key=key, detail=detail, source=actor.source
    )


@transaction.atomic
def _resolve(message: OutboxMessage, state: str, verb: str, *, actor: Actor, at: datetime, reason: str) -> None:
    case = locks.case_for_update(message.case_id) if message.case_id is not None else None
    rows = OutboxMessage.objects.select_for_update(of=("self",)).select_related("channel__agency")
    row = rows.filter(pk=message.pk, state__in=STATES).first()
    if row is None or not reason.strip():
        raise NotStuck("Only a stuck message can be tried again or skipped, and it needs a reason.")
    if case is not None and (refusal := conflicts.why_not(actor, case)):
        raise NotStuck(refusal)
    detail = {"message": str(row.public_id), "message_kind": row.kind}
    with _act(row, case, verb, actor=actor, at=at, reason=reason.strip(), detail=detail):
        for task in Task.objects.filter(case=case, detail__message=str(row.public_id), closed_at=None):
            tasks.close(task, actor=actor, at=at, outcome=verb.removeprefix("message."))
        if case is not None and state == "skipped":
            _have_it_told(case, row, actor=actor, at=at)
    OutboxMessage.objects.filter(pk=row.pk).update(
        state=state, resolved_by=actor.label, due_at=Now(), settled_at=None if state == "pending" else at
    )
    if state == "skipped":
        _tell_of_file(row, at=at)
    outbox.ring()


def _have_it_told(case: Case, row: OutboxMessage, *, actor: Actor, at: datetime) -> None:
    """What is given up nobody was told: ask those who work on the case, inside the current ledger action, to tell of a
    removal or correction by another way, against the time that it has, and of anything else where it was none of
    them who gave it up. A letter that another house posts goes by itself, and a reminder said nothing new."""
    if letters.given_up(case, row) or row.kind == chase.CHASER.code:
        return
    agency, about = row.channel.agency.code, dict[str, Any](message=str(row.public_id), message_kind=row.kind)
    if change := corrections.change_of(row.kind):
        corrections.by_hand(case, agency, change, refusal=GivenUp(), at=at, **about)
    elif actor.kind != "staff":  # on a page only those who work on the case decide
        tasks.raise_task(GIVEN_UP, case=case, at=at, agency=agency, **about)


def _tell_of_file(row: OutboxMessage, *, at: datetime) -> None:
    """Tell the family of a file that was given up whether anybody may have it."""
    file = BatchFile.objects.select_related("channel__agency", "message").filter(message=row.pk).first()
    if file is not None:
        files.tell(file, "lost" if row.state == "unknown" else "skipped", at=at)
