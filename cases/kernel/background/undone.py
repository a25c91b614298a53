"""Work of a case or a desk that ended before all was done: one task for the desk that can go on with it, until it ends
well; or one of the work's own kind, which a person closes. Of any other work it is one of whoever asked for it; of the
office's own, of whoever manages such work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.kernel import casetypes, locks, record, tasks
from cases.kernel.background import jobs
from cases.kernel.models import Case, Job, Task, Team
from cases.ledger import api as ledger

__all__ = ["OFFICE", "OWN", "UNDONE", "lock", "note"]

UNDONE, OWN, OFFICE = "work_not_done", "own_work_not_done", "office_work_not_done"
tasks.declare(
    {
        UNDONE: "Work in the background ended before all was done: its page says why; go on with it there",
        OFFICE: "Work of the office itself ended before all was done: its page says why; go on with it there",
        OWN: "Work that you asked for ended before all was done: its page says why; go on with it, or ask for it anew",
    },
    ended_by=dict.fromkeys((UNDONE, OFFICE), "This ends when the work is gone on with and all of it is done."),
)


def lock(job: Job) -> Case | None:
    """Return the case that a desk's work is about, locked, or nothing: work begun before it named its case has none,
    and of one that is erased nobody hears. Called before the job is locked, so that both are always locked in this
    order."""
    kind = jobs.kind_of(job)
    try:
        return locks.case_for_update(job.params[kind.case]) if kind and kind.case in job.params else None
    except locks.CaseErased:
        return None


def note(job: Job, *, at: datetime) -> None:
    """Raise the task of a job that stopped, failed or left rows undone, once; close it where all is done and it is
    closed by nobody else. Locks the case; one act of it, or of the job where it has none, where anything changes."""
    case, declared = lock(job), jobs.kind_of(job)
    if declared is None:
        return
    if case is None:
        if declared.desk and not declared.case:
            _note_for_desk(job, declared, at=at)
        elif not (declared.case or declared.ended or declared.is_hidden):
            _note_for_asker(job, at=at) if job.asked_by_id else _note_for_desk(job, declared, at=at)
        return
    task = declared.task or UNDONE
    is_left = jobs.has_more(job)
    waiting = case.tasks.filter(kind=task, closed_at=None, detail__job=str(job.uid)).exists()
    if is_left == waiting or (waiting and declared.task):
        return
    worker, verb = jobs.worker_of(job), "case.work_not_done" if is_left else "case.work_done"
    with record.act(case, verb, actor=worker, at=at, detail={"job": str(job.uid), "work": job.kind}):
        if is_left:
            tasks.raise_task(task, case=case, at=at, job=str(job.uid), work=job.kind)
        else:
            tasks.close_about(case, UNDONE, actor=worker, at=at, job=str(job.uid))
            case.is_dormant = casetypes.get(case.kind).lifecycle.state(case.state).is_dormant and tasks.rests(case)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


def _note_for_desk(job: Job, declared: jobs.Kind, *, at: datetime) -> None:
    """The same of work that is about no one case, with its desk's team; of the office's own with whoever manages such
    work. Of what is done each day one task stands until the work of a day is all done."""
    about = {"work": job.kind} if declared.is_daily else {"job": str(job.uid)}
    kind = UNDONE if declared.desk else OFFICE
    waiting = Task.objects.filter(case=None, kind=kind, closed_at=None, detail__contains=about)
    is_left, worker = jobs.has_more(job), jobs.worker_of(job)
    if is_left == waiting.exists():
        return
    uid, verb = str(job.uid), "job.left_undone" if is_left else "job.done_after_all"
    detail = {"job": uid, "work": job.kind}
    with ledger.action(job.uid, verb, actor=worker.label, at=at, detail=detail, source=job.source):
        if is_left:
            team = Team.objects.get(code=casetypes.get(declared.desk).team) if declared.desk else None
            tasks.raise_task(kind, case=None, team=team, at=at, job=uid, work=job.kind)
        else:
            tasks.close_office(kind, actor=worker, at=at, **about)


def _note_for_asker(job: Job, *, at: datetime) -> None:
    """The same of work that nobody but whoever asked for it may see, as a task of theirs, which ends when it is done or
    they say so. What they stopped themselves they know of. Of a person without an open team the bell alone tells."""
    waiting = Task.objects.filter(case=None, kind=OWN, closed_at=None, detail__job=str(job.uid))
    is_left, uid = jobs.has_more(job) and job.state != "stopped", str(job.uid)
    if is_left == waiting.exists():
        return
    own = Team.objects.filter(memberships__user=job.asked_by_id, memberships__ended_at=None, is_restricted=False)
    team = own.order_by("pk").first()
    if is_left and team is None:
        return
    worker, verb = jobs.worker_of(job), "job.left_undone" if is_left else "job.done_after_all"
    about: dict[str, Any] = {"job": uid, "work": job.kind}
    with ledger.action(job.uid, verb, actor=worker.label, at=at, detail=about, source=job.source):
        if is_left:
            tasks.raise_task(OWN, case=None, team=team, at=at, assignee_id=job.asked_by_id, **about)
        else:
            tasks.close_office(OWN, actor=worker, at=at, job=uid)
