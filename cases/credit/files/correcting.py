"""Rows of a monthly file that an agency did not take: once somebody has put them right, that agency is told of each
account at once, not with the next file.

A change of one account names nobody. An account whose name or address it could not read becomes a task: billing puts it
right, and the next file tells of it; or it is left out of the files until billing has.
"""

from __future__ import annotations

import copy as copies
from collections.abc import Iterable
from datetime import date, datetime

from cases.accounts import bureaus, storing
from cases.accounts.models import Account, BureauTold
from cases.credit.files import codes, taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileReject
from cases.kernel import calendars, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.background import jobs
from cases.kernel.models import Agency, Case, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger.reads import Reader

__all__ = ["CORRECT", "REASONS", "UNREAD", "delivered", "leave_out", "put_right"]

CORRECT, UNREAD = "correct_rejected_rows", "credit_file_unread"
tasks.declare(
    {
        UNREAD: "A credit reference agency could not read the name or address of some accounts: have billing put them "
        "right, and the next file tells of them. Once this is closed, those of whose people billing has told nothing "
        "new are left out of every file until it does"
    }
)


def put_right(case: Case, task: Task, *, at: datetime) -> None:
    """Have an agency told of the accounts that it did not take, in the act that closes the task about them."""
    copy = CreditFileCopy.objects.get(file=case.pk, agency__code=task.detail["agency"])
    actor = system("rejected_rows", source=case.source)
    params = {"copy": copy.pk, "file": case.pk}
    jobs.start(CORRECT, actor=actor, at=at, params=params, key=f"{copy.batch_uid}:{task.pk}")


def _rows(job: jobs.Job) -> Iterable[int]:
    rows = CreditFileReject.objects.filter(copy=job.params["copy"], message_id=None).order_by("pk")
    return rows.values_list("account_id", flat=True)


def _do(job: jobs.Job, subject: str, at: datetime) -> None:
    copy = CreditFileCopy.objects.select_related("file__key", "agency").get(pk=job.params["copy"])
    case = locks.case_for_update(copy.file_id)
    reject = copy.rejects.get(account=int(subject))
    if reject.code in codes.ABOUT_PEOPLE:
        raise jobs.Skipped("is_about_people")
    account, worker = Account.objects.select_related("key__parent").get(pk=int(subject)), jobs.worker_of(job)
    (row,) = taking.taken_of(_of_today(copy.file, at=at), [account], by=worker.label, at=at)
    if row.is_left_out:
        raise jobs.Skipped("is_left_out")
    agency = Agency.objects.select_related("terms").get(pk=copy.agency_id)
    change = _change(row, before=BureauTold.objects.filter(account=account, agency=agency).first())
    with record.act(case, "credit_file.corrected", actor=worker, at=at, detail={"agency": agency.code}):
        (message,) = bureaus.tell(case, account, change, actor=worker, at=at, to=[agency])
        reject.message_id = message.public_id
        reject.save(update_fields=["message_id"])


def _unread_of(copy: CreditFileCopy) -> list[CreditFileReject]:
    """Return the rows of which the agency could not read whose they are, and of whose people billing has told nothing
    since they were taken."""
    rows = CreditFileReject.objects.filter(copy=copy, code__in=codes.ABOUT_PEOPLE, left_out_at=None).order_by("pk")
    since = copy.file.extracted_at or copy.file.case.opened_at
    return [row for row in rows if not taking.people_changed(row.account_id, since=since)]


def _ask_for_the_unread(job: jobs.Job, at: datetime) -> None:
    """All others are told: what the agency could not read becomes a task, if none waits, for work is resumed."""
    copy = CreditFileCopy.objects.select_related("file__case", "agency").get(pk=job.params["copy"])
    case = locks.case_for_update(copy.file_id)
    code, worker = copy.agency.code, jobs.worker_of(job)
    if case.tasks.filter(kind=UNREAD, closed_at=None, detail__contains={"agency": code}).exists():
        return
    if unread := len(_unread_of(copy)):
        with record.act(case, "credit_file.unread", actor=worker, at=at, detail={"agency": code, "accounts": unread}):
            tasks.raise_task(UNREAD, case=case, at=at, agency=code, accounts=unread)
            case.version += 1
            case.save(update_fields=["version"])


def leave_out(case: Case, task: Task, *, at: datetime) -> None:
    """Leave the accounts that an agency could not read out of the files until billing tells of their people anew, in
    the act that closes the task about them."""
    copies = CreditFileCopy.objects.select_related("file__case")
    copy = copies.get(file=case.pk, agency__code=task.detail["agency"])
    rows = _unread_of(copy)
    CreditFileReject.objects.filter(pk__in=[row.pk for row in rows]).update(left_out_at=at)
    ledger.current().detail["left_out"] = len(rows)


def _of_today(file: CreditFile, *, at: datetime) -> CreditFile:
    """Return the file as if it told of today. Never saved."""
    now = copies.copy(file)
    now.effective_date = calendars.london_date(at)
    return now


def _change(row: taking.Taken, *, before: BureauTold | None) -> bureaus.Change:
    told = taking.named(row.cells)
    default_day, satisfied = (
        date.fromisoformat(told[name]) if told[name] else None for name in ("default_date", "satisfied_date")
    )
    return bureaus.Change(
        old=before.status if before else "",
        new=row.status,
        reason="row_rejected",
        balance_pence=row.told_pence,
        default_date=default_day,
        default_pence=int(told["default_pence"]) if told["default_pence"] else None,
        satisfied_date=satisfied,
        flags=row.flags,
    )


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The agency has taken one of those accounts: what the message said is what it has."""
    actor = system("delivery", source=case.source)
    reader = Reader(actor=actor.label, verb="keep", purpose=bureaus.PURPOSE, streams=(case.uid,))
    detail = {"message": str(message.public_id)}
    with record.act(case, "credit_file.correction_told", actor=actor, at=at, detail=detail):
        said = bureaus.said(message, reader=reader, at=at)
        account = storing.find(said.account) if said is not None else None
        if said is not None and account is not None:
            bureaus.keep_told(account, message, said, at=at)


REASONS = {
    "is_about_people": "A change of one account names nobody: a task asks for it",
    "is_left_out": "It may not be told now",
    "no_channel": "The agency has no channel",
    "release_refused": "Nothing may be sent to the agency now",
}
jobs.declare(
    jobs.Kind(
        code=CORRECT,
        label="Tell an agency of accounts that it did not take",
        rows=_rows,
        do=_do,
        finish=_ask_for_the_unread,
        desk="cra_file",
        case="file",
        reasons=REASONS,
    )
)
