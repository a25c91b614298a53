"""How recovery agencies do: what was handed to each, tier by tier, and what came of it. Sums alone, of no person.

Asked batch by batch of a capped time: no question reads what other batches hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, F, Func, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from cases.debt import effects, periods
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import calendars
from cases.kernel.models import BatchFile, Clock, Task

__all__ = ["SPANS", "VINTAGES", "Line", "of_agencies"]

# Over how many months batches are looked at, the first unless another is asked for; and after how many a rate is taken.
SPANS = (12, 24, 36)
VINTAGES = (3, 6, 12)
# An account in one of these is with no agency: it was pulled out of its file, or not taken.
NOT_TAKEN = ("excluded", "rejected")
# Why a file is refused that does not reconcile to the penny.
_SUMS_DIFFER = ("commission_differs", "amounts_do_not_add_up", "not_an_amount", "total_differs", "count_differs")


@dataclass(kw_only=True)
class Line:
    """One agency and tier. Money is whole pence; `rates` are tenths of a percent by vintage, None where no account has
    been there so long. `refused_files` is of the agency, whatever the tier."""

    agency: str
    tier: int
    placed: int
    placed_pence: int
    recovered_pence: int
    returned: int
    rates: tuple[int | None, ...]
    recalls: int = 0
    confirmed: int = 0
    late: int = 0
    complaints: int = 0
    refused_files: int = 0


def of_agencies(*, months: int, at: datetime) -> list[Line]:
    """Return how each agency did with what it was handed in so many months before `at`, by name and tier. Five
    queries."""
    since = calendars.start_of_day(calendars.add_months(calendars.london_date(at), -months))
    within = PlacementBatch.objects.filter(released_at__gte=since, released_at__lte=at)
    batches = list(within.values_list("pk", flat=True))
    placed = Placement.objects.filter(batch__in=batches).exclude(case__state__in=NOT_TAKEN)
    lines = {(row["agency"], row["tier"]): _line(row) for row in _sums(placed, at=at)}
    for row in _recalls(batches):
        if line := lines.get((row["agency"], row["tier"])):
            line.recalls, line.confirmed, line.late = row["asked"], row["confirmed"], row["late"]
    for whose, tier, count in _complaints(batches):
        if line := lines.get((whose, tier)):
            line.complaints = count
    refused = dict(_refused(since, at))
    for (agency, _), line in lines.items():
        line.refused_files = refused.get(agency, 0)
    return sorted(lines.values(), key=lambda line: (line.agency, line.tier))


def _after(months: int) -> Func:
    """Return the moment so many months after the account was handed over."""
    moment = F("batch__released_at")
    return Func(moment, template=f"(%(expressions)s + INTERVAL '{months} months')", output_field=DateTimeField())


def _sums(placed: QuerySet[Placement], *, at: datetime) -> Any:
    """Count and add up by agency and tier. What was owed at the release, and collected by a day, is what the history of
    the placement says of it then; each is read by its own index."""
    history = Placement.history_model.objects.filter(case_id=OuterRef("pk")).order_by("-history_id")  # type: ignore[attr-defined]  # -- concrete models have objects
    by_then = {
        f"by_{months}": Subquery(
            history.filter(history_date__lte=OuterRef(f"day_{months}")).values("collected_pence")[:1],
            output_field=BigIntegerField(),
        )
        for months in VINTAGES
    }
    at_release = Subquery(
        history.filter(history_date__lte=OuterRef("batch__released_at")).values("balance_pence")[:1],
        output_field=BigIntegerField(),
    )
    days = {f"day_{months}": _after(months) for months in VINTAGES}
    there = {months: Q(**{f"day_{months}__lte": at}) for months in VINTAGES}
    return (
        placed.annotate(agency=F("batch__agency"), name=F("batch__agency__display_name"), **days)
        .annotate(**by_then, owed=Coalesce(at_release, F("balance_pence")))
        .values("agency", "name", "tier")
        .annotate(
            placed=Count("pk"),
            placed_pence=Sum("owed"),
            recovered_pence=Sum("collected_pence"),
            returned=Count("pk", filter=Q(case__state="returned")),
            **{f"of_{months}": Sum("owed", filter=is_there) for months, is_there in there.items()},
            **{f"in_{months}": Sum(f"by_{months}", filter=is_there) for months, is_there in there.items()},
        )
        .order_by()
    )


def _line(row: dict[str, object]) -> Line:
    names = ("tier", "placed", "placed_pence", "recovered_pence", "returned")
    rates = tuple(_rate(row[f"in_{months}"], row[f"of_{months}"]) for months in VINTAGES)
    return Line(agency=str(row["name"]), rates=rates, **{name: row[name] for name in names})  # type: ignore[arg-type]  # -- numbers


def _rate(recovered: object, placed: object) -> int | None:
    """Return tenths of a percent, a half rounded up; nothing of nothing."""
    if not isinstance(placed, int) or placed <= 0:
        return None
    got = recovered if isinstance(recovered, int) else 0
    return (2000 * got + placed) // (2 * placed)


def _recalls(batches: list[int]) -> Any:
    """Count by agency and tier how often an account was asked back, and what came of it."""
    rows = Clock.objects.filter(rule=periods.RECALL, case__placement__batch__in=batches)
    return (
        rows.values(agency=F("case__placement__batch__agency"), tier=F("case__placement__tier"))
        .annotate(
            asked=Count("pk"),
            confirmed=Count("pk", filter=Q(case__state="recalled")),
            late=Count("pk", filter=Q(state="breached")),
        )
        .order_by()
    )


def _complaints(batches: list[int]) -> Iterable[tuple[int, int, int]]:
    rows = Task.objects.filter(kind=effects.COMPLAINT, detail__code="complaint", case__placement__batch__in=batches)
    counted = rows.values_list("case__placement__batch__agency", "case__placement__tier").annotate(count=Count("pk"))
    return counted.order_by()


def _refused(since: datetime, at: datetime) -> Iterable[tuple[int, int]]:
    """Count the files of an agency that were refused since their sums differ."""
    rows = BatchFile.objects.filter(channel__agency__kind="dca", direction="in", state="refused")
    within = rows.filter(reason__in=_SUMS_DIFFER, created_at__gte=since, created_at__lte=at)
    return within.values_list("channel__agency").annotate(count=Count("pk")).order_by()
