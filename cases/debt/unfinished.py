"""A batch whose building or release ended before all was done: one task of the desk, until it was gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.debt.models import PlacementBatch
from cases.kernel import casetypes, tasks
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.models import Job, Task, Team
from cases.ledger import api as ledger

__all__ = ["NOT_DONE", "end", "failures", "note"]

NOT_DONE = "batch_not_done"
KIND = "debt_placement"
MOST_REASONS = 3


def _in_words(detail: Mapping[str, Any]) -> str:
    """Return what a task says: which batch, which work, and why it ended."""
    if "reference" not in detail:
        return ""
    kind = jobs.KINDS.get(detail["work"])
    known = {**jobs.REASONS, **(kind.reasons if kind else {}), "stopped": "It was stopped"}
    whys = ", ".join(known.get(code, code.replace("_", " ").capitalize()) for code in detail["whys"])
    return f"{detail['reference']} ({whys})"


tasks.declare(
    {NOT_DONE: "A batch of debts was not built, or not released, to its end"},
    ended_by={NOT_DONE: "This ends when a colleague goes on on the page of the batch and all of it is done."},
    more={NOT_DONE: _in_words},
    pages={NOT_DONE: ("web:debt_batch", "batch")},
)


def note(job: Job, at: datetime) -> None:
    """Raise the task of a batch whose work has just ended before all was done, or bring it up to date; end it where all
    is done. One event of the batch where anything changes. Locks nothing: the job is locked."""
    batch = PlacementBatch.objects.get(pk=job.params["batch"])
    worker = jobs.worker_of(job)
    task = _open(batch, job.kind).first()
    if not jobs.has_more(job):
        if task is not None:
            with ledger.action(batch.uid, "batch.all_done", actor=worker.label, at=at, detail={"work": job.kind}):
                end(batch, job.kind, actor=worker, at=at)
        return
    told: dict[str, Any] = {"batch": str(batch.uid), "reference": batch.reference, "work": job.kind}
    told["whys"] = failures(job) or [job.state]
    with ledger.action(batch.uid, "batch.not_done", actor=worker.label, at=at, detail={**told, **jobs.counts(job)}):
        if task is None:
            team = Team.objects.filter(code=casetypes.get(KIND).team).first()
            tasks.raise_task(NOT_DONE, case=None, team=team, at=at, **told)
        else:
            task.detail = told
            task.save(update_fields=["detail"])


def failures(job: Job) -> list[str]:
    """Return the codes of why work is not done to its end, those of the most parts first. One query."""
    parts = [code for state, code, _ in jobs.left_out(job) if state == "failed"] if job.failed else []
    return [*filter(None, [job.reason]), *parts][:MOST_REASONS]


def _open(batch: PlacementBatch, work: str) -> Any:
    return Task.objects.filter(kind=NOT_DONE, closed_at=None, detail__contains={"batch": str(batch.uid), "work": work})


def end(batch: PlacementBatch, work: str, *, actor: Actor, at: datetime) -> None:
    """Close the task of one work on a batch, inside the current ledger action."""
    tasks.close_office(NOT_DONE, actor=actor, at=at, batch=str(batch.uid), work=work)
