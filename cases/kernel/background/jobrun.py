"""Does the work of jobs: takes one that is due, does row after row, each with its mark in one transaction.

Leases are read on the database's clock. A lease is a fence: a worker that has lost it can mark nothing, so that what it
was doing is undone. This may be called at any time, by anybody, as often as one likes.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from cases.kernel import failpoints
from cases.kernel.background import jobs, undone
from cases.kernel.errors import CaseError
from cases.kernel.models import Job, JobRow

__all__ = ["work"]

log = logging.getLogger(__name__)
LONGEST_RUN_SECONDS = 20
LISTED_AT_ONCE = 2000
FETCHED_AT_ONCE = 200
Clock = Callable[[], datetime]
Step = Callable[[], Any]


class LeaseLost(Exception):
    """Another worker has the job now: undo what this one was doing."""


@dataclass(frozen=True)
class Held:
    """A job that this worker holds under its lease."""

    job: Job
    lease: uuid.UUID


def work(*, clock: Clock, seconds: float = LONGEST_RUN_SECONDS) -> int:
    """Do what is due until nothing is, or the time is up. Returns how many rows were handled.

    A job that is not finished in time gives up its lease and takes its turn after the others.
    """
    stop_at = time.monotonic() + seconds
    handled = 0
    while (held := _claim(now=clock())) is not None:
        try:
            handled += _carry(held, clock=clock, stop_at=stop_at)
        except LeaseLost:
            log.warning("job_lease_lost", extra={"job": str(held.job.uid)})
        except jobs.Outdated:
            log.info("job_row_outdated", extra={"job": str(held.job.uid)})
            _make_ready_anew(held, now=clock())
        except OperationalError as error:
            log.warning("job_interrupted", extra={"job": str(held.job.uid), "error_class": type(error).__name__})
            _give_up_turn(held)
            break
        if time.monotonic() > stop_at:
            break
    return handled


@transaction.atomic
def _claim(*, now: datetime) -> Held | None:
    """Take the job whose turn it is: none has it, or its worker let the lease lapse. Ends what can only be ended."""
    due = Job.objects.filter(state__in=["queued", "running", "stopping"])
    free = due.filter(Q(lease=None) | Q(lease_until__lt=Now()))
    job = free.order_by("turn_at", "pk").select_for_update(skip_locked=True).first()
    if job is None:
        return None
    if job.lease is not None:
        jobs.note(job, "job.taken_up", actor=jobs.worker_of(job), at=now, detail=jobs.counts(job))
    job.state = "stopping" if job.state == "stopping" else "running"
    job.began_at, job.turn_at, job.claims = job.began_at or now, Now(), job.claims + 1
    job.lease, job.lease_until = uuid.uuid4(), Now() + _lease(job)
    job.save(update_fields=["state", "began_at", "turn_at", "claims", "lease", "lease_until"])
    return Held(job, job.lease)


def _lease(job: Job) -> timedelta:
    """Return for how long nobody else takes a job."""
    kind = jobs.kind_of(job)
    return kind.longest if kind else jobs.Kind.longest


def _carry(held: Held, *, clock: Clock, stop_at: float) -> int:
    """Do a held job until it is over, asked to stop, or out of time. Raises LeaseLost."""
    job = held.job
    if job.state == "stopping":
        return _end(held, "stopped", now=clock())
    if jobs.kind_of(job) is None:
        return _end(held, "failed", now=clock(), reason="unknown_kind")
    if job.claims > jobs.MOST_CLAIMS:
        return _end(held, "failed", now=clock(), reason="no_progress")
    if job.total is None and not _listed(held, now=clock()):
        return 0
    failpoints.reach("job_listed")
    handled = 0
    for row_id, subject in _pending(job):
        state = _do(held, row_id, subject, now=clock())
        handled += 1
        if state == "stopping":
            _end(held, "stopped", now=clock())
            return handled
        if time.monotonic() > stop_at:
            _give_up_turn(held)
            return handled
    _end(held, "done", now=clock())
    return handled


def _listed(held: Held, *, now: datetime) -> bool:
    """Write down every row of the job in one transaction. False when they could not be listed: the job has failed."""
    kind = jobs.KINDS[held.job.kind]
    try:
        with transaction.atomic():
            subjects = dict.fromkeys(str(each) for each in kind.rows(held.job))
            rows = (
                JobRow(job=held.job, number=number, subject=subject) for number, subject in enumerate(subjects, start=1)
            )
            while batch := list(islice(rows, LISTED_AT_ONCE)):
                JobRow.objects.bulk_create(batch)
            held.job.total = len(subjects)
            _fence(held, total=held.job.total)
    except (LeaseLost, OperationalError):
        raise
    except Exception:
        log.exception("job_not_listed", extra={"job": str(held.job.uid)})
        _end(held, "failed", now=now, reason="rows_unknown")
        return False
    return True


def _pending(job: Job) -> Iterator[tuple[int, str]]:
    last = 0
    while True:
        waiting = JobRow.objects.filter(job=job, state="pending", number__gt=last).order_by("number")
        batch = list(waiting.values_list("number", "pk", "subject")[:FETCHED_AT_ONCE])
        if not batch:
            return
        yield from ((pk, subject) for _, pk, subject in batch)
        last = batch[-1][0]


def _do(held: Held, row_id: int, subject: str, *, now: datetime) -> str:
    """Do one row. What takes long of it comes first, while nothing is locked: a worker that ends there leaves nothing
    but what the sweep of the store removes. Raises Outdated; the row is then as it was."""
    kind = jobs.KINDS[held.job.kind]
    step: Step = partial(kind.do, held.job, subject, now)
    if kind.is_slow:
        step = _made_ready(step)
        failpoints.reach("job_made_ready")
    return _mark(held, row_id, step, now=now)


def _made_ready(begin: Step) -> Step:
    """Do what takes long and return what is left; a refusal is raised where rows are marked."""
    try:
        return begin() or (lambda: None)
    except OperationalError:
        raise
    except Exception as error:  # -- told apart where rows are marked
        return partial(_refuse, error)


def _refuse(error: Exception) -> None:
    raise error


@transaction.atomic
def _mark(held: Held, row_id: int, step: Step, *, now: datetime) -> str:
    """Take a row's step and mark it, or neither. Returns the state of the job, which may have been asked to stop."""
    row = JobRow.objects.select_for_update().get(pk=row_id)
    if row.state != "pending":
        return _fence(held)
    row.state, row.reason = _outcome(held.job, row, step)
    row.handled_at = now
    row.save(update_fields=["state", "reason", "handled_at"])
    failpoints.reach("job_row")
    return _fence(held, **{row.state: F(row.state) + 1}, claims=0)


def _outcome(job: Job, row: JobRow, step: Step) -> tuple[str, str]:
    try:
        with transaction.atomic():
            step()
    except jobs.Outdated:
        raise
    except jobs.Skipped as skipped:
        return "skipped", str(skipped)[:60]
    except CaseError as refusal:
        return "failed", _code(refusal)
    except OperationalError:
        raise
    except Exception:  # one broken row must not keep the others from being done
        log.exception("job_row_failed", extra={"job": str(job.uid), "row": row.pk})
        return "failed", "unexpected_error"
    return "done", ""


def _code(refusal: CaseError) -> str:
    """Return the code of a refusal: its class name, since its sentence may speak of the case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(refusal).__name__).lower()[:60]


def _fence(held: Held, **changes: object) -> str:
    """Renew the lease and write `changes`, only while the lease is ours. Raises LeaseLost."""
    ours = Job.objects.filter(pk=held.job.pk, lease=held.lease)
    if not ours.update(lease_until=Now() + _lease(held.job), **changes):
        raise LeaseLost
    return ours.values_list("state", flat=True)[0]


@transaction.atomic
def _end(held: Held, state: str, *, now: datetime, reason: str = "") -> int:
    """Write how a held job ended, with one ledger event; the bell rings for whoever asked, and the desk of a case
    hears of what is left undone. Raises LeaseLost."""
    undone.lock(held.job)
    job = Job.objects.select_for_update().filter(pk=held.job.pk, lease=held.lease).first()
    if job is None:
        raise LeaseLost
    if state == "done":
        state, reason = _finished(job, now=now)
    job.state, job.reason, job.ended_at = state, reason, now
    job.lease = job.lease_until = None
    job.save()
    verb = {"done": "job.finished", "stopped": "job.stopped", "failed": "job.failed"}[state]
    detail = {**jobs.counts(job), **({"reason": reason} if reason else {})}
    jobs.note(job, verb, actor=jobs.worker_of(job), at=now, detail=detail)
    undone.note(job, at=now)
    if (kind := jobs.kind_of(job)) is not None and kind.ended is not None:
        kind.ended(job, now)
    return 0


def _finished(job: Job, *, now: datetime) -> tuple[str, str]:
    """Do what the kind does last; a refusal of it fails the job and undoes what it wrote."""
    finish = jobs.KINDS[job.kind].finish
    if finish is not None:
        try:
            with transaction.atomic():
                finish(job, now)
        except CaseError as refusal:
            return "failed", _code(refusal)
    return "done", ""


def _make_ready_anew(held: Held, *, now: datetime) -> None:
    """Take the row again in turn. No worker ended, so it is no such try; but nobody is outrun for ever."""
    if held.job.began_at is not None and now - held.job.began_at < jobs.OUTDATED_FOR:
        _give_up_turn(held, claims=0)
        return
    try:
        _end(held, "failed", now=now, reason="outdated")
    except LeaseLost:
        log.warning("job_lease_lost", extra={"job": str(held.job.uid)})


def _give_up_turn(held: Held, **changes: int) -> None:
    """Let others have the job at once; a database that is away lets the lease lapse instead."""
    free = {"lease": None, "lease_until": None, "turn_at": Now(), **changes}
    try:
        Job.objects.filter(pk=held.job.pk, lease=held.lease).update(**free)
    except OperationalError:
        log.warning("job_lease_kept", extra={"job": str(held.job.uid)})
