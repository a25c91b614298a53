"""What the case page and the audit report say about a complaint, and what opening one writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.kernel import calendars, clocks, formats
from cases.kernel.casetypes import Check
from cases.kernel.models import Case
from cases.ledger import sealing
from cases.rights import codes as rights_codes
from cases.rights import opening
from cases.rights.complaints import codes, rules
from cases.rights.models import DpComplaint

__all__ = ["checks", "context", "count_anew", "facts_view", "open_facts", "topic", "topic_label"]

_ABOUT, _OUTCOMES = dict(codes.ABOUT), dict(codes.OUTCOMES)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its 30 days, inside the current ledger action. It was received when
    the case was opened unless the facts say earlier. Raises formats.CardNumber."""
    formats.refuse_card_numbers([facts.get("complaint")])
    received_at = min(facts.get("received_at") or case.opened_at, case.opened_at)
    row = DpComplaint(case=case, key=case.key, received_at=received_at, about=facts["about"], came_by=facts["came_by"])
    sealing.seal(row, {"complaint": facts.get("complaint") or None}, key=case.key)
    row.save(force_insert=True)
    clocks.start(case, rules.CLOCK, started_at=received_at)
    clocks.refresh_due(case)
    case.save(update_fields=["due_at"])


def count_anew(case: Case, *, at: datetime) -> None:
    """After a correction: the 30 days count from the day on which it now says that it was received."""
    opening.count_from_receipt(case, case.dp_complaint, rules.CLOCK, at=at)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("about") or "other")


def topic_label(code: str) -> str:
    return f"Complaint: {_ABOUT.get(code, code).lower()}"


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed."""
    facts = case.dp_complaint
    rows = [
        ("About", _ABOUT.get(facts.about, facts.about)),
        ("Reached us by", dict(rights_codes.CAME_BY).get(facts.came_by, facts.came_by)),
        ("Received", calendars.spoken(facts.received_at)),
    ]
    if facts.outcome:
        rows.append(("What came of it", _OUTCOMES.get(facts.outcome, facts.outcome)))
    return rows


def checks(case: Case) -> list[Check]:
    """Return how the complaint stands."""
    return [Check(label="Acknowledged", is_clear=case.dp_complaint.acknowledged_at is not None)]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
