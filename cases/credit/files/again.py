"""What the agencies have of each account once a monthly file has arrived, and what they were told beside it.

A change of one account may be told while a file is under way. What was told after its rows were taken is left out of
the file; what was told after the file left is told again once it has arrived, for the file may have come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Any

from cases.accounts import bureaus
from cases.accounts.models import BureauTold
from cases.credit.defaults.models import Default
from cases.credit.files import messages, taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFilePart, CreditFileReject
from cases.kernel import locks, outbox, record
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.models import BatchFile, OutboxMessage
from cases.ledger import copying

__all__ = ["KEEP", "arrived", "give_back", "told_since"]

KEEP = "keep_credit_file"
_TAKEN = ("delivered", "acknowledged")
_STATUS, _PENCE, _DEFAULT_DATE = map(messages.COLUMNS.index, ("status", "amount_pence", "default_date"))


def _changes(*, since: datetime) -> Any:
    """Return the messages about single accounts that left, or are about to, since a time."""
    rows = OutboxMessage.objects.filter(kind=bureaus.CRA_CORRECT.code, created_at__gte=since)
    return rows.exclude(outbox.never_left())


def told_since(file: CreditFile) -> set[int]:
    """Return the accounts of which some agency was told by itself since the rows of a file were taken. Three
    queries."""
    if file.extracted_at is None:
        return set()
    changes = _changes(since=file.extracted_at)
    cases = changes.values("case_id")
    corrected = CreditFileReject.objects.filter(message_id__in=changes.values("public_id"))
    moved = BureauTold.objects.filter(message_id__isnull=False, told_at__gte=file.extracted_at)
    return {
        *Default.objects.filter(case__in=cases).values_list("account_id", flat=True),
        *corrected.values_list("account_id", flat=True),
        *moved.values_list("account_id", flat=True),
    }


def arrived(copy: CreditFileCopy, *, actor: Actor, at: datetime) -> None:
    """Have kept, in the background, what an agency has of each account now that the file is there. Once for each copy,
    inside the act that learns of it."""
    jobs.start(KEEP, actor=actor, at=at, params={"file": copy.file_id, "copy": copy.pk}, key=str(copy.batch_uid))


def _copy(job: jobs.Job) -> CreditFileCopy:
    return CreditFileCopy.objects.select_related("file__case", "agency").get(pk=job.params["copy"])


def _rows(job: jobs.Job) -> Iterable[str]:
    """Part by part what the agency has, then each change that was told it since the file left."""
    copy = _copy(job)
    parts = CreditFilePart.objects.filter(file=copy.file, round=copy.file.round).order_by("number")
    yield from (f"part:{number}" for number in parts.values_list("number", flat=True))
    left = BatchFile.objects.get(uid=copy.batch_uid).created_at
    changes = _changes(since=left).filter(channel__agency=copy.agency, created_at__lte=job.asked_at, state__in=_TAKEN)
    yield from (f"message:{pk}" for pk in changes.order_by("pk").values_list("pk", flat=True))


def _do(job: jobs.Job, subject: str, at: datetime) -> Callable[[], None]:
    """Open a part while nothing is locked; return what is left to do under the lock of the case."""
    what, _, number = subject.partition(":")
    if what != "part":
        return partial(_tell_again, job, int(number), at=at)
    copy, worker = _copy(job), jobs.worker_of(job)
    parts = CreditFilePart.objects.select_related("file__case")
    part = parts.get(file=copy.file, round=copy.file.round, number=int(number))
    return partial(_keep_part, job, copy, part.number, taking.rows_of(part, by=worker.label, at=at), at=at)


def _keep_part(
    job: jobs.Job, copy: CreditFileCopy, number: int, rows: list[tuple[int, list[str]]], *, at: datetime
) -> None:
    case = locks.case_for_update(copy.file_id)
    detail = {"part": number, "agency": copy.agency.code}
    with record.act(case, "credit_file.kept", actor=jobs.worker_of(job), at=at, detail=detail):
        if rows:
            _keep(copy, rows, at=at)


def _keep(copy: CreditFileCopy, rows: list[tuple[int, list[str]]], *, at: datetime) -> None:
    """Keep what the agency has now where that has changed: not of what it did not take, nor of what it was told of by
    itself since. A part is of accounts in their order, so what is known of them comes by the first and the last: the
    number of statements does not depend on how many there are, nor what each weighs."""
    file, here = copy.file, {"account__gte": rows[0][0], "account__lte": rows[-1][0]}
    newer = CreditFileFault.objects.filter(file=file, round=file.round, code__in=("told_since", "held"), **here)
    rejected = CreditFileReject.objects.filter(copy=copy, **here)
    but = {*newer.values_list("account_id", flat=True), *rejected.values_list("account_id", flat=True)}
    known = {row.account_id: row for row in BureauTold.objects.filter(agency=copy.agency, **here)}
    same = {"agency_id": copy.agency_id, "told_at": at, "message_id": None}
    added, changed = [], []
    for pk, cells in rows:
        row = known.get(pk)
        if pk in but or (row is not None and _is_newer(row, file)):
            continue
        day = cells[_DEFAULT_DATE]
        status, pence, default_date = cells[_STATUS], int(cells[_PENCE]), date.fromisoformat(day) if day else None
        if row is None:
            told = {"account_id": pk, "status": status, "balance_pence": pence, "default_date": default_date}
            added.append(copying.draft(BureauTold, {**same, **told}))
        elif (row.status, row.balance_pence, row.default_date) != (status, pence, default_date):
            row.status, row.balance_pence, row.default_date = status, pence, default_date
            row.told_at, row.message_id = at, None
            changed.append(row)
    copying.copy_create(BureauTold, added)
    copying.copy_update(BureauTold, changed, ["status", "balance_pence", "default_date", "told_at", "message_id"])


def _is_newer(row: BureauTold, file: CreditFile) -> bool:
    return row.message_id is not None and file.extracted_at is not None and row.told_at >= file.extracted_at


def _tell_again(job: jobs.Job, number: int, *, at: datetime) -> None:
    """Tell the agency once more what it was told last of an account: the file may have come after it."""
    message = OutboxMessage.objects.select_related("channel__agency").get(pk=number)
    case = locks.case_for_update(message.case_id or 0)
    if message.state not in _TAKEN or not _is_newest(message):
        raise jobs.Skipped("is_overtaken")
    worker, detail = jobs.worker_of(job), {"message": str(message.public_id)}
    with record.act(case, "bureau.told_again", actor=worker, at=at, detail=detail):
        bureaus.tell_again(case, message, actor=worker, at=at)


def _is_newest(message: OutboxMessage) -> bool:
    """Say whether nothing else was told the agency of the account since. A default is of one account; of a case of many
    accounts it is kept with the account which message was the last."""
    if Default.objects.filter(case=message.case_id).exists():
        later = _changes(since=message.created_at).filter(case=message.case_id, pk__gt=message.pk)
        return not later.filter(channel__agency=message.channel.agency_id).exists()
    return BureauTold.objects.filter(message_id=message.public_id).exists()


def give_back(copy: CreditFileCopy, account_id: int) -> None:
    """Keep that an agency has of an account what it had before a file whose row it did not take, inside the current
    ledger action; nothing, where it had nothing. What it was told of it by itself stands."""
    row = BureauTold.objects.select_for_update().filter(agency=copy.agency, account=account_id).first()
    left = BatchFile.objects.get(uid=copy.batch_uid).created_at
    if row is None or row.message_id is not None or row.told_at < left:
        return
    history = BureauTold.history_model.objects.filter(id=row.pk, told_at__lt=left)  # type: ignore[attr-defined]
    before = history.order_by("-history_id").first()
    if before is None:
        row.delete()
        return
    names = ["status", "balance_pence", "default_date", "told_at", "message_id"]
    for name in names:
        setattr(row, name, getattr(before, name))
    row.save(update_fields=names)


jobs.declare(
    jobs.Kind(
        code=KEEP,
        label="Keep what an agency has after a monthly file",
        rows=_rows,
        do=_do,
        is_slow=True,
        desk="cra_file",
        case="file",
        reasons={
            "is_overtaken": "It was told something newer meanwhile",
            "part_missing": "A part of the file is gone",
            "no_channel": "The agency has no channel",
            "release_refused": "Nothing may be sent to the agency now",
        },
    )
)
