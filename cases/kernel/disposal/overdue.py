"""What is over: closed cases, and people of cases that are kept longer, whose time has ended and which nothing keeps.

What is held, linked with an open case or needed by one of another kind is not among them: a name in a list that is kept
afterwards would tell of what nobody outside may know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value

from cases.kernel import calendars, casetypes
from cases.kernel.casetypes import CaseType
from cases.kernel.models import Case, CaseLink, CaseParty, Hold
from cases.kernel.restricted import quietholds

__all__ = ["MOST", "Due", "cases_over", "counts", "due", "due_people", "listed", "next_due", "people_over", "since"]

MOST = 10_000
COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Case: ("pk", "dispose_after_date", "uid", "merged_into"),
    CaseParty: ("case", "dispose_after_date", "case__uid", "case__merged_into", "pk", "number"),
}


@dataclass(frozen=True, kw_only=True)
class Due:
    """What of a kind is over: how many cases, how many people of cases that are kept longer, the last day up to which
    that is counted, and whether more are over."""

    count: int
    people: int
    last_date: date
    has_more: bool


def due(kind: str, *, today: date, last_date: date, most: int) -> list[Case]:
    """Return the first closed cases of a kind that were to be kept until before today and that nothing keeps, those
    kept shortest first. A case is kept as long as anybody in it is. One that was moved out of sight is not among them.
    Some six queries."""
    found = [row[0] for row in listed(cases_over(kind, today=today, last_date=last_date), most=most)]
    return sorted(Case.objects.filter(pk__in=found), key=lambda case: found.index(case.pk))


def due_people(kind: str, *, today: date, last_date: date, most: int) -> list[CaseParty]:
    """Return the first people of a kind's cases whose own time ended before today while their case is open or kept
    longer, and that nothing keeps, those kept shortest first. Some six queries."""
    found = [row[4] for row in listed(people_over(kind, today=today, last_date=last_date), most=most)]
    rows = CaseParty.objects.filter(pk__in=found).select_related("case")
    return sorted(rows, key=lambda person: found.index(person.pk))


def listed(rows: QuerySet[Any], *, most: int | None = None) -> list[Any]:
    """Return `COLUMNS` of the first of these that nothing out of sight keeps, of all of them without `most`. Some five
    queries, and as many again where some are kept."""
    found: list[Any] = []
    start = 0
    while True:
        end = None if most is None else start + most - len(found)
        part = list(rows.values_list(*COLUMNS[rows.model])[start:end])
        kept = _needed(part)
        found += [row for row in part if row[0] not in kept]
        if end is None or len(part) < end - start or len(found) == most:
            return found
        start = end


def _needed(rows: Collection[Any]) -> set[int]:
    """Return the cases of such rows that a hold of a compartment keeps, or an open case of another kind, whatever was
    merged into one of those, and what came from one. Two queries, one of each kind that may need cases, and one where
    cases were merged."""
    if not rows:
        return set()
    uids: dict[int, UUID] = {case: uid for case, _, uid, *_ in rows}
    into: dict[int, int] = {case: other for case, _, _, other, *_ in rows if other is not None}
    while beyond := set(into.values()) - set(uids):
        for case, uid, other in Case.objects.filter(pk__in=beyond).values_list("pk", "uid", "merged_into"):
            uids[case] = uid
            into |= {} if other is None else {case: other}
    came_from = quietholds.origins(uids)
    uids |= {pk: uid for _, pk, uid in came_from}
    kept = set(quietholds.holding(uids, "dispose")).union(*(each.needs(uids) for each in casetypes.all_types()))
    kept |= {case for case, origin, _ in came_from if origin in kept}
    while merged := {case for case, other in into.items() if other in kept and case not in kept}:
        kept |= merged
    return kept


def cases_over(kind: str, *, today: date, last_date: date | None = None) -> QuerySet[Case]:
    """Return the closed cases of a kind whose time is over and that no hold and no open case that is linked with them
    keeps."""
    last = min(last_date or today, today - timedelta(days=1))
    kept_longer = CaseParty.objects.filter(case=OuterRef("pk"), dispose_after_date__gt=last)
    rows = Case.objects.filter(
        ~Exists(kept_longer),
        _is_free("pk", today=today),
        kind=kind,
        is_restricted=casetypes.get(kind).is_restricted,
        is_closed=True,
        is_erased=False,
        dispose_after_date__lte=last,
        key__destroyed_at=None,
    )
    return rows.order_by("dispose_after_date", "pk")


def _is_free(case: str, *, today: date) -> Q:
    """Return the condition that no hold keeps a case today or soon, and no open case is linked with it."""
    case_id = OuterRef(case)
    lasting = Q(ends_at=None) | Q(ends_at__gte=calendars.start_of_day(today))
    holds = Hold.objects.filter(lasting, case=case_id, released_at=None, blocks__contains=["dispose"])
    links = CaseLink.objects.filter(removed_at=None)
    leading = links.filter(case=case_id, other__is_closed=False), links.filter(other=case_id, case__is_closed=False)
    return Q(~Exists(holds), ~Exists(leading[0]), ~Exists(leading[1]))


def people_over(kind: str, *, today: date, last_date: date | None = None) -> QuerySet[CaseParty]:
    """Return the people of a kind's cases whose own time is over while their case is open or kept longer."""
    last = min(last_date or today, today - timedelta(days=1))
    longer = CaseParty.objects.filter(case=OuterRef("case_id"), dispose_after_date__gt=last)
    is_kept = Q(case__is_closed=False) | Q(case__dispose_after_date__gt=last) | Exists(longer)
    rows = CaseParty.objects.filter(
        is_kept,
        _is_free("case_id", today=today),
        case__kind=kind,
        case__is_restricted=casetypes.get(kind).is_restricted,
        case__is_erased=False,
        is_erased=False,
        dispose_after_date__lte=last,
        key__destroyed_at=None,
    )
    return rows.order_by("dispose_after_date", "pk")


def next_due(kind: str, *, today: date, most: int = MOST) -> Due | None:
    """Return what one proposal takes: everything that is over, or of more than `most` cases or people the days that end
    first, whole. Some ten queries, and as many again where there is more; reads `most` rows and one of each."""
    found = [
        [day for _, day, *_ in listed(rows(kind, today=today), most=most + 1)] for rows in (cases_over, people_over)
    ]
    if not any(found):
        return None
    cut = [_whole(days) for days in found if len(days) > most]
    last = min([today - timedelta(days=1), *cut])
    # Who is kept longer than a day depends on the day: up to another one it is counted anew.
    cases, people = counts(kind, today=today, last_date=last) if cut else map(len, found)
    return Due(count=cases, people=people, last_date=last, has_more=bool(cut))


def counts(kind: str, *, today: date, last_date: date) -> tuple[int, int]:
    """Return how many cases and how many people are over and kept by nothing."""
    cases, people = (len(listed(rows(kind, today=today, last_date=last_date))) for rows in (cases_over, people_over))
    return cases, people


def _whole(days: Sequence[date]) -> date:
    """Return the last day of which all is among these, the first where they are all of one day."""
    return next((day for day in reversed(days) if day < days[-1]), days[-1])


def since(kinds: Iterable[CaseType], *, today: date) -> dict[str, date]:
    """Return, of each kind of which anything is over, the day until which what ended first was kept. One query that
    reads two rows of each kind, one of each kind that may need cases, and some for each kind of which these keep the
    first."""
    kinds_over = [(each.code, rows(each.code, today=today)) for each in kinds for rows in (cases_over, people_over)]
    if not kinds_over:
        return {}
    first = [
        rows.annotate(of=Value(at)).values_list("of", *COLUMNS[rows.model][:4])[:1]
        for at, (_, rows) in enumerate(kinds_over)
    ]
    found = list(first[0].union(*first[1:], all=True))
    kept = _needed([row for _, *row in found])
    days: dict[str, date] = {}
    for at, case, day, *_ in found:
        kind, rows = kinds_over[at]
        if case in kept:
            day = next((each for _, each, *_ in listed(rows, most=1)), None)
        if day is not None:
            days[kind] = min(day, days.get(kind, day))
    return days
