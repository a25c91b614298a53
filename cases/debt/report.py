"""What the case page and the audit report say about a placement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cases.debt import gate, guards, limitation
from cases.debt.limitation import Period
from cases.debt.models import Placement
from cases.kernel import calendars, money
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


def _placement(case: Case) -> Placement:
    return Placement.objects.select_related("account", "batch__agency").get(pk=case.pk)


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. Two queries."""
    row = _placement(case)
    batch = row.batch
    rows = [
        ("Owed", money.pounds(row.balance_pence)),
        ("Product", row.account.product.replace("_", " ").capitalize()),
        ("Batch", batch.reference if batch else "None"),
        ("Agency", batch.agency.display_name if batch else "None"),
        ("Tier", str(row.tier)),
        ("Collected", money.pounds(row.collected_pence)),
        ("Of it booked by billing", money.pounds(row.booked_pence)),
    ]
    if batch is not None:
        rows.append(("Commission", f"{batch.commission_rate / 100:g} % and VAT"))
        rows.append(("Kept by the agency", money.pounds(row.commission_pence + row.vat_pence)))
    rows.append(("Agency told to stop", "Yes" if row.is_told_of_hold else "No"))
    if (found := _period(row)) is not None:
        period, day = found
        rows.append(("Until when it can be enforced", period.in_words(day)))
    return rows


def _period(row: Placement) -> tuple[Period, date] | None:
    """Return until when the debt can be enforced, and the day (Europe/London) on which the gate looked at it last. One
    query."""
    if row.gate_at is None:
        return None
    day = calendars.london_date(row.gate_at)
    period = limitation.of_account(row.account, years=limitation.years_on(day, [row.account.jurisdiction]))
    return (period, day) if period is not None else None


def checks(case: Case) -> list[Check]:
    """Return what the gate said last, each exclusion by its sentence, and whether the debt is nearly out of time. Two
    queries beyond the facts."""
    row = _placement(case)
    when = f"Looked at on {calendars.london_date(row.gate_at):%-d %B %Y}" if row.gate_at else "Not looked at yet"
    found = _period(row)
    near = []
    if found is not None and found[0].is_near(found[1]):
        near = [Check(label=gate.NEARLY_OVER, is_clear=False, detail=found[0].in_words(found[1]))]
    if not row.stopped_by:
        return [Check(label="No exclusion applies", is_clear=row.gate_at is not None, detail=when), *near]
    return [Check(label=guards.in_words([code]), is_clear=False, detail=when) for code in row.stopped_by] + near


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": []}
