"""What the case page and the audit report say about a transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.disclosure.transfer import codes
from cases.disclosure.transfer.models import Transfer
from cases.kernel.casetypes import Check
from cases.kernel.countries import name_of
from cases.kernel.models import Agency, Case

__all__ = ["abroad", "amount", "checks", "context", "facts_view", "topic", "topic_label"]

_MECHANISMS = dict(codes.MECHANISMS)
_NOW = {
    "proposed": "Nothing that needs an agreement goes to the recipient until it is decided, also at home",
    "approved": "Messages go through until the review date",
    "refused": "Refused: nothing may go there",
    "withdrawn": "Taken back by whoever proposed it: it decides nothing",
    "ended": "The recipient has nothing of ours there any more",
    "lapsed": "Nothing is sent: the review date passed",
}


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("country") or "").upper()


def topic_label(code: str) -> str:
    return f"Transfer to {name_of(code)}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. One query, for the recipient's name."""
    row = case.transfer
    name = Agency.objects.filter(code=row.recipient).values_list("display_name", flat=True).first()
    return [
        ("Recipient", name or row.recipient),
        ("Country", f"{name_of(row.country)} ({row.country})"),
        ("Now", _NOW.get(case.state, "This case decides nothing any more")),
        ("Mechanism", _MECHANISMS.get(row.mechanism, "Not decided yet")),
        ("On the list as" if row.mechanism == codes.BRIDGE else "Transfer risk assessment", _assessment(row) or "None"),
        ("Review date", f"{row.review_date:%-d %B %Y}" if row.review_date else "None yet"),
    ]


def _assessment(row: Transfer) -> str:
    return f"{row.assessment}, SHA-256 {row.assessment_sha256}" if row.assessment_sha256 else row.assessment


def checks(case: Case) -> list[Check]:
    """Return how the transfer stands. No query beside the facts'."""
    row = case.transfer
    is_tested = bool(row.mechanism) and (row.is_not_lower or row.mechanism not in codes.NEEDS_ASSESSMENT)
    return [
        Check(label="Mechanism chosen", is_clear=bool(row.mechanism)),
        Check(label="Protection not materially lower", is_clear=is_tested),
        Check(label="Review date set", is_clear=row.review_date is not None),
    ]


def abroad(hidden_kinds: frozenset[str]) -> list[tuple[str, str]]:
    """Return what the record of processing says of transfers that are approved: the kind of recipient, and who has data
    where under which safeguard (UK GDPR Art 30(1)(e)). Two queries."""
    rows = Transfer.objects.filter(case__state="approved").order_by("recipient", "country")
    known = Agency.objects.filter(code__in=[row.recipient for row in rows]).exclude(kind__in=hidden_kinds)
    agencies = {each.code: each for each in known}
    return [
        (agencies[row.recipient].kind, f"{agencies[row.recipient].display_name}, {name_of(row.country)}: {_on(row)}")
        for row in rows
        if row.recipient in agencies
    ]


def _on(row: Transfer) -> str:
    what = "on the list as" if row.mechanism == codes.BRIDGE else "assessment"
    assessed = f", {what} {row.assessment}" if row.assessment else ""
    until = f", until {row.review_date:%-d %B %Y}" if row.review_date else ""
    return f"{_MECHANISMS.get(row.mechanism, row.mechanism)}{assessed}{until}"


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
