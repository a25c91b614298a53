"""What the case page and the audit report say about a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cases.credit import codes
from cases.credit.models import CheckDecision, Search
from cases.kernel import calendars, money, retention
from cases.kernel.casetypes import Check as Line
from cases.kernel.casetypes import Table
from cases.kernel.models import Case

__all__ = ["REFERRED_FOR", "amount", "checks", "context", "facts_view", "tables", "topic", "topic_label"]

_OCCASIONS, _CHANNELS, _BASES = dict(codes.OCCASIONS), dict(codes.CHANNELS), dict(codes.BASES)
_OUTCOMES, _LEVELS, _SEARCHES = dict(codes.OUTCOMES), dict(codes.LEVELS), dict(codes.SEARCHES)
_REASONS, _TRIGGERS = dict(codes.REASONS), dict(codes.TRIGGERS)
REFERRED_FOR = "Referred because"
# The notice, of whoever became no customer: "it's in our legitimate interests to help prevent or detect fraud" (R55).
_INTEREST = "It shows how the decision was taken, and helps to prevent and detect fraud"
_SEEN_BY = {
    "others": "Others see it",
    "perhaps_others": "Others may see it",
    "person": "Only the person sees it",
    "nobody": "None",
}
_STATES = {
    "asked": "Asked",
    "answered": "Answered",
    "refused": "Refused by the agency",
    "unreadable": "The answer could not be read",
}


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("occasion") or "new")


def topic_label(code: str) -> str:
    return f"Check: {_OCCASIONS.get(code, code).lower()}"


def _named(product: str) -> str:
    """Return a product as the order system calls it: a code as words, a name as it is written."""
    is_code = product.replace("_", "").isalpha() and product.islower()
    return product.replace("_", " ").capitalize() if is_code else product


def amount(facts: Mapping[str, Any]) -> int | None:
    return int(facts.get("handset_pence") or 0) or None


def basis_of(case: Case) -> str:
    """Return the ground on which a check is made, as whoever asked for it said."""
    return str(case.check_facts.basis)


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact."""
    facts = case.check_facts
    rows = [
        ("Application", facts.application_id),
        ("Occasion", _OCCASIONS.get(facts.occasion, facts.occasion)),
        ("Channel", _CHANNELS.get(facts.channel, facts.channel)),
        ("Product", _named(facts.product)),
        ("Each month", money.pounds(facts.monthly_pence)),
        ("Legal basis", _BASES.get(facts.basis, facts.basis)),
        ("Notice shown (N1)", f"{facts.notice_version}, {_moment(facts.notice_shown_at)}"),
    ]
    if facts.handset_pence:
        rows.insert(5, ("Handset", money.pounds(facts.handset_pence)))
    if facts.referred_for:
        rows.append((REFERRED_FOR, "; ".join(_REASONS.get(code, code) for code in facts.referred_for)))
    if facts.associate_use:
        is_used = facts.associate_use == "used"
        rows.append(("Financially linked person", "Asked about too" if is_used else "Not used: no link allows it"))
    if case.is_closed:
        rows.append(("Kept as", f"{retention.name_of(case.retention_class)}. {_why_kept(case.retention_class)}"))
    return rows


def _why_kept(code: str) -> str:
    """Return on which rule, and in whose interest, a result is kept: that of somebody who became no customer too."""
    rule = retention.CLASSES.get(code)
    return f"{rule.source}. {_INTEREST}" if rule else _INTEREST


def _moment(at: Any) -> str:
    """Return a moment that no table breaks into lines."""
    return f"{at.astimezone(calendars.LONDON):%-d\N{NO-BREAK SPACE}%b\N{NO-BREAK SPACE}%Y\N{NO-BREAK SPACE}%H:%M}"


def tables(case: Case) -> Sequence[Table]:
    """Return the decisions and the footprints. Two queries."""
    decisions = tuple(
        (
            str(row.number),
            _moment(row.decided_at),
            _OUTCOMES.get(row.outcome, row.outcome),
            _LEVELS.get(row.automated_level, row.automated_level),
            "; ".join([*(_REASONS.get(code, code) for code in row.reasons), *row.trigger_words]),
            codes.said_by(row.reasons),
            row.ruleset,
        )
        for row in CheckDecision.objects.filter(case=case).order_by("number")
    )
    footprints = tuple(
        (
            row.agency.display_name,
            _SEARCHES.get(row.search_type, row.search_type),
            _SEEN_BY[row.seen_by],
            _moment(row.asked_at),
            _STATES.get(row.state, row.state),
            row.footprint,
        )
        for row in Search.objects.filter(case=case).select_related("agency").order_by("pk")
    )
    return (
        Table(
            title="Decisions",
            columns=("No.", "Decided", "Decision", "How", "Reasons", "On whose word", "Rules"),
            rows=decisions,
            empty="Nothing is decided yet.",
        ),
        Table(
            title="Searches and footprints",
            columns=("Agency", "Search", "Footprint", "Asked", "State", "Agency's reference"),
            rows=footprints,
            empty="No agency was asked.",
        ),
    )


def checks(case: Case) -> list[Line]:
    """Return how the check stands. Uses what the page has fetched already."""
    facts = case.check_facts
    return [Line(label="The notice was shown first", is_clear=bool(facts.notice_version), detail=facts.notice_version)]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
