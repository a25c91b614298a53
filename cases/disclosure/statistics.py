"""How many requests came in a quarter and what became of them: counts fit for the public, by kind of authority and of
request.

Nobody is named, and no count is shown, nor can be worked out, that is small enough to point at somebody. What was made
of a quarter is kept, and is what anybody gets later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from cases.disclosure import codes
from cases.disclosure.models import DisclosureRequest, DisclosureStatistics
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.kernel.reading import smallcells
from cases.kernel.timing.quarters import Quarter
from cases.ledger import api as ledger

__all__ = ["ENDS", "OUTCOMES", "TOO_FEW", "Cell", "QuarterNotOver", "count", "kept", "table"]

OUTCOMES = {
    "given": "Something was given",
    "refused": "Refused",
    "cancelled": "Cancelled by the authority",
    "open": "Not decided yet",
}
ENDS = {"refused": "refused", "cancelled": "cancelled"}
TOO_FEW = "Too few to show any count"


@dataclass(frozen=True, order=True)
class Cell:
    """One cell of the table: kind of authority, kind of request, what became of it."""

    authority_kind: str
    request_type: str
    outcome: str


class QuarterNotOver(CaseError):
    """Statistics are of a whole quarter."""

    def __init__(self) -> None:
        super().__init__("This quarter is not over: counts of a part of it would give away the rest.")


@transaction.atomic
def kept(quarter: Quarter, *, at: datetime) -> Sequence[Sequence[str]]:
    """Return the lines of the table of a quarter as they were first made; make and keep them where there are none, with
    one ledger event. Locks the quarter until the transaction ends. Raises QuarterNotOver.

    Whatever is put right, entered late or erased since, and whatever key or words were changed, they stay as they are.
    """
    if quarter.ends_before > at:
        raise QuarterNotOver
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"disclosures:{quarter.code}"])
    row = DisclosureStatistics.objects.filter(quarter=quarter.code).first()
    if row is None:
        lines = [list(line) for line in table(count(quarter), quarter)]
        row = DisclosureStatistics(quarter=quarter.code, made_at=at, lines=lines)
        with ledger.action(row.uid, "disclosure.statistics_made", actor=system("statistics").label, at=at):
            row.save()
    return row.lines


def count(quarter: Quarter) -> Counter[Cell]:
    """Return how many requests came in a quarter and what had become of them by its last moment: as they stand on the
    day of asking, two days of asking would tell by their difference what became of few. One query; what is for the
    interception unit is never counted."""
    before = quarter.ends_before
    past = Case.history.filter(id=OuterRef("case_id"), history_date__lt=before).order_by("-history_id")
    rows = (
        DisclosureRequest.objects.exclude(request_type=codes.INTERCEPTION)
        .filter(case__opened_at__gte=quarter.begins_at, case__opened_at__lt=before)
        .annotate(stood=Coalesce(Subquery(past.values("state")[:1]), F("case__state")))
        .exclude(stood__in=("void", "merged"))
        .annotate(is_given=Q(released_at__isnull=False, released_at__lt=before))
        .values_list("authority_kind", "request_type", "is_given", "stood")
        .annotate(count=Count("pk"))
    )
    found = Counter[Cell]()
    for kind, request_type, is_given, state, number in rows:
        found[Cell(kind, request_type, "given" if is_given else ENDS.get(state, "open"))] += number
    return found


def table(cells: Counter[Cell], quarter: Quarter) -> Iterator[tuple[str, str, str, str]]:
    """Return the lines of the table in words; the last is the sum of what is too small to stand alone."""
    kinds, types = dict(codes.AUTHORITY_KINDS), dict(codes.TYPES)
    known = {"/".join(astuple(cell)): cell for cell in sorted(cells)}
    order = smallcells.by_secret(f"{quarter.code}/disclosures")
    found = smallcells.published({name: cells[cell] for name, cell in known.items()}, order=order)
    yield "Kind of authority", "Kind of request", "Outcome", "Requests"
    if found is None:
        yield TOO_FEW, "", "", ""
        return
    for name, cell in known.items():
        if name in found.shown:
            yield (
                kinds.get(cell.authority_kind, "Not said"),
                types.get(cell.request_type, cell.request_type),
                OUTCOMES[cell.outcome],
                str(found.shown[name]),
            )
    if found.pooled:
        yield smallcells.POOLED, "", "", str(found.pooled)
