"""A kind of work for tests: opens a team for each row, so that a row done twice shows. Run as a program, a worker.

Rows named `skip-…` are left out, `refuse-…` refused after they wrote, `break-…` break, `stop-…` ask their job to stop.
"""

from functools import partial

from django.db import transaction

from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.models import Job, Team
from cases.ledger import api as ledger


class WalkRefused(CaseError):
    """The row cannot be done."""


def _rows(job):
    if job.params.get("is_unlistable"):
        raise ValueError("no rows")
    return job.params.get("rows", ["one"])


def _do(job, subject, at):
    plain = subject.lstrip("=")
    if plain.startswith("skip"):
        raise jobs.Skipped("is_there")
    with ledger.action(job.uid, "walk.step", actor=jobs.worker_of(job).label, at=at, detail={"row": subject}):
        Team.objects.create(code=subject, name=subject)
    if subject.startswith("refuse"):
        raise WalkRefused("No.")
    if subject.startswith("break"):
        raise ValueError("a fault")
    if subject.startswith("stop"):
        Job.objects.filter(pk=job.pk).update(state="stopping")


def _climb(job, subject, at):
    """A slow row: what was made ready is the name of its team; `late-…` fits no longer until `params` says so often."""
    if subject.startswith("skip"):
        raise jobs.Skipped("is_there")
    if subject.startswith("break"):
        raise ValueError("a fault")
    seen.append((subject, transaction.get_connection().in_atomic_block))
    if subject.startswith("late") and len(seen) <= job.params["late"]:
        return partial(_too_late, job, subject, at)
    return partial(_do, job, subject, at)


def _too_late(job, subject, at):
    _do(job, subject, at)
    raise jobs.Outdated("Others were quicker.")


seen = []


def _finish(job, at):
    if job.params.get("ends_badly"):
        raise WalkRefused("No.")


jobs.declare(
    jobs.Kind(
        code="walk",
        label="Walk",
        rows=_rows,
        do=_do,
        finish=_finish,
        act="view_tasks",
        reasons={"is_there": "It is there already"},
    ),
    jobs.Kind(
        code="climb",
        label="Climb",
        rows=_rows,
        do=_climb,
        is_slow=True,
        act="view_tasks",
        reasons={"is_there": "It is there already"},
    ),
)


def main() -> None:
    """Work as a process of its own, which a test may have killed."""
    from django.utils import timezone

    from cases.kernel.background import jobrun

    jobrun.work(clock=timezone.now)
