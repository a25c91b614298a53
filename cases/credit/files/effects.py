"""What a move of a month's file writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from typing import Any

from cases.credit.files import periods, sending
from cases.credit.files.models import CreditFileCopy, CreditFileFault, CreditFilePart
from cases.kernel import clocks, tasks
from cases.kernel.actors import system
from cases.ledger import api as ledger

__all__ = ["APPROVE", "MISCOUNTED", "REJECTED"]

APPROVE, REJECTED, MISCOUNTED = "credit_file_approve", "credit_file_rejected", "credit_file_miscounted"
tasks.declare(
    {
        APPROVE: "A month's file is signed: compare it with the control report and approve it",
        REJECTED: "A credit reference agency did not take some accounts of a month's file: put them right at billing, "
        "then close this: the agency is told of them at once",
        MISCOUNTED: "A credit reference agency counts other rows of a month's file than it was sent: ask which it has",
    },
    ended_by={APPROVE: "This ends when the file is approved, or opened again."},
)


def extract(context: Any) -> None:
    """Begin a round: the accounts are taken by a job."""
    case, row = context.case, context.case.credit_file
    row.effective_date, row.round, row.is_taken = context.inputs["effective_date"], row.round + 1, False
    row.extracted_at, row.taken_rows, row.taken_pence = context.at, 0, 0
    row.rows, row.total_pence, row.digest = 0, 0, ""
    row.save()
    tasks.close_all(case, sending.FAULTY, actor=context.actor, at=context.at)
    sending.start(sending.TAKE, case, actor=context.actor, at=context.at)


def sign(context: Any) -> None:
    tasks.raise_task(APPROVE, case=context.case, at=context.at)


def reopen(context: Any) -> None:
    """What was taken is dropped; the next round takes the accounts as they are then."""
    CreditFilePart.objects.filter(file=context.case.credit_file).delete()
    CreditFileFault.objects.filter(file=context.case.credit_file).delete()
    for kind in (APPROVE, sending.FAULTY):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)


def approve(context: Any) -> None:
    row = context.case.credit_file
    ledger.current().detail |= {
        "taken_rows": row.taken_rows,
        "taken_pence": row.taken_pence,
        "rows": row.rows,
        "total_pence": row.total_pence,
        "digest": row.digest,
    }
    tasks.close_all(context.case, APPROVE, actor=context.actor, at=context.at)
    desk = system("credit_file", source=context.case.source)  # whoever approved may be away when it fails
    sending.start(sending.SEND, context.case, actor=desk, at=context.at)


def transmit(context: Any) -> None:
    sending.send_to_each(context.case, context.inputs["sealed"], actor=context.actor, at=context.at)


def lock(context: Any) -> None:
    """What an agency rejected is work: one task for each agency, its accounts stand on the page."""
    case, at = context.case, context.at
    clocks.meet(case, periods.ANSWERS, at=at)
    for copy in CreditFileCopy.objects.filter(file=case.pk, rejected__gt=0).select_related("agency").order_by("pk"):
        tasks.raise_task(REJECTED, case=case, at=at, agency=copy.agency.code, rejected=copy.rejected)
