"""Work of a case that ended before all was done: one task for the desk that can go on with it, until it ends well; or
one of the work's own kind, which a person closes."""

from __future__ import annotations

from datetime import datetime

from cases.kernel import casetypes, jobs, locks, record, tasks
from cases.kernel.models import Case, Job

__all__ = ["UNDONE", "lock", "note"]

UNDONE = "work_not_done"
tasks.declare(
    {UNDONE: "Work in the background ended before all was done: its page says why; go on with it there"},
    ended_by={UNDONE: "This ends when the work is gone on with and all of it is done."},
)


def lock(job: Job) -> Case | None:
    """Return the case that a desk's work is about, locked, or nothing: work begun before it named its case has none.
    Called before the job is locked, so that both are always locked in this order."""
    kind = jobs.kind_of(job)
    return locks.case_for_update(job.params[kind.case]) if kind and kind.case in job.params else None


def note(job: Job, *, at: datetime) -> None:
    """Raise the task of a job that stopped, failed or left rows undone, once; close it where all is done and it is
    closed by nobody else. Locks the case; one act of it where anything changes."""
    case, declared = lock(job), jobs.kind_of(job)
    if case is None or declared is None:
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
