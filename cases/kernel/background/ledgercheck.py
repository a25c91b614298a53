"""The check of the whole ledger as work in the background, for whoever audits: what it looked at, and what is wrong.

The findings are codes and places: a stream, a number, a table, a column. Of restricted matters nothing is counted but
what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.models import Case, Job
from cases.ledger import api as ledger
from cases.ledger import security, verify
from cases.ledger.models import LedgerEvent, LedgerHead

__all__ = ["ACT", "KIND", "Check", "Place", "begin", "past"]

ACT = "verify_ledger"
PARTS = 64
ROWS = "rows"
MOST_KEPT = 100
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """One thing that is wrong: where it is, and its case as far as the reader may know of it."""

    stream: str
    sequence: int
    table: str
    column: str
    case: Case | None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One run: how far it is, how many streams and events it looked at, and what it found."""

    job: Job
    streams: int
    events: int
    wrong: int
    late: int
    places: list[Place]


def _listed(_job: Job) -> list[str]:
    return [*(str(number) for number in range(PARTS)), ROWS]


def _do(job: Job, subject: str, _at: datetime) -> None:
    """Check one part, and write down what it found beside what the job found so far."""
    is_demo = bool(getattr(settings, "DEMO", False))
    if subject == ROWS:
        found, counted = verify.verify_rows_alone(), {"streams": 0, "events": 0}
    else:
        found, counted = _part(int(subject), is_demo=is_demo), _counted(int(subject))
    wrong = [each for each in found if each.level == verify.WRONG]
    said = dict(Job.objects.select_for_update().values_list("params", flat=True).get(pk=job.pk))
    for name, count in {**counted, "wrong": len(wrong), "late": _late(found)}.items():
        said[name] = said.get(name, 0) + count
    places = [[str(each.stream or ""), each.sequence, each.table, each.column] for each in wrong]
    said["places"] = [*said.get("places", []), *places][:MOST_KEPT]
    Job.objects.filter(pk=job.pk).update(params=said)


def _part(number: int, *, is_demo: bool) -> list[verify.Finding]:
    """Return the findings of a part; a stream with something wrong is read once more while nobody can write to it."""
    found = verify.verify_part(number, of=PARTS, is_demo=is_demo)
    doubtful = {each.stream for each in found if each.level == verify.WRONG and each.stream is not None}
    sure = [each for each in found if each.stream not in doubtful]
    for stream in sorted(doubtful):
        list(LedgerHead.objects.select_for_update().filter(stream=stream))
        sure += verify.verify_stream(stream, is_demo=is_demo)
    return sure


def _late(found: Sequence[verify.Finding]) -> int:
    """Return how many events were recorded late, without those of restricted cases."""
    streams = [each.stream for each in found if each.level != verify.WRONG]
    hidden = set(Case.objects.filter(is_restricted=True, uid__in=set(streams)).values_list("uid", flat=True))
    return sum(stream not in hidden for stream in streams)


def _counted(number: int) -> dict[str, int]:
    """Return how many streams and events a part has, without those of restricted cases."""
    first, last = (each * 2**128 // PARTS for each in (number, number + 1))
    within = {"stream__gte": UUID(int=first), "stream__lte": UUID(int=last - 1)}
    hidden = Case.objects.filter(is_restricted=True).values("uid")
    return {
        "streams": LedgerHead.objects.filter(**within).exclude(stream__in=hidden).count(),
        "events": LedgerEvent.objects.filter(**within).exclude(stream__in=hidden).count(),
    }


def _finish(job: Job, at: datetime) -> None:
    """Put a ledger that is not as it was written into the security log."""
    said = Job.objects.values_list("params", flat=True).get(pk=job.pk)
    if said.get("wrong"):
        security.note("ledger_wrong", actor=jobs.worker_of(job).label, at=at, act=ACT, count=said["wrong"])
    job.params = said


def _names(_actor: Actor, subjects: list[str]) -> Mapping[str, str]:
    words = {ROWS: "Rows for which no stream answers"}
    return {each: words.get(each) or f"Part {int(each) + 1} of {PARTS}" for each in subjects}


KIND = jobs.Kind(
    code="ledger_check", label="Check of the ledger", rows=_listed, do=_do, act=ACT, names=_names, finish=_finish
)
jobs.declare(KIND)


def begin(*, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Job:
    """Start a check, or return the one that runs. Raises NotAllowed."""
    policy.require(actor, ACT)
    running = Job.objects.filter(kind=KIND.code, state__in=["queued", "running"]).order_by("-pk").first()
    return running or jobs.start(KIND.code, actor=actor, at=at, request=request)


def past(actor: Actor) -> list[Check]:
    """Return the last runs, newest first, whoever asked for them. Two queries. Raises NotAllowed."""
    policy.require(actor, ACT)
    rows = list(Job.objects.filter(kind=KIND.code).select_related("asked_by").order_by("-pk")[:SHOWN])
    streams = {place[0] for row in rows for place in row.params.get("places", []) if place[0]}
    known = {str(case.uid): case for case in policy.visible_to(actor).filter(uid__in=streams)} if streams else {}
    return [_check(row, known) for row in rows]


def _check(row: Job, known: Mapping[str, Case]) -> Check:
    said: Mapping[str, Any] = row.params
    return Check(
        job=row,
        **{name: said.get(name, 0) for name in ("streams", "events", "wrong", "late")},
        places=[
            Place(stream=stream, sequence=sequence, table=table, column=column, case=known.get(stream))
            for stream, sequence, table, column in said.get("places", [])
        ],
    )
