"""How many requests came and what became of them: counts fit for the public, by kind of authority and of request.

Nobody is named, and a count that is small enough to point at somebody is not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cases.disclosure import codes
from cases.disclosure.models import DisclosureRequest
from cases.kernel import calendars

__all__ = ["ENDS", "OUTCOMES", "SMALLEST", "Cell", "count", "shown", "table"]

# A count below this, other than none, is not shown.
SMALLEST = 10
OUTCOMES = {
    "given": "Something was given",
    "refused": "Refused",
    "cancelled": "Cancelled by the authority",
    "open": "Not decided yet",
}
ENDS = {"refused": "refused", "cancelled": "cancelled"}


@dataclass(frozen=True, order=True)
class Cell:
    """One cell of the table: kind of authority, kind of request, what became of it."""

    authority_kind: str
    request_type: str
    outcome: str


def shown(number: int) -> str:
    """Return what is printed for a count: itself, or that it is too small to be shown."""
    return str(number) if number == 0 or number >= SMALLEST else f"fewer than {SMALLEST}"


def count(since: date, until: date) -> Counter[Cell]:
    """Return how many requests came in between two London days, both included. One query; what is for the
    interception unit is never counted."""
    rows = DisclosureRequest.objects.exclude(request_type=codes.INTERCEPTION).values_list(
        "case__opened_at", "authority_kind", "request_type", "released_at", "case__state"
    )
    return Counter(
        Cell(kind, request_type, "given" if released_at else ENDS.get(state, "open"))
        for opened_at, kind, request_type, released_at, state in rows
        if since <= calendars.london_date(opened_at) <= until and state not in {"void", "merged"}
    )


def table(cells: Counter[Cell]) -> Iterable[tuple[str, str, str, str]]:
    """Return the lines of the table in words. A line has no sum, from which a hidden count could be worked out."""
    kinds, types = dict(codes.AUTHORITY_KINDS), dict(codes.TYPES)
    yield "Kind of authority", "Kind of request", "Outcome", "Requests"
    for cell in sorted(cells):
        yield (
            kinds.get(cell.authority_kind, "Not said"),
            types.get(cell.request_type, cell.request_type),
            OUTCOMES[cell.outcome],
            shown(cells[cell]),
        )
