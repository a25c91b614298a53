"""Counts the cases of a quarter in the background, some at a time, and makes the figures of them.

Only cases that are open to their whole kind are counted: a restricted one, or one of a restricted kind, counts nowhere,
and neither does what was opened in error or twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from cases.kernel import calendars, casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.casetypes import CaseType, Dimension
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseAddress, CaseParty, Clock, Figures, FiguresPart, Job
from cases.kernel.reading import officetrail
from cases.kernel.timing import places, quarters
from cases.kernel.timing.quarters import Quarter
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.reports.figures import tables

__all__ = ["KIND", "PURPOSE", "FiguresRefused", "ask", "job_of", "offered", "sweep", "with_work"]

KIND = "figures"
PURPOSE = "anonymous_figures"
AT_ONCE = 500
OFFERED = 8
# For how long whoever asked may go on with work that ended before the figures were made.
GO_ON = timedelta(days=1)
BORN_BEFORE = (18, 25, 35, 45, 55, 65)
NOT_COUNTED = ("void", "merged")
officetrail.declare(
    officetrail.Area(
        code="figures",
        label="Figures",
        act="view_figures",
        acts={
            "figures.asked": "Had figures made",
            "figures.made": "Made figures",
            "figures.released": "Released figures",
            "figures.files_made": "Made the files of a release",
            "figures.files_failed": "Could not make the files of a release",
        },
        things=lambda _actor: Figures.objects.all(),
        page="web:figures_quarter",
        by="quarter",
    )
)


class FiguresRefused(CaseError):
    """These figures cannot be made or given like this."""


def with_work() -> QuerySet[Any, Any]:
    """Return the figures, each with whether work on it is still to end."""
    jobs_of = Job.objects.filter(kind=KIND, key__startswith=OuterRef("quarter"))
    return Figures.objects.annotate(is_worked_on=Exists(jobs_of.filter(ended_at=None)))


def job_of(figures: Figures) -> Job | None:
    """Return the newest work on some figures: what an earlier one counts is not taken any more."""
    return Job.objects.filter(kind=KIND, key__startswith=figures.quarter).order_by("-pk").first()


def offered(at: datetime) -> list[Quarter]:
    """Return the quarters that are over and of which there are no figures and no work on them, newest first. One
    query."""
    past = quarters.before(calendars.london_date(at), OFFERED)
    rows = with_work().filter(Q(made_at__isnull=False) | Q(is_worked_on=True))
    known = set(rows.filter(quarter__in=[each.code for each in past]).values_list("quarter", flat=True))
    return [each for each in past if each.code not in known]


@transaction.atomic
def ask(
    quarter: Quarter, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> tuple[Figures, Job]:
    """Have the figures of a quarter made; one ledger event of their own, one of the job. Asked twice it is one job.

    Where the work on them ended and they are not made, it begins anew for whoever asks: locks the job that ended, and
    deletes what was counted. Raises NotAllowed, or FiguresRefused for a quarter that is not over: its figures would
    hold less than those made when it is, and tell by the difference what came since.
    """
    policy.require(actor, "make_figures")
    if actor.user_id is None:
        raise FiguresRefused("Only a person asks for figures.")
    if quarter.ends_before > at:
        raise FiguresRefused("This quarter is not over yet.")
    _lock(quarter.code)
    row = Figures.objects.filter(quarter=quarter.code).first()
    if row is None:
        row = Figures(quarter=quarter.code, asked_by_id=actor.user_id, asked_at=at)
        with ledger.action(row.uid, "figures.asked", actor=actor.label, at=at, request=request, source=actor.source):
            row.save()
    params, key = {"figures": row.pk}, quarter.code
    if last := job_of(row):
        last = Job.objects.select_for_update().get(pk=last.pk)  # whoever goes on with it waits, or was first
        key = f"{quarter.code}:{last.pk}" if last.is_over and row.made_at is None else last.key
        if key != last.key:
            FiguresPart.objects.filter(figures=row).delete()
    return row, jobs.start(KIND, actor=actor, at=at, params=params, key=key, request=request)


def _lock(code: str) -> None:
    """Let one through at a time, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"figures:{code}"])


def sweep(*, now: datetime) -> int:
    """Delete what was counted for figures whose work ended a day ago and made none; return of how many."""
    waiting = Figures.objects.filter(made_at=None, pk__in=FiguresPart.objects.values("figures"))
    return sum(_forget(row, now=now) for row in waiting)


@transaction.atomic
def _forget(figures: Figures, *, now: datetime) -> bool:
    _lock(figures.quarter)
    job = job_of(figures)
    job = Job.objects.select_for_update().get(pk=job.pk) if job else None
    if job is None or job.ended_at is None or job.ended_at + GO_ON > now:
        return False
    FiguresPart.objects.filter(figures=figures).delete()
    return True


def _cases(quarter: Quarter, kind: str) -> QuerySet[Case]:
    rows = Case.objects.filter(kind=kind, is_restricted=False)
    return rows.filter(opened_at__gte=quarter.begins_at, opened_at__lt=quarter.ends_before).exclude(
        state__in=NOT_COUNTED
    )


def _quarter(job: Job) -> tuple[Figures, Quarter]:
    """Return what a job makes. Raises FiguresRefused for one that is not the newest on these figures."""
    figures = Figures.objects.get(pk=job.params["figures"])
    quarter = quarters.of_code(figures.quarter)
    if quarter is None:
        raise FiguresRefused("There is no such quarter.")
    newest = job_of(figures)
    if figures.made_at is not None or newest is None or newest.pk != job.pk:
        raise FiguresRefused("Somebody has asked for these figures anew.")
    return figures, quarter


def _rows(job: Job) -> Iterator[str]:
    """Return what there is to count: the first and the last case of each some, kind by kind."""
    _, quarter = _quarter(job)
    for casetype in casetypes.all_types():
        if casetype.is_restricted:
            continue
        some: list[int] = []
        for pk in _cases(quarter, casetype.code).order_by("pk").values_list("pk", flat=True).iterator():
            some.append(pk)
            if len(some) == AT_ONCE:
                yield f"{casetype.code}:{some[0]}:{some[-1]}"
                some = []
        if some:
            yield f"{casetype.code}:{some[0]}:{some[-1]}"


def _do(job: Job, subject: str, at: datetime) -> None:
    """Count some cases of one kind into a part of the figures."""
    figures, quarter = _quarter(job)
    kind, first, last = subject.split(":")
    cases = list(_cases(quarter, kind).filter(pk__range=(int(first), int(last))).order_by("pk"))
    counted = _counted(casetypes.get(kind), cases, job=job, at=at)
    FiguresPart.objects.create(figures=figures, subject=subject, counts={kind: counted})


def _counted(casetype: CaseType, cases: Sequence[Case], *, job: Job, at: datetime) -> dict[str, Counter[str]]:
    ids = [case.pk for case in cases]
    still, ended = [case for case in cases if not case.is_closed], [case for case in cases if case.is_closed]
    return {
        "all": Counter(all=len(cases)),
        "standing": Counter(open=len(still), closed=len(ended)),
        "state": Counter(case.state for case in still),
        "outcome": Counter(case.state for case in ended),
        "open_month": Counter(_month(case) for case in still),
        "closed_month": Counter(_month(case) for case in ended),
        "deadline": _by_periods(ids),
        **_people(cases, job=job, at=at),
        **{each.code: _by(each, casetype, ids) for each in casetype.dimensions},
    }


def _by_periods(ids: Sequence[int]) -> Counter[str]:
    """Return the cases by how the periods in them ended: were the periods counted, they less the cases would be the few
    cases of two. One query."""
    ended = Clock.objects.filter(case_id__in=ids, state__in=("met", "breached"), ended_at__isnull=False)
    missed = dict(ended.values_list("case").annotate(missed=Count("pk", filter=Q(state="breached"))))
    found = Counter("breached" if count else "met" for count in missed.values())
    found["none"] = len(ids) - len(missed)
    return found


def _by(dimension: Dimension, casetype: CaseType, ids: Sequence[int]) -> Counter[str]:
    """Return the cases by what a column of their facts holds. What is no code that has words counts as not known: no
    text that somebody typed comes into a table."""
    words, found = dimension.words(), Counter[str]()
    rows = casetype.facts._default_manager.filter(pk__in=ids).values_list(dimension.column)
    for code, count in rows.annotate(count=Count("pk")):
        found[code if code in words else ""] += count
    return found


def _month(case: Case) -> str:
    return calendars.london_date(case.opened_at).replace(day=1).isoformat()


def _people(cases: Sequence[Case], *, job: Job, at: datetime) -> dict[str, Counter[str]]:
    """Return the cases by age band and by first half of the postcode, each by the first person on it: were all people
    counted, they less the cases would be the few cases of two. Opens both, with their access rows; what was opened is
    forgotten as soon as it is counted."""
    opened = {case.pk: calendars.london_date(case.opened_at) for case in cases}
    first = CaseParty.objects.filter(case_id__in=opened, is_detached=False).order_by("case_id", "pk")
    people = list(first.distinct("case_id"))
    homes = _homes(people)
    reader = sealing.Reader(
        actor=jobs.worker_of(job).label,
        verb="count",
        purpose=PURPOSE,
        streams=tuple(case.uid for case in cases),
        request_id=str(job.uid),
    )
    born = sealing.open_rows(people, ("date_of_birth",), reader=reader, at=at) if people else []
    lived = sealing.open_rows(list(homes.values()), ("postcode",), reader=reader, at=at) if homes else []
    ages = Counter(
        _band(each["date_of_birth"], opened[party.case_id]) for party, each in zip(people, born, strict=True)
    )
    found = Counter(places.outward(each["postcode"]) or tables.NOT_KNOWN for each in lived)
    ages[tables.NOT_KNOWN] += len(cases) - len(people)
    found[tables.NOT_KNOWN] += len(cases) - len(homes)
    return {"age": ages, "place": found}


def _homes(people: Sequence[CaseParty]) -> dict[int, CaseAddress]:
    """Return one address of each person, by the person: where they live, else where they are billed. One query."""
    rows = CaseAddress.objects.filter(party__in=people, kind__in=places.HOME_KINDS, is_detached=False).order_by("pk")
    found: dict[int, CaseAddress] = {}
    for kind in reversed(places.HOME_KINDS):
        found.update({row.party_id: row for row in rows if row.kind == kind})
    return found


def _band(text: str | None, day: date) -> str:
    """Return the band of an age on a day."""
    try:
        born = date.fromisoformat(str(text or ""))
    except ValueError:
        return tables.NOT_KNOWN
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return tables.AGE_BANDS[sum(age >= limit for limit in BORN_BEFORE)]


def _finish(job: Job, at: datetime) -> None:
    """Make the figures of all parts and forget the parts. Raises FiguresRefused where a part is missing: figures with
    less than all would tell by what is missing."""
    if job.failed or job.skipped:
        raise FiguresRefused("Some cases could not be counted.")
    figures, quarter = _quarter(job)
    parts = FiguresPart.objects.filter(figures=figures)
    if parts.count() != job.done:
        raise FiguresRefused("What was counted is forgotten.")
    figures.tables = tables.published(tables.added(parts.values_list("counts", flat=True)), quarter)
    figures.made_at = at
    with ledger.action(
        figures.uid, "figures.made", actor=jobs.worker_of(job).label, at=at, source=job.source, detail=jobs.counts(job)
    ):
        figures.save(update_fields=["tables", "made_at"])
    parts.delete()


jobs.declare(
    jobs.Kind(
        code=KIND,
        label="Make the figures of a quarter",
        rows=_rows,
        do=_do,
        finish=_finish,
        act="make_figures",
        reasons={"figures_refused": "Some cases could not be counted"},
    )
)
