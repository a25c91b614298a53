"""What may be asked for, item by item: its class, what opens it, and where it is kept. Data that rules.py walks.

Who is allowed to have it is never decided here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CLASSES", "ITEMS", "OPENS", "OVERRIDES", "DataItem", "label"]

CLASSES = {
    "entity": "Who and what: entity data",
    "event": "What was done: event data",
    "content": "What was said: content",
    "other": "No communications data",
    "never": "Never disclosed",
}


@dataclass(frozen=True, kw_only=True)
class DataItem:
    """One item of the catalogue. `opened_by` names the group of gateways one of which must be there: the least.
    `category` is the notice's; what has none never leaves. `columns` are those that a table of it is known by, beside
    those that every table has."""

    code: str
    label: str
    item_class: str
    opened_by: str
    source_system: str
    category: str
    is_barred_for_councils: bool
    columns: frozenset[str]


def _rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _item(row: dict[str, str]) -> DataItem:
    is_barred, columns = row.pop("is_barred_for_councils") == "yes", frozenset(row.pop("columns").split())
    return DataItem(**row, is_barred_for_councils=is_barred, columns=columns)


ITEMS = {item.code: item for item in map(_item, _rows("data_items.csv"))}
_GATEWAYS = _rows("item_gateways.csv")
# Gateway: the groups of items it opens. What is not here opens nothing: an exemption is not a ground.
OPENS = {row["gateway"]: frozenset(row["opens"].split()) for row in _GATEWAYS}
# Gateways on which legal counsel and an approver say so first.
OVERRIDES = frozenset(row["gateway"] for row in _GATEWAYS if row["needs_override"] == "yes")


def label(code: str) -> str:
    return ITEMS[code].label if code in ITEMS else code
