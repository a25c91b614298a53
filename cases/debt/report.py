"""What the case page and the audit report say about a placement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.debt import guards
from cases.debt.models import Placement
from cases.kernel import calendars
from cases.kernel.casetypes import Check
from cases.kernel.models import Case

__all__ = ["amount", "checks", "context", "facts_view", "names_account", "topic", "topic_label"]


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts["account"].product)


def topic_label(code: str) -> str:
    return f"Debt: {code.replace('_', ' ')}"


def amount(facts: Mapping[str, Any]) -> int | None:
    pence: int = facts["account"].balance_pence
    return pence


def names_account(_facts: Mapping[str, Any]) -> bool:
    return True


def _pounds(pence: int) -> str:
    return f"£{pence / 100:,.2f}"


def _placement(case: Case) -> Placement:
    return Placement.objects.select_related("account", "batch__agency").get(pk=case.pk)


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. One query."""
    row = _placement(case)
    batch = row.batch
    rows = [
        ("Owed", _pounds(row.balance_pence)),
        ("Product", row.account.product.replace("_", " ").capitalize()),
        ("Batch", batch.reference if batch else "None"),
        ("Agency", batch.agency.display_name if batch else "None"),
        ("Collected", _pounds(row.collected_pence)),
        ("Of it booked by billing", _pounds(row.booked_pence)),
    ]
    if batch is not None:
        rows.append(("Commission", f"{batch.commission_rate / 100:g} % and VAT"))
        rows.append(("Kept by the agency", _pounds(row.commission_pence + row.vat_pence)))
    rows.append(("Agency told to stop", "Yes" if row.is_told_of_hold else "No"))
    return rows


def checks(case: Case) -> list[Check]:
    """Return what the gate said last, each exclusion by its sentence. No query beyond the facts."""
    row = case.placement
    when = f"Looked at on {calendars.london_date(row.gate_at):%-d %B %Y}" if row.gate_at else "Not looked at yet"
    if not row.stopped_by:
        return [Check(label="No exclusion applies", is_clear=row.gate_at is not None, detail=when)]
    return [Check(label=guards.in_words([code]), is_clear=False, detail=when) for code in row.stopped_by]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"template": "cases/debt/report.html", "facts": facts_view(case), "tables": []}
