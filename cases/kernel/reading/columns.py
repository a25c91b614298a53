"""The columns that a ledger event names: which say something to people, and whose name stands behind a number."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BinaryField, UUIDField

from cases.kernel import casetypes

__all__ = ["ENDINGS", "column_of", "label_of", "says_nothing"]

# Columns that repeat what the entry says anyway, or that only order other columns.
UNSPOKEN = frozenset({"version", "changed_at", "state", "is_dormant", "key", "case", "blob", "digest", "due_at"})
# What only says of which kind a column's value is.
ENDINGS = re.compile(r"^(is|has)_|_(at|on|date|pence|id|code)$")
# Rows whose name stands for their number: the actor label of each.
NAMED = {"cases.user": "staff:{}", "cases.agency": "agency#{}"}


@lru_cache(maxsize=2048)
def column_of(row: str, name: str) -> Any:
    """Return the column of a changed field, or None for one that there is no more."""
    try:
        return apps.get_model(row)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist):
        return None


def label_of(row: str, name: str) -> str:
    """Return the shape of the actor label that a column's numbers stand for, or nothing."""
    column = column_of(row, name)
    return NAMED.get(column.related_model._meta.label_lower, "") if column is not None and column.is_relation else ""


@lru_cache(maxsize=2048)
def says_nothing(row: str, name: str) -> bool:
    """Say of a column that people read nothing in it: it ties rows together, proves what another says, or is named as
    unspoken, everywhere or by a kind of case."""
    if name in _unspoken() or name.endswith(("sha256", "digest")):
        return True
    column = column_of(row, name)
    if column is None:
        return False
    is_tie = column.is_relation and column.related_model._meta.label_lower not in {*NAMED, "cases.caseparty"}
    return is_tie or isinstance(column, BinaryField | UUIDField)


def _unspoken() -> frozenset[str]:
    return UNSPOKEN.union(*(each.unspoken for each in casetypes.all_types()))
