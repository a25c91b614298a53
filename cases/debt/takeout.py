"""Taking a line out of a file that has not left: the file is taken back, and the rest is promised as another.

What somebody has tried to send may be with the agency: then nothing is taken out, and the agency is told to stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.debt import messages, periods
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import locks, outbox, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import files
from cases.kernel.models import BatchFile, Case, Clock, Letter, OutboxMessage

__all__ = [
    "HasLeft",
    "can_be_stopped",
    "draw",
    "file_of",
    "is_given_up",
    "promise",
    "promise_anew",
    "stop",
    "take_letter_back",
]


class HasLeft(CaseError):
    """Too late: somebody is sending the file, or has."""

    def __init__(self) -> None:
        super().__init__("The file has left, or is leaving: tell the agency to stop instead.")


def file_of(case: Case) -> BatchFile | None:
    """Return the file in which an account leaves, with its message."""
    uid = case.placement.file_uid
    return BatchFile.objects.select_related("message", "channel").filter(uid=uid).first() if uid else None


def can_be_stopped(message: OutboxMessage) -> bool:
    """Say whether nobody has tried to send it, and so nobody outside can have it."""
    return message.attempts == 0 and message.state in ("pending", "withdrawn")


def is_given_up(case: Case) -> bool:
    """Say whether somebody gave the file of an account up: it goes to nobody any more. One query."""
    file = file_of(case)
    return file is not None and file.message is not None and file.message.state == "skipped"


def stop(case: Case, *, at: datetime) -> bool:
    """Take the waiting file of an account back, so that it does not leave meanwhile; say whether that could be done."""
    file = file_of(case)
    if file is None or file.message is None:
        return False
    return file.message.state == "withdrawn" or outbox.take_back(file.message, at=at)


def draw(
    batch: PlacementBatch, lines: Sequence[Placement], *, actor: Actor, at: datetime
) -> tuple[BatchFile, list[dict[str, Any]]]:
    """Return the file in which these lines of a batch will leave, and its rows, line by line; each line names it from
    now on. Raises NoChannel, NoFiles."""
    rows = messages.place(lines, actor=actor, at=at)
    file = files.draw(batch.agency.code)
    Placement.objects.filter(pk__in=[line.pk for line in lines]).update(file_uid=file.uid)
    return file, rows


def promise(
    batch: PlacementBatch, file: BatchFile, rows: Sequence[Mapping[str, Any]], *, dedupe: str, at: datetime
) -> BatchFile:
    """Promise a drawn file, inside the current ledger action. Last, once every line was written: until the transaction
    ends nobody else has a place on the agency's channel, and what stops an account there would wait. Raises
    FileRefused."""
    return files.promise(
        batch.agency.code, messages.DCA_PLACE.code, messages.written(rows), at=at, dedupe=dedupe, drawn=file
    )


def promise_anew(case: Case, *, actor: Actor, at: datetime, is_out: bool) -> BatchFile | None:
    """Promise the rest of a file that was taken back, inside the act on one of its accounts; `is_out`: that one is no
    longer among them. Each other line has an act of its own. Locks the batch, then the lines without waiting; returns
    None where nobody is left, and while another line that was stopped waits to be looked at: the last one promises.
    Raises locks.CaseBusy, NoChannel, NoFiles."""
    batch = PlacementBatch.objects.select_for_update().select_related("agency").get(pk=case.placement.batch_id or 0)
    taken_back = case.placement.file_uid
    rows = Placement.objects.filter(batch=batch, file_uid=taken_back, case__state="released")
    rows = rows.select_related("case__key", "account")
    lines = [row for row in rows.order_by("case__reference") if not (is_out and row.pk == case.pk)]
    others = [row.pk for row in lines if row.pk != case.pk]
    if not lines or Clock.objects.filter(case__in=others, rule=periods.PULL, ended_at=None).exists():
        return None
    file, told = draw(batch, lines, actor=actor, at=at)
    for line, row in zip(lines, told, strict=True):
        other = case if line.pk == case.pk else locks.another_for_update(line.pk)
        with record.act(other, "placement.file_anew", actor=actor, at=at):
            messages.register(other, messages.DCA_PLACE, row, agency=batch.agency, file=file, actor=actor, at=at)
    return promise(batch, file, told, dedupe=f"batch:{batch.uid}:{taken_back}", at=at)


def take_letter_back(case: Case, template: str) -> None:
    """Take back a letter of the case that was not made yet, inside the current ledger action."""
    for letter in Letter.objects.filter(case=case, template=template, state="due"):
        letter.state = "withdrawn"
        letter.save(update_fields=["state"])
