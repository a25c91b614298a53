"""Which tables the figures of a quarter have, and how what was counted becomes what may be read.

Each table takes one count apart whose size is shown: all cases of a kind, those still open, those that are closed. So a
table can tell nothing of another, and of each the small counts are pooled by itself. Age and place are those of the
first person on a case and periods those of one case together, so that no count of people or of periods stands beside
that of the cases. A kind whose own count is pooled has no tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cases.kernel import casetypes
from cases.kernel.casetypes import CaseType
from cases.kernel.reading import smallcells
from cases.kernel.timing.quarters import Quarter

__all__ = ["AGE_BANDS", "EXTERNAL_ANON", "INTERNAL", "PROFILES", "Counts", "lines", "published"]

Counts = Mapping[str, Mapping[str, int]]

INTERNAL, EXTERNAL_ANON = "INTERNAL", "EXTERNAL_ANON"
PROFILES = {INTERNAL: "For the office", EXTERNAL_ANON: "For others"}
STANDING = {"open": "Still open", "closed": "Closed"}
PERIODS = {"met": "All were kept", "breached": "One or more were missed", "none": "None has ended"}
NOT_KNOWN = "Not known"
AGE_BANDS = ("Under 18", "18 to 24", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 and over", NOT_KNOWN)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One table. `of` says what it takes apart: everything, or what another table calls `open` or `closed`. How the
    office itself works is for nobody else."""

    code: str
    title: str
    of: str = ""
    is_external: bool = True


COMMON = (
    Plan(code="standing", title="Open or closed when the figures were made"),
    Plan(code="outcome", title="How closed cases ended", of="closed"),
    Plan(code="closed_month", title="Closed cases, by the month they were opened", of="closed"),
    Plan(code="state", title="Where open cases stand", of="open", is_external=False),
    Plan(code="open_month", title="How old open work is: the month it was opened", of="open", is_external=False),
    Plan(code="deadline", title="Cases by the periods in them that ended", is_external=False),
    Plan(code="age", title="By age of the first person when the case was opened"),
    Plan(code="place", title="By first half of the first person's postcode"),
)


def _plans(casetype: CaseType) -> list[Plan]:
    return [*COMMON, *(Plan(code=each.code, title=each.label) for each in casetype.dimensions)]


def _words(casetype: CaseType, quarter: Quarter) -> dict[str, Mapping[str, str]]:
    """Return the label of every cell that has one, by table, in the order in which they are read."""
    states = {state.code: state.label for state in casetype.lifecycle.all_states}
    months = {month.isoformat(): f"{month:%B %Y}" for month in quarter.months()}
    return {
        "standing": STANDING,
        "state": states,
        "outcome": states,
        "open_month": months,
        "closed_month": months,
        "deadline": PERIODS,
        "age": {band: band for band in AGE_BANDS},
        "place": {},
        **{each.code: each.words() for each in casetype.dimensions},
    }


def published(counted: Mapping[str, Counts], quarter: Quarter) -> dict[str, Any]:
    """Return the figures as they are kept and read, from what was counted by kind and table; the cell `all` of the
    table `all` is how many cases there are. Reads nothing but the secret that says what is pooled with what."""
    totals = {kind: tables.get("all", {}).get("all", 0) for kind, tables in counted.items()}
    known = {each.code: each for each in casetypes.all_types()}
    top = smallcells.published(totals, order=smallcells.by_secret(quarter.code))
    if top is None:
        return {"kinds": None, "tables": []}
    kinds = {code: casetype.label for code, casetype in known.items() if not casetype.is_restricted}
    tables: list[dict[str, Any]] = []
    for code in kinds:
        if code in top.shown:
            tables += _of_kind(known[code], counted[code], quarter)
    return {"kinds": _table("kinds", "Cases opened, by kind", top, kinds), "tables": tables}


def _of_kind(casetype: CaseType, counted: Counts, quarter: Quarter) -> Iterator[dict[str, Any]]:
    words = _words(casetype, quarter)
    standing = _pooled(casetype, "standing", counted, quarter)
    # What is open and what is closed is taken apart further only where both are there to be read.
    split = standing is not None and not standing.pooled
    for plan in _plans(casetype):
        if plan.of in STANDING and not split:
            continue
        found = _pooled(casetype, plan.code, counted, quarter)
        if found is None or not found.shown:
            continue
        table = _table(plan.code, plan.title, found, words[plan.code])
        yield {**table, "kind": casetype.code, "kind_label": casetype.label, "is_external": plan.is_external}


def _pooled(casetype: CaseType, code: str, counted: Counts, quarter: Quarter) -> smallcells.Published | None:
    place = f"{quarter.code}/{casetype.code}/{code}"
    return smallcells.published(counted.get(code, {}), order=smallcells.by_secret(place))


def _table(code: str, title: str, found: smallcells.Published, words: Mapping[str, str]) -> dict[str, Any]:
    places = {cell: number for number, cell in enumerate(words)}
    cells = sorted(found.shown, key=lambda cell: (places.get(cell, len(places)), cell))
    return {
        "code": code,
        "title": title,
        "rows": [[words.get(cell, cell) or NOT_KNOWN, found.shown[cell]] for cell in cells],
        "pooled": found.pooled,
        "total": found.total,
    }


def lines(tables: Mapping[str, Any], profile: str) -> Iterator[tuple[str, str, str, str]]:
    """Return the figures of a profile as lines of a file: kind, table, what is counted, how many."""
    for table in shown(tables, profile):
        for label, count in table["rows"]:
            yield table["kind_label"], table["title"], label, str(count)
        if table["pooled"]:
            yield table["kind_label"], table["title"], smallcells.POOLED, str(table["pooled"])


def shown(tables: Mapping[str, Any], profile: str) -> Iterable[Mapping[str, Any]]:
    """Return the tables of a profile, that of the kinds first."""
    if tables.get("kinds"):
        yield {**tables["kinds"], "kind": "", "kind_label": "All kinds"}
    for table in tables.get("tables", ()):
        if profile == INTERNAL or table["is_external"]:
            yield table


def added(parts: Iterable[Mapping[str, Counts]]) -> dict[str, dict[str, Counter[str]]]:
    """Return the sum of what was counted in parts."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for part in parts:
        for kind, tables in part.items():
            for code, cells in tables.items():
                found.setdefault(kind, {}).setdefault(code, Counter()).update(cells)
    return found
