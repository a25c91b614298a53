"""What the case page and the audit report say about a suspicion report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from cases.fraud.suspicion import codes
from cases.fraud.suspicion.models import SuspicionReport
from cases.kernel import calendars
from cases.kernel.casetypes import Check
from cases.kernel.models import Case
from cases.kernel.restricted import quietholds

__all__ = ["amount", "checks", "context", "facts_view", "needs", "topic", "topic_label"]

_REASONS = dict(codes.REASONS)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("reason_code") or codes.INFORMATION)


def topic_label(code: str) -> str:
    label = _REASONS.get(code, code)
    return f"Suspicion report: {label[:1].lower()}{label[1:]}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    """A report has no amount of its own; the transactions are sealed."""
    return None


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. No query."""
    facts = case.suspicion_report
    glossary = dict(codes.GLOSSARY)
    rows = [
        ("Why it is reported", _REASONS.get(facts.reason_code, facts.reason_code)),
        ("Glossary codes", ", ".join(glossary.get(code, code) for code in facts.glossary_codes) or "None yet"),
    ]
    if facts.submitted_from != "eaw":
        rows.append(("Reported from", calendars.JURISDICTIONS[facts.submitted_from][1]))
    if facts.submitted_date:
        by = "a deputy" if facts.is_by_deputy else "the nominated officer"
        rows.append(("Submitted", f"{facts.submitted_date:%-d %B %Y}, by {by}"))
    if facts.unit_reference:
        rows.append(("Unit's reference", facts.unit_reference))
    if facts.court_extended_date:
        rows.append(("Moratorium extended to", f"{facts.court_extended_date:%-d %B %Y}"))
    return rows


def checks(case: Case) -> list[Check]:
    """Return what should be in order before a report is submitted. Uses the people already fetched for the page."""
    facts, parties = case.suspicion_report, list(case.parties.all())
    return [
        Check(
            label="Narrative written",
            is_clear=facts.narrative is not None,
            detail="" if facts.narrative is not None else "Nothing can be submitted without it",
        ),
        Check(
            label="People named",
            is_clear=bool(parties),
            detail=str(len(parties)) if parties else "The unit is told that the subject is unknown",
        ),
        Check(label="Nobody outside is told", is_clear=True, detail="No letter and no notice is ever sent"),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}


def needs(cases: Mapping[int, UUID]) -> frozenset[int]:
    """Return from which of these cases an open report came: what it rests on is not disposed of (POCA 2002 s.342). One
    query."""
    rows = SuspicionReport.objects.filter(case__is_closed=False)
    return quietholds.named(cases, rows.values_list("about_token", flat=True))
