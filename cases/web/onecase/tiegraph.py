"""A small graph of a person's links with others: places and words for an SVG, worked out on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cases.kernel import casetypes
from cases.kernel.reading.persons import Linked
from cases.web.desk import rows

__all__ = ["Graph", "draw"]

MOST = 8
_STEP, _MARGIN, _BOX = 64, 8, 48


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What the template draws, and the same in words: every link, also one beyond what is drawn."""

    height: int
    middle: int
    nodes: list[dict[str, Any]]
    told: list[dict[str, Any]]
    left_out: int


def draw(links: Sequence[Linked]) -> Graph | None:
    """Return the graph of these links, those that are used first; None where there are none."""
    if not links:
        return None
    told = [_told(each) for each in sorted(links, key=lambda each: (not each.is_usable, each.case.is_closed))]
    drawn = told[:MOST]
    height = 2 * _MARGIN + _STEP * len(drawn) - (_STEP - _BOX)
    nodes = [
        {**each, "top": top, "first": top + 20, "second": top + 38, "middle": top + _BOX // 2}
        for each, top in zip(drawn, range(_MARGIN, height, _STEP), strict=False)
    ]
    return Graph(height=height, middle=height // 2, nodes=nodes, told=told, left_out=len(told) - len(drawn))


def _told(each: Linked) -> dict[str, Any]:
    state = casetypes.get(each.case.kind).lifecycle.state(each.case.state)
    return {
        "row": rows.row(each.case),
        "case": each.case,
        "number": each.other.number,
        "party": each.other.party,
        "label": each.label,
        "state": state,
        "is_usable": each.is_usable,
        "is_closed": each.case.is_closed,
    }
