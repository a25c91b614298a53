"""A file of accounts as a job: cut into sealed parts as it comes, then taken in part by part.

Each part is one transaction with its mark, so a killed worker loses nothing and adds nothing twice. A row that cannot
be taken in is listed by line, column and reason; the others go in.
"""

from __future__ import annotations

import codecs
import csv
import gc
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

import orjson
from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery, TextField
from django.db.models.functions import Cast

from cases.accounts import reading, storing
from cases.accounts.models import AccountFault, AccountUpload, AccountUploadPart
from cases.kernel import calendars, casetypes, policy, retention
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.evidence import disposal
from cases.kernel.models import Job
from cases.ledger import api as ledger
from cases.ledger import copying, sealing
from cases.ledger.reads import Reader

__all__ = ["ACT", "KIND", "FileUnreadable", "erase_due", "faults", "take"]

ACT = "import_accounts"
CLASS, REASON = "upload", "retention_over"
ACTOR = system("disposal")
PART = 1000
LABEL = "cases.accountuploadpart"
LONGEST_LINE = 20_000
Line = tuple[int, list[str]]


class FileUnreadable(CaseError):
    """The file is not one of accounts. The message is the sentence."""


class PartMissing(CaseError):
    """The part was removed, or its key destroyed."""


class _CameBefore(Exception):
    """The same bytes are here: nothing that was sealed of them is kept."""

    def __init__(self, upload: AccountUpload) -> None:
        super().__init__()
        self.upload = upload


def take(
    chunks: Iterable[bytes], *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> tuple[AccountUpload, jobs.Job, bool]:
    """Seal a CSV file (UTF-8, a heading, commas) part by part and queue the job that takes it in.

    One part is in memory at a time. Returns the file, its job, and whether it is new: the same bytes again are the same
    file. Raises NotAllowed, FileUnreadable; nothing is then kept.
    """
    policy.require(actor, ACT)
    try:
        with transaction.atomic():
            upload = _sealed(chunks, actor=actor, at=at)
            params, key = {"upload": upload.pk}, str(upload.uid)
            return upload, jobs.start(ACT, actor=actor, at=at, params=params, key=key, request=request), True
    except _CameBefore as before:
        return before.upload, jobs.Job.objects.get(kind=ACT, key=str(before.upload.uid)), False


def _sealed(chunks: Iterable[bytes], *, actor: Actor, at: datetime) -> AccountUpload:
    """Write the file's row and its parts. Raises FileUnreadable, _CameBefore."""
    key = sealing.new_key("account_upload", at=at)
    upload = AccountUpload.objects.create(content=key.uid.bytes, key=key, given_by_id=actor.user_id, given_at=at)
    digest = hashlib.sha256()
    lines = _lines(chunks, digest)
    heading = _heading(next(lines, (1, []))[1])
    for number, part in enumerate(_batches(lines), start=1):
        _keep(upload, number, heading, part)
        upload.lines += len(part)
    if not upload.lines:
        raise FileUnreadable("The file has no rows.")
    hashes = sealing.kept_hashes("account_file", digest.digest())
    with connection.cursor() as cursor:  # whoever gives the same bytes at this moment waits, and finds them here
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"account_file:{hashes[0].hex()}"])
    known = AccountUpload.objects.filter(content__in=hashes).first()
    if known is not None:
        raise _CameBefore(known)
    upload.content = hashes[0]
    upload.save(update_fields=["content", "lines"])
    return upload


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(islice(lines, PART)):
        yield batch


def _lines(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[Line]:
    """Yield (line on which the row begins, cells), as they come. Raises FileUnreadable."""
    reader = csv.reader(_text_lines(chunks, digest), strict=True)
    began = 1
    try:
        for cells in reader:
            if cells:
                yield began, cells
            began = reader.line_num + 1
    except csv.Error:
        raise FileUnreadable(f"Line {began} cannot be read: check its quotation marks.") from None


def _text_lines(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[str]:
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")(), ""
    number = 1
    try:
        for chunk in chunks:
            digest.update(chunk)
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            for each in whole:
                yield _checked(each, number) + "\n"
                number += 1
            _checked(rest, number)
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileUnreadable(f"From about line {number} on the file is not UTF-8 text. Save it as UTF-8.") from None
    if rest:
        yield _checked(rest, number)


def _checked(text: str, number: int) -> str:
    if len(text) > LONGEST_LINE or "\0" in text:
        raise FileUnreadable(f"Line {number} is not a line of a CSV file.")
    return text


def _heading(cells: list[str]) -> list[str]:
    if not cells:
        raise FileUnreadable("The file has no rows.")
    names = [each.strip() for each in cells]
    known = set(reading.names())
    if unknown := [each[:40] for each in names if each not in known]:
        raise FileUnreadable(f"These columns are not known: {', '.join(unknown[:5])}.")
    if len(set(names)) != len(names):
        raise FileUnreadable("A column stands in the heading twice.")
    needed = reading.needed()
    if missing := [each for each in needed if each not in names]:
        raise FileUnreadable(f"These columns are missing: {', '.join(missing)}.")
    return names


def _keep(upload: AccountUpload, number: int, heading: list[str], part: list[Line]) -> None:
    row = AccountUploadPart(upload=upload, number=number)
    row.rows = sealing.seal_bytes(orjson.dumps([heading, part]), key=upload.key, label=LABEL, uid=row.uid, field="rows")
    row.save(force_insert=True)


def _parts(job: jobs.Job) -> Iterable[int]:
    return (
        AccountUploadPart.objects.filter(upload=job.params["upload"])
        .order_by("number")
        .values_list("number", flat=True)
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles from walking through the whole program again and again while a part, which is small
    and makes hundreds of thousands of objects that end by themselves, is taken in: it took a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_uncollected()
def _take_in(job: jobs.Job, subject: str, at: datetime) -> None:
    """Take in one part: accounts, faults and counts in one act on the file's stream, and the part is removed."""
    parts = AccountUploadPart.objects.select_related("upload")
    part = parts.filter(upload=job.params["upload"], number=subject).first()
    if part is None:
        raise PartMissing
    worker = jobs.worker_of(job)
    reader = Reader(actor=worker.label, verb="view", purpose=ACT, streams=(part.upload.uid,))
    sealed, key_id = bytes(part.rows), part.upload.key_id
    body = sealing.open_bytes(sealed, key_id=key_id, label=LABEL, uid=part.uid, field="rows", reader=reader, at=at)
    if body is None:
        raise PartMissing
    heading, lines = orjson.loads(body)
    today = calendars.london_date(at)
    rows: list[reading.Row] = []
    numbers: list[int] = []
    wrong: list[tuple[int, reading.Fault]] = []
    for number, cells in lines:
        if len(cells) != len(heading):
            wrong.append((number, reading.Fault("", "columns")))
            continue
        try:
            rows.append(reading.read(dict(zip(heading, cells, strict=True)), today=today))
            numbers.append(number)
        except reading.RowRefused as refused:
            wrong += [(number, fault) for fault in refused.faults]
    with ledger.action(part.upload.uid, "accounts.imported", actor=worker.label, at=at, source=job.source) as act:
        found = storing.store(rows, at=at)
        wrong += [(numbers[place], fault) for place, fault in found.refused.items()]
        counts = {
            "added": found.added,
            "changed": found.changed,
            "unchanged": found.unchanged,
            "refused": len({number for number, _ in wrong}),
        }
        act.detail |= {"part": part.number, **counts}
        wrong += [(numbers[place], fault) for place, fault in found.kept.items()]
        copying.copy_rows(
            [
                AccountFault(upload=part.upload, line=number, column=fault.column, code=fault.code)
                for number, fault in sorted(wrong, key=lambda each: (each[0], each[1].column))
            ]
        )
        AccountUpload.objects.filter(pk=part.upload_id).update(**{name: F(name) + n for name, n in counts.items()})
        part.delete()


def erase_due(*, now: datetime) -> int:
    """Erase what is left of files whose work ended so long ago that they are kept no more, each in a transaction of its
    own with one event on its stream; a fault of one is `disposal.one_by_one`'s. What was not taken in can be given
    again: the same bytes are then another file. Counts and the list of faults stay. Returns how many files. Raises
    OperationalError while the database is away."""
    work = Job.objects.filter(kind=ACT, key=Cast(OuterRef("uid"), TextField()), state__in=("stopped", "done", "failed"))
    kept = AccountUpload.objects.filter(key__destroyed_at=None).annotate(over_at=Subquery(work.values("ended_at")[:1]))
    ended = kept.exclude(over_at=None).order_by("over_at", "pk").values_list("pk", "over_at")
    today = calendars.london_date(now)
    over = [row for row in ended if retention.dispose_after(CLASS, trigger_date=calendars.london_date(row[1])) < today]
    return disposal.one_by_one(CLASS, over, lambda pk, at: _erase(pk, ended_at=at, now=now), _of_billing, now=now)


def _of_billing(*_row: object) -> dict[str, str]:
    """Return the team of the first kind to whose cases billing still tells: it works with what a file brings."""
    return {ACT: next(each.team for each in casetypes.all_types() if not each.is_erasable)}


@transaction.atomic
def _erase(upload_id: int, *, ended_at: datetime, now: datetime) -> int:
    """Erase one file; none where another worker was first, or its work goes on again. Locks its job and its row."""
    upload = AccountUpload.objects.select_related("key").get(pk=upload_id)
    if not Job.objects.select_for_update().filter(kind=ACT, key=str(upload.uid), ended_at=ended_at).exists():
        return 0
    upload = AccountUpload.objects.select_for_update(of=("self",)).select_related("key").get(pk=upload_id)
    if upload.key.destroyed_at is not None:
        return 0
    version = retention.in_force(CLASS, on=calendars.london_date(ended_at)).version
    detail = {"class": CLASS, "versions": [version], "content": bytes(upload.content).hex(), "lines": upload.lines}
    with ledger.action(upload.uid, "accounts.file_erased", actor=ACTOR.label, at=now, detail=detail) as act:
        act.detail["parts_left"], _ = upload.parts.all().delete()
        sealing.destroy(upload.key, actor=ACTOR.label, reason=REASON, at=now)
        if act.detail["parts_left"]:
            upload.content = upload.key.uid.bytes
            upload.save(update_fields=["content"])
    return 1


def faults(upload: AccountUpload, *, after: int = 0, most: int = 100) -> list[tuple[int, str, str]]:
    """Return (line, column, sentence) of the rows that were not taken in, or not whole, from a line on."""
    rows = AccountFault.objects.filter(upload=upload, line__gt=after).order_by("line", "column")[:most]
    return [(each.line, each.column, reading.FAULTS.get(each.code, each.code)) for each in rows]


KIND = jobs.Kind(
    code=ACT,
    label="Take in accounts",
    rows=_parts,
    do=_take_in,
    act=ACT,
    reasons={
        "part_missing": "This part of the file is gone",
        "unexpected_error": "Something unforeseen; the log has it",
    },
    names=lambda _actor, subjects: {each: f"Part {each}" for each in subjects},
)
jobs.declare(KIND)
