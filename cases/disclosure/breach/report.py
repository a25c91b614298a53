"""What the case page and the audit report say about a breach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.disclosure.breach import codes
from cases.disclosure.breach.models import Breach
from cases.kernel.casetypes import Check
from cases.kernel.models import Case
from cases.kernel.outputs import papers
from cases.kernel.restricted import quietholds

__all__ = ["amount", "checks", "context", "facts_view", "topic", "topic_label"]

_NATURES, _RISKS = dict(codes.NATURES), dict(codes.RISKS)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("nature") or "disclosed")


def topic_label(code: str) -> str:
    text = _NATURES.get(code, code)
    return f"Breach: {text[:1].lower()}{text[1:]}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _moment(at: datetime | None) -> str:
    return papers.moment(at) if at else ""


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. No query."""
    row = case.breach
    return [
        ("What kind", _NATURES.get(row.nature, row.nature)),
        ("First known", _moment(row.aware_at)),
        ("People it touches", f"{row.people_count:,}" if row.people_count is not None else "Not known yet"),
        ("Harm", _RISKS.get(row.risk, "Not assessed yet")),
        ("Who is told", codes.COMMISSIONERS.get(row.route, "Not assessed yet")),
        ("Decided to tell them", _moment(row.notified_at) or "Not yet"),
        ("Commissioner's reference", row.regulator_reference or "None yet"),
    ]


def checks(case: Case) -> list[Check]:
    """Return how the breach stands. No query."""
    row = case.breach
    secret = Check(
        label="It came from a restricted case: test for secrecy before anybody is told",
        is_clear=bool(row.route),
        detail="Done" if row.route else "",
    )
    return [
        *((secret,) if row.is_from_secrecy else ()),
        Check(label="Assessed", is_clear=bool(row.route)),
        Check(label="Measures recorded", is_clear=row.measures is not None),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}


def needs(cases: Mapping[int, UUID]) -> frozenset[int]:
    """Return about which of these cases an open breach is. One query."""
    rows = Breach.objects.filter(case__is_closed=False)
    return quietholds.named(cases, rows.values_list("about_token", flat=True))
