"""First names that may be of one person though they differ: Liz and Elizabeth, Stephen and Steven.

The table is ours, of names usual in Britain: full names, then what they are called by. That two stand in one line says
that a difference is none, and never that two people are one: a father and a son may be William and Bill.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

__all__ = ["may_be_one"]

_TABLE = Path(__file__).with_name("shortnames.txt")


@cache
def _lines() -> tuple[frozenset[str], ...]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return tuple(frozenset(line.replace(":", " ").split()) for line in lines)


def may_be_one(names: Collection[str], others: Collection[str]) -> bool:
    """Say whether a name of one and a name of the other, as plain words, stand in one line of the table."""
    one, other = frozenset(names), frozenset(others)
    return any(one & line and other & line for line in _lines())
