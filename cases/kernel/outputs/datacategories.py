"""The data category of every field that a report or an export opens. What has none is not opened.

Messages to agencies have their own table, one for each kind of message (releases.py); this is what is printed or
handed out inside the firm. Families declare the categories of their facts (`CaseType.fact_categories`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cases.kernel import notice
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import CaseError

__all__ = ["EXPORTS", "FIELDS", "HELD", "Uncategorised", "columns", "declare", "label", "require"]

NONE = "none"
# Categories of what is kept and never sent, beside those of the notice.
HELD = {
    "case_record": "Notes, reasons, names of documents and references of a case",
    NONE: "Not about a person",
}
_NAME = dict.fromkeys(("title", "forename", "middle_name", "surname", "alias", "identity_document"), "identity")
_PLACE = ("line_1", "line_2", "town", "postcode", "since", "until", "country", "uprn")

FIELDS: dict[str, dict[str, str]] = {
    "caseparty": {
        **_NAME,
        "date_of_birth": "date_of_birth",
        "phone": "contact",
        "email": "contact",
        "employer": "employment",
        "bank_account": "financial",
        "account_reference": "financial",
        "vehicle_registration": "vehicle",
        "device": "device",
        "ip_address": "device",
    },
    "caseaddress": dict.fromkeys(_PLACE, "address"),
    "note": {"text": "case_record"},
    "evidence": {"file_name": "case_record", "admissibility": "case_record"},
    "releaseditem": {"necessity": "case_record"},
}
# The columns of each table that is handed out, in their order.
EXPORTS: dict[str, dict[str, str]] = {
    "job_rows": {"row": NONE, "what": "case_record", "outcome": NONE, "reason": NONE, "at": NONE},
}


class Uncategorised(CaseError):
    """A field belongs to no data category, so it is neither printed nor handed out."""


def label(code: str) -> str:
    """Return what people read for a category."""
    known = notice.CATEGORIES.get(code)
    return known.label if known else HELD[code]


def _known(code: str | None) -> bool:
    return code in notice.CATEGORIES or code in HELD


def require(model: str, fields: Iterable[str], *, casetype: CaseType) -> list[str]:
    """Return the categories of the fields of a model, by its name, or of a kind's own facts. Raises Uncategorised."""
    facts = casetype.facts._meta.model_name
    table: Mapping[str, str] = casetype.fact_categories if model == facts else FIELDS.get(model, {})
    missing = sorted(name for name in fields if not _known(table.get(name)))
    if missing:
        raise Uncategorised(f"These fields belong to no data category: {', '.join(missing)} of {model}.")
    return sorted({table[name] for name in fields})


def declare(export: str, categories: Mapping[str, str]) -> None:
    """Name the columns of a table that a family hands out, in their order, each with its category."""
    EXPORTS[export] = dict(categories)


def columns(export: str) -> list[str]:
    """Return the columns of a table that is handed out. Raises Uncategorised."""
    table = EXPORTS.get(export, {})
    if not table or not all(map(_known, table.values())):
        raise Uncategorised(f"The table {export} has columns that belong to no data category.")
    return list(table)
