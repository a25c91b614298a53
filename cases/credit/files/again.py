"""What the agencies have of each account once a monthly file has arrived, and what they were told beside it.

A change of one account may be told while a file is under way. What was told after its rows were taken is left out of
the file; what was told after the file left is told again once it has arrived, for the file may have come last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from cases.accounts import bureaus
from cases.accounts.models import BureauTold
from cases.credit.defaults.models import Default
from cases.credit.files import taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFilePart, CreditFileReject
from cases.kernel import jobs, locks, outbox, record
from cases.kernel.actors import Actor
from cases.kernel.models import BatchFile, OutboxMessage
from cases.ledger import api as ledger
from cases.ledger import copying

__all__ = ["KEEP", "arrived", "give_back", "told_since"]

KEEP = "keep_credit_file"
_TAKEN = ("delivered", "acknowledged")


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
    jobs.start(KEEP, actor=actor, at=at, params={"copy": copy.pk}, key=str(copy.batch_uid))


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


def _do(job: jobs.Job, subject: str, at: datetime) -> None:
    what, _, number = subject.partition(":")
    if what == "part":
        _keep_part(job, int(number), at=at)
    else:
        _tell_again(job, int(number), at=at)


def _keep_part(job: jobs.Job, number: int, *, at: datetime) -> None:
    copy, worker = _copy(job), jobs.worker_of(job)
    case = locks.case_for_update(copy.file_id)
    part = CreditFilePart.objects.select_related("file__case").get(file=copy.file, round=copy.file.round, number=number)
    detail = {"part": number, "agency": copy.agency.code}
    with record.act(case, "credit_file.kept", actor=worker, at=at, detail=detail):
        rows = taking.rows_of(part, by=worker.label, at=at)
        _keep(copy, {pk: taking.named(cells) for pk, cells in rows}, at=at)


def _keep(copy: CreditFileCopy, told: dict[int, dict[str, str]], *, at: datetime) -> None:
    """Keep what the agency has now where that has changed: not of what it did not take, nor of what it was told of by
    itself since."""
    file = copy.file
    newer = CreditFileFault.objects.filter(file=file, round=file.round, code="told_since", account__in=list(told))
    rejected = CreditFileReject.objects.filter(copy=copy, account__in=list(told))
    but = {*newer.values_list("account_id", flat=True), *rejected.values_list("account_id", flat=True)}
    known = {row.account_id: row for row in BureauTold.objects.filter(agency=copy.agency, account__in=list(told))}
    added, changed = [], []
    for pk, said in told.items():
        values: dict[str, Any] = {
            "status": said["status"],
            "balance_pence": int(said["amount_pence"]),
            "default_date": date.fromisoformat(said["default_date"]) if said["default_date"] else None,
        }
        row = known.get(pk)
        if pk in but or (row is not None and _is_newer(row, file)):
            continue
        if row is None:
            added.append(BureauTold(account_id=pk, agency=copy.agency, told_at=at, **values))
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in {**values, "told_at": at, "message_id": None}.items():
                setattr(row, name, value)
            changed.append(row)
    copying.copy_create(BureauTold, added)
    if changed:
        ledger.bulk_update(BureauTold, changed, ["status", "balance_pence", "default_date", "told_at", "message_id"])


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
        reasons={
            "is_overtaken": "It was told something newer meanwhile",
            "part_missing": "A part of the file is gone",
            "no_channel": "The agency has no channel",
            "release_refused": "Nothing may be sent to the agency now",
        },
    )
)
