"""Long work in the background: its kinds, starting, stopping and taking it up again. `jobrun` does the work.

A job is a row and the rows it does. Each row's effect and its mark are one transaction: a killed worker loses nothing
and does nothing twice. A kind is declared beside what it does; it names no page and no queue.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from cases.kernel import calendars, policy
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Job, JobRow
from cases.ledger import api as ledger

__all__ = [
    "Job",
    "JobRefused",
    "Kind",
    "Outdated",
    "Skipped",
    "asked_by",
    "declare",
    "get_visible",
    "hidden",
    "is_at_work",
    "kind_of",
    "resume",
    "start",
    "start_daily",
    "stop",
    "take_over",
]

MOST_CLAIMS = 5
ASKED_BEFORE = "asked_before"  # in the params of a job: in whose names it went before
OUTDATED_FOR = timedelta(hours=12)
REASONS = {
    "no_progress": "Its worker ended five times without finishing a row",
    "outdated": "For twelve hours others were quicker each time a row was ready",
    "rows_unknown": "What there is to do could not be listed",
    "unexpected_error": "Something unforeseen; the log has it",
    "unknown_kind": "This release does not know such work",
}


class JobRefused(CaseError):
    """The job cannot be started, stopped or resumed like this."""


class Skipped(CaseError):
    """This row needs nothing done. The message is a code of the kind's `reasons`."""


class Outdated(CaseError):
    """What was made ready for this row fits no longer, because others were quicker: it is made ready anew, in turn,
    for as long as `OUTDATED_FOR` since the job began."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of work.

    `rows` lists what there is to do, as ids or codes, once, in a worker. `do` does one row inside its transaction and
    locks what it changes; it returns nothing, raises Skipped(code), or any CaseError for a row that failed: its writes
    are then undone. Of a kind that `is_slow` it is called outside any transaction, reads and puts into the store while
    nothing is locked, and returns what is left to do inside one. `finish` is called in the transaction that ends the
    job. `act` is the office act of the policy table that lets a person start, stop and resume it; without one, whoever
    calls `start` has asked the policy.
    `names` turns subjects into words for one reader and leaves out what that reader may not see.
    `longest` is how long one row may take: a killed worker is waited for as long.
    `desk` is a kind of case and `case` the parameter that names one: work that follows from an act on a case is begun
    by the system, whoever does the tasks of that kind may see, stop and resume it, and hears of what is left undone:
    by `task`, which a person closes, where nobody can go on with the work itself. Of work that is about many cases, so
    without `case`, the team of that kind hears. `ended` is called in the transaction that ends the job, however it
    ends: `has_more` then says whether something is left undone.
    `is_hidden` work is on no page: its mere counts would tell of what is restricted. `is_daily` work is started once
    on each London day.
    """

    code: str
    label: str
    rows: Callable[[Job], Iterable[object]]
    do: Callable[[Job, str, datetime], Callable[[], None] | None]
    is_slow: bool = False
    act: str = ""
    desk: str = ""
    case: str = ""
    task: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    names: Callable[[Actor, list[str]], Mapping[str, str]] | None = None
    is_hidden: bool = False
    is_daily: bool = False
    finish: Callable[[Job, datetime], None] | None = None
    ended: Callable[[Job, datetime], None] | None = None
    longest: timedelta = timedelta(seconds=120)


KINDS: dict[str, Kind] = {}
_doorbell: Callable[[], None] | None = None


def declare(*kinds: Kind) -> None:
    """Add kinds of work. Called while modules load."""
    KINDS.update({kind.code: kind for kind in kinds})


def install_doorbell(ring: Callable[[], None]) -> None:
    """Set what is called after a job was committed."""
    global _doorbell
    _doorbell = ring


def kind_of(job: Job) -> Kind | None:
    return KINDS.get(job.kind)


def label(job: Job) -> str:
    kind = kind_of(job)
    return kind.label if kind else job.kind.replace("_", " ").capitalize()


def reason(job: Job, code: str) -> str:
    """Return a reason code in words: the kind's own, the common ones, else the code made readable."""
    kind = kind_of(job)
    known = {**REASONS, **(kind.reasons if kind else {})}
    return known.get(code, code.replace("_", " ").capitalize())


def worker_of(job: Job) -> Actor:
    """Return the named identity under which a job's effects are on record."""
    return system(f"job_{job.kind}", source=job.source)


@transaction.atomic
def start(
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    params: Mapping[str, Any] | None = None,
    key: str = "",
    request: ledger.RequestInfo | None = None,
) -> Job:
    """Queue a job and ring the doorbell on commit; one ledger event on the job's own stream.

    `params` are codes and ids. A second start with the same `key` returns the first job and writes nothing, so a
    double click is one job. Raises NotAllowed when the kind names an act that the actor may not do.
    """
    declared = KINDS[kind]
    if declared.act and actor.kind == "staff":
        policy.require(actor, declared.act)
    fields = {
        "params": dict(params or {}),
        "asked_by_id": actor.user_id,
        "asked_at": at,
        "source": actor.source,
    }
    if key:
        job, is_new = Job.objects.get_or_create(kind=kind, key=key[:120], defaults=fields)
    else:
        job, is_new = Job.objects.create(kind=kind, **fields), True
    if is_new:
        note(job, "job.started", actor=actor, at=at, request=request, detail={"params": job.params})
        ring()
    return job


def start_daily(*, now: datetime) -> list[Job]:
    """Start what is done once on each London day and was not started today; return it. One query where all was."""
    day = calendars.london_date(now).isoformat()
    daily = [kind.code for kind in KINDS.values() if kind.is_daily]
    known = set(Job.objects.filter(kind__in=daily, key=day).values_list("kind", flat=True))
    return [start(code, actor=system("sweep"), at=now, key=day) for code in daily if code not in known]


def is_at_work(case_id: int) -> bool:
    """Say whether work that is about one case waits or runs. One query, of what waits and runs."""
    about = (Q(kind=kind.code, **{f"params__{kind.case}": case_id}) for kind in KINDS.values() if kind.case)
    wanted = reduce(operator.or_, about, Q(pk__in=[]))
    return Job.objects.filter(wanted, state__in=["queued", "running", "stopping"]).exists()


def note(
    job: Job,
    verb: str,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one event on the job's stream."""
    told = {"kind": job.kind, **(detail or {})}
    with ledger.action(
        job.uid, verb, actor=actor.label, at=at, request=request, detail=told, source=actor.source or job.source
    ):
        pass


def ring() -> None:
    """Ask for a worker once this transaction has committed."""
    if _doorbell is not None:
        transaction.on_commit(_doorbell, robust=True)


def visible_to(actor: Actor) -> QuerySet[Job]:
    """Return the jobs a person started; whoever may view jobs also sees those that the system started, and a desk
    those that are its own."""
    seen = Q(asked_by_id=actor.user_id) if actor.user_id else Q(pk__in=[])
    if kept := [kind.code for kind in KINDS.values() if _is_of_desk(actor, kind)]:
        seen |= Q(asked_by=None, kind__in=kept)
    if policy.can(actor, "view_jobs").is_allowed:
        seen |= Q(asked_by=None)
    return Job.objects.filter(seen).exclude(kind__in=hidden())


def hidden() -> list[str]:
    """Return the codes of the work that is on no page."""
    return [code for code, kind in KINDS.items() if kind.is_hidden]


def _is_of_desk(actor: Actor, kind: Kind) -> bool:
    return bool(kind.desk) and policy.can(actor, "close_task", kind=kind.desk).is_allowed


def get_visible(actor: Actor, uid: UUID) -> Job:
    """Return one job with who asked for it. Raises NotVisible when there is none the actor may know of."""
    job = visible_to(actor).select_related("asked_by").filter(uid=uid).first()
    if job is None:
        raise NotVisible
    return job


def unseen(actor: Actor) -> QuerySet[Job]:
    """Return the actor's jobs that have ended and were not looked at since."""
    return Job.objects.filter(asked_by_id=actor.user_id, ended_at__isnull=False, seen_at=None)


def may_steer(actor: Actor, job: Job) -> bool:
    """Say whether the actor may stop or resume the job: its own, or the system's for whoever manages jobs and for the
    desk whose work it is."""
    if job.asked_by_id is not None:
        return job.asked_by_id == actor.user_id
    kind = kind_of(job)
    if kind is not None and _is_of_desk(actor, kind):
        return True
    return policy.can(actor, "manage_jobs").is_allowed


def _steered(actor: Actor, uid: UUID) -> Job:
    seen = get_visible(actor, uid)
    if not may_steer(actor, seen):
        policy.require(actor, "manage_jobs")
        raise JobRefused("Only whoever started this work may stop it or go on with it.")
    return Job.objects.select_for_update().get(pk=seen.pk)


@transaction.atomic
def stop(uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Job:
    """Ask a job to stop after the row it is doing. Locks the job; one ledger event. A repeat changes nothing.

    Raises NotVisible, NotAllowed, or JobRefused for a job that is over.
    """
    job = _steered(actor, uid)
    if job.is_over:
        raise JobRefused("This work is over already.")
    if job.state != "stopping":
        job.state = "stopping"
        job.save(update_fields=["state"])
        note(job, "job.stop_asked", actor=actor, at=at, request=request, detail=counts(job))
        ring()
    return job


@transaction.atomic
def resume(uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Job:
    """Go on with a job that is over: what is pending, and what failed once more. What is done stays done.

    Locks the job; one ledger event. Raises NotVisible, NotAllowed, or JobRefused when nothing is left to do.
    """
    return _again(_steered(actor, uid), actor=actor, at=at, request=request)


@transaction.atomic
def take_over(job: Job, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Job:
    """Go on with a job that is over as `resume` does, in the name of somebody else than who asked for it. Whoever calls
    this has asked whether they may. Who asked before stays on the job. Locks the job; one ledger event. Raises
    JobRefused."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    job.params = {**job.params, ASKED_BEFORE: [*job.params.get(ASKED_BEFORE, []), job.asked_by_id]}
    job.asked_by_id, job.source = actor.user_id, actor.source
    return _again(job, actor=actor, at=at, request=request)


def asked_by(kind: str, key: str) -> set[int]:
    """Return the ids of all in whose name work of this kind and key was ever done. One query."""
    found = Job.objects.filter(kind=kind, key=key).values_list("asked_by_id", "params")
    return {each for last, params in found for each in (last, *params.get(ASKED_BEFORE, [])) if each is not None}


def _again(job: Job, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None) -> Job:
    if not job.is_over:
        raise JobRefused("This work has not ended yet.")
    if not has_more(job):
        raise JobRefused("Nothing is left to do.")
    JobRow.objects.filter(job=job, state="failed").update(state="pending", reason="", handled_at=None)
    job.state, job.reason, job.failed, job.claims = "queued", "", 0, 0
    job.ended_at = job.seen_at = None
    job.turn_at = Now()
    job.save()
    note(job, "job.resumed", actor=actor, at=at, request=request, detail=counts(job))
    ring()
    return job


def has_more(job: Job) -> bool:
    """Say whether going on would do anything: what is left of the rows, or what comes last where that was not done."""
    return job.state != "done" or job.failed > 0


def counts(job: Job) -> dict[str, object]:
    return {"total": job.total, "done": job.done, "skipped": job.skipped, "failed": job.failed}


def left_out(job: Job) -> list[tuple[str, str, int]]:
    """Return (state, reason, count) of the rows that were skipped or failed, most first."""
    rows = JobRow.objects.filter(job=job, state__in=["skipped", "failed"])
    counted = rows.values_list("state", "reason").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "state", "reason"))


def names(job: Job, actor: Actor, subjects: list[str]) -> Mapping[str, str]:
    """Return the rows' subjects in words for one reader; what the reader may not see is left out."""
    kind = kind_of(job)
    return kind.names(actor, subjects) if kind and kind.names else {subject: subject for subject in subjects}


def mark_seen(job: Job, *, actor: Actor, at: datetime) -> None:
    """Take the bell away from an ended job once whoever asked for it looks."""
    if job.is_over and job.seen_at is None and job.asked_by_id == actor.user_id:
        Job.objects.filter(pk=job.pk, seen_at=None).update(seen_at=at)
