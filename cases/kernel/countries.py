"""The countries of the world by their two letters (ISO 3166-1), and which of them adequacy regulations of the United
Kingdom cover: UK GDPR Art 45A, Data Protection Act 2018 Sch 21 paras 4 and 5 and the regulations made since.

Names are those of the public-domain time zone database. Of some countries only a part is covered (Canada: commercial
organisations; Japan: private ones): whoever approves looks. Of the United States it is who stands on the list of the UK
extension to the data privacy framework, the data bridge: each by its own entry.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["COUNTRIES", "Country", "name_of"]

TABLE = Path(__file__).with_name("countries.csv")


@dataclass(frozen=True, kw_only=True)
class Country:
    """One country: its name, and whether adequacy regulations cover it or a part of it; `is_by_list` where that is who
    stands on a list."""

    name: str
    is_adequate: bool
    is_by_list: bool


with TABLE.open(newline="", encoding="utf-8") as file:
    COUNTRIES = {
        row["code"]: Country(
            name=row["name"], is_adequate=row["adequate"] == "yes", is_by_list=row["adequate"] == "listed"
        )
        for row in csv.DictReader(file)
    }


def name_of(code: str) -> str:
    """Return what a country is called, or the code itself of one that is none."""
    return COUNTRIES[code].name if code in COUNTRIES else code
