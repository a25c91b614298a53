"""Counts for others to read, of which no small one can be worked out.

A count below ten is not shown but pooled, and so is one more where those below ten alone could be told from their sum:
the total of a table is known, so a single hidden count would be what the others leave. Which one more, a secret says;
by the size of the counts nobody could tell what was small. A pool is shown as one sum, without saying of what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cases.ledger import sealing

__all__ = ["POOLED", "SMALLEST", "Published", "by_secret", "published"]

# A count below this, other than none, is never shown.
SMALLEST = 10
POOLED = "All others together"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A table as others may read it: the counts that are shown, and the sum of all others."""

    shown: Mapping[str, int]
    pooled: int = 0

    @property
    def total(self) -> int:
        return sum(self.shown.values()) + self.pooled


def by_secret(place: str) -> Callable[[str], bytes]:
    """Return an order of the counts of one table that nobody knows who lacks the index key, and that stays the same
    however often the table is made. `place` names the table."""
    return lambda cell: sealing.keyed_hash("small_cells", f"{place}\0{cell}")


def published(counts: Mapping[str, int], *, order: Callable[[str], Any]) -> Published | None:
    """Return what may be shown of a table whose total is known, or nothing where that is too few to show any of it.

    Every shown count and the pool are ten or more. A pool holds at least two counts other than none, and is so large
    that each of them could be ten or more: whoever knows this rule, but not the order, can say of none that it is
    small, nor how large it is.
    """
    present = {cell: count for cell, count in counts.items() if count}
    pool = {cell: count for cell, count in present.items() if count < SMALLEST}
    if pool and not _hides(pool):
        large = sorted(present.keys() - pool.keys(), key=order)[:1]
        pool |= {cell: present[cell] for cell in large}
        if not large:
            return None
    shown = {cell: count for cell, count in present.items() if cell not in pool}
    return Published(shown=shown, pooled=sum(pool.values()))


def _hides(pool: Mapping[str, int]) -> bool:
    """Say whether each of the counts could be ten or more by what is known: the sum, and that none of them is none."""
    return len(pool) > 1 and sum(pool.values()) - (len(pool) - 1) >= SMALLEST
