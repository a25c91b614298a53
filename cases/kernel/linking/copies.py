"""Copies of documents in the new case of a split, sealed anew under its key, with the same hash.

What lies in its row is copied within the split. What lies in a store, which may be slow or away, follows in the
background, read and written outside any transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Max, QuerySet

from cases.kernel import actors, approvals, locks, record, tasks
from cases.kernel.background import jobs
from cases.kernel.background.jobs import Job
from cases.kernel.evidence import damage, handing, scanning, store, taking
from cases.kernel.models import Case, Evidence, Task
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = ["NOT_COPIED", "copy"]

COPY = "copy_documents"
NOT_COPIED = "split_document_missing"
PURPOSE = "split"
_SAID = ("file_name", "admissibility")
tasks.declare({NOT_COPIED: "Documents did not come along from the case that was split: attach them by hand"})


def copy(documents: QuerySet[Evidence], old: Case, new: Case, reader: sealing.Reader, *, at: datetime) -> None:
    """Copy documents into a new case, inside its ledger action; what lies in a store is promised. What was erased or is
    damaged stays behind; damage is reported once the split is committed."""
    rows = list(documents.select_related("blob"))
    here = [row for row in rows if row.blob.kept == store.IN_ROW]
    opened = sealing.open_rows(here, _SAID, reader=reader, at=at) if here else []
    for row, each in zip(here, opened, strict=True):
        try:
            taken = _taken(row, each["file_name"] or "document", new, reader, at=at)
        except handing.DocumentErased:
            continue
        except handing.DocumentDamaged:
            transaction.on_commit(partial(damage.report, row, at=at), robust=True)
            continue
        _keep(row, taken, new, admissibility=each["admissibility"], at=at)
    if there := [row.number for row in rows if row.blob.kept != store.IN_ROW]:
        params = {"of": old.pk, "case": new.pk, "documents": there}
        jobs.start(COPY, actor=actors.system("split", source=old.source), at=at, params=params)


def _taken(row: Evidence, name: str, new: Case, reader: sealing.Reader, *, at: datetime) -> taking.Taken:
    opened = handing.open_document(row, reader=reader, at=at, name_too=False)
    return taking.take_again(new, opened.chunks, file_name=name, media_type=row.media_type, at=at)


def _keep(row: Evidence, taken: taking.Taken, new: Case, *, admissibility: str | None, at: datetime) -> None:
    """Record a copy as the next document of a locked case. What the scanner found bad is a task of it as well.

    Which is the redacted copy of which is kept, whichever of the two comes along first."""
    last = new.evidence.aggregate(last=Max("number"))["last"] or 0
    made = Evidence(
        case=new,
        number=last + 1,
        kind=row.kind,
        key=new.key,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        scan=row.scan,
        blob=taken.record(),
        obtained_by_id=row.obtained_by_id,
        obtained_at=row.obtained_at,
        redacts=new.evidence.filter(sha256=row.redacts.sha256).first() if row.redacts else None,
    )
    sealing.seal(made, {"file_name": taken.file_name, "admissibility": admissibility}, key=new.key)
    made.save()
    redacted = row.redacted_copies.values("sha256")
    for each in new.evidence.filter(sha256__in=redacted, redacts=None, kind=row.kind).exclude(pk=made.pk):
        each.redacts = made
        each.save(update_fields=["redacts"])
    if scanning.waits(made):
        scanning.ask(made)
    elif kind := scanning.TASKS.get(made.scan):
        tasks.raise_task(kind, case=new, at=at, document=made.number)


def _numbers(job: Job) -> Iterable[int]:
    found: list[int] = job.params["documents"]
    return found


def _copy_one(job: Job, subject: str, at: datetime) -> Callable[[], None]:
    """Copy one document of a store: it is read and written while nothing is locked; return how it is recorded. Raises
    Skipped for what was erased; DocumentAway, StoreFull: the desk is told, as it is of what is damaged."""
    row = Evidence.objects.select_related("blob", "case__key").get(case=job.params["of"], number=int(subject))
    new = Case.objects.select_related("key").get(pk=job.params["case"])
    if new.key.destroyed_at is not None:
        raise jobs.Skipped("erased")
    reader = sealing.Reader(actor=jobs.worker_of(job).label, verb="view", purpose=PURPOSE, streams=(row.case.uid,))
    (named,) = sealing.open_rows([row], _SAID, reader=reader, at=at)
    try:
        taken = _taken(row, named["file_name"] or "document", new, reader, at=at)
    except handing.DocumentErased:
        raise jobs.Skipped("erased") from None
    except handing.DocumentDamaged:
        return partial(_tell_of_damage, job, row, at=at)
    return partial(_record, job, row, taken, admissibility=named["admissibility"], at=at)


def _tell_of_damage(job: Job, row: Evidence, *, at: datetime) -> None:
    damage.report(row, at=at)
    _tell(locks.another_for_update(job.params["case"]), job, at)


def _record(job: Job, row: Evidence, taken: taking.Taken, *, admissibility: str | None, at: datetime) -> None:
    """Record a copy in the new case, under its lock; the store keeps nothing of one that is refused or was erased
    meanwhile."""
    try:
        case = locks.case_for_update(job.params["case"])
        if DataKey.objects.filter(pk=case.key_id, destroyed_at__isnull=False).exists():
            raise jobs.Skipped("erased")
        detail = {"sha256": row.sha256}
        with record.act(case, "case.evidence_added", actor=jobs.worker_of(job), at=at, detail=detail):
            _keep(row, taken, case, admissibility=admissibility, at=at)
            approvals.void_if_changed(case, at=at)
            case.version += 1
            case.changed_at = at
            case.save()
    except BaseException:
        taken.drop()
        raise


def _tell(case: Case, job: Job, at: datetime) -> None:
    """Raise the task to attach by hand in a locked case, unless it is open: what is damaged stays so. Where the work
    is given up or a row of it failed, its end raises the same."""
    detail = {"job": str(job.uid), "work": job.kind}
    if Task.objects.filter(case=case, kind=NOT_COPIED, closed_at=None, detail__contains=detail).exists():
        return
    with record.act(case, "case.work_not_done", actor=jobs.worker_of(job), at=at, detail=detail):
        tasks.raise_task(NOT_COPIED, case=case, at=at, job=str(job.uid), work=job.kind)


jobs.declare(
    jobs.Kind(
        code=COPY,
        label="Copy documents of a case that was split",
        rows=_numbers,
        do=_copy_one,
        case="case",
        task=NOT_COPIED,
        is_slow=True,
        reasons={"erased": "It was erased"},
        # The mere count would tell of a case that not everybody may see.
        is_hidden=True,
        longest=timedelta(minutes=20),
    )
)
