"""Counting open clocks anew after a calendar has changed: a job, one clock a row, each recorded on its case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from cases.kernel import calendars, clocks, locks, policy, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.models import Clock, Job, JobRow, Task
from cases.kernel.restricted import breakglass

__all__ = ["begin"]

KIND, HIDDEN_KIND = "recount_clocks", "recount_hidden_clocks"
# Among the hidden rows: a use of break-glass that waits for its review.
GLASS = "glass-"
NOT_RECOUNTED = "clock_not_recounted"
tasks.declare({NOT_RECOUNTED: "A period could not be counted anew when the calendar changed: see when it ends"})


def begin(jurisdiction: str, *, change: UUID, actor: Actor, at: datetime) -> Job:
    """Queue the recount of a jurisdiction's open clocks, inside the transaction that changed its calendar.

    Clocks of restricted cases, and until when uses of break-glass are reviewed, are counted by a job of their own that
    nobody sees, so that no count tells of them.
    """
    params = {"jurisdiction": jurisdiction, "change": str(change)}
    jobs.start(HIDDEN_KIND, actor=system("calendars", source=actor.source), at=at, params=params)
    return jobs.start(KIND, actor=actor, at=at, params=params)


def _rows(job: Job, *, is_restricted: bool) -> Iterable[int]:
    open_clocks = clocks.open_in(job.params["jurisdiction"]).filter(case__is_restricted=is_restricted)
    return open_clocks.order_by("pk").values_list("pk", flat=True)


def _hidden_rows(job: Job) -> Iterable[int | str]:
    yield from _rows(job, is_restricted=True)
    if job.params["jurisdiction"] == calendars.seat():
        yield from (f"{GLASS}{pk}" for pk in breakglass.waiting().values_list("pk", flat=True))


def _do_hidden(job: Job, subject: str, at: datetime) -> None:
    if not subject.startswith(GLASS):
        return _do(job, subject, at)
    moved = breakglass.recount(
        int(subject.removeprefix(GLASS)), actor=jobs.worker_of(job), at=at, change=job.params["change"]
    )
    if not moved:
        raise jobs.Skipped("end_stays")


def _do(job: Job, subject: str, at: datetime) -> None:
    """Count one clock anew with its case locked; one event on the case says from when to when, and why."""
    case_id = Clock.objects.filter(pk=int(subject)).values_list("case_id", flat=True).first()
    case = locks.case_for_update(case_id or 0)
    clock = Clock.objects.filter(pk=int(subject), ended_at=None).first()
    if clock is None:
        raise jobs.Skipped("ended_meanwhile")
    with record.act(case, "clock.recounted", actor=jobs.worker_of(job), at=at) as action:
        moved = clocks.recount(case, clock, at=at)
        if not moved:
            raise jobs.Skipped("end_stays")
        action.detail.update({**moved, "calendar": job.params["jurisdiction"], "calendar_change": job.params["change"]})
        case.save()


def _tell_of_what_failed(job: Job, at: datetime) -> None:
    """Nobody sees this work: each case of which a period could not be counted anew hears of it in its own compartment,
    once. Locks each."""
    failed = JobRow.objects.filter(job=job, state="failed").exclude(subject__startswith=GLASS)
    for clock in Clock.objects.filter(pk__in=[int(each) for each in failed.values_list("subject", flat=True)]):
        try:
            case = locks.case_for_update(clock.case_id)
        except locks.CaseErased:
            continue
        about: dict[str, Any] = {"rule": clock.rule, "clock": clock.pk}
        if not Task.objects.filter(case=case, kind=NOT_RECOUNTED, closed_at=None, detail__contains=about).exists():
            with record.act(case, "clock.not_recounted", actor=jobs.worker_of(job), at=at, detail={"rule": clock.rule}):
                tasks.raise_task(NOT_RECOUNTED, case=case, at=at, **about)


def _names(actor: Actor, subjects: list[str]) -> Mapping[str, str]:
    """Return the references of the cases this reader may see."""
    rows = Clock.objects.filter(pk__in=[int(each) for each in subjects], case__in=policy.visible_to(actor))
    return {str(pk): reference for pk, reference in rows.values_list("pk", "case__reference")}


_REASONS = {
    "ended_meanwhile": "The period ended meanwhile",
    "end_stays": "The end stays the same",
}
jobs.declare(
    jobs.Kind(
        code=KIND,
        label="Count open periods anew",
        rows=partial(_rows, is_restricted=False),
        do=_do,
        reasons=_REASONS,
        names=_names,
    ),
    jobs.Kind(
        code=HIDDEN_KIND,
        label="Count open periods anew",
        rows=_hidden_rows,
        do=_do_hidden,
        reasons=_REASONS,
        is_hidden=True,
        ended=_tell_of_what_failed,
    ),
)
