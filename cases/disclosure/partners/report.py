"""What the case page and the audit report say about a partner's query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.disclosure.partners import codes
from cases.kernel.casetypes import Check
from cases.kernel.models import Case

__all__ = ["amount", "checks", "context", "facts_view", "topic", "topic_label"]

_QUESTIONS, _OCCASIONS, _ANSWERS = dict(codes.QUESTIONS), dict(codes.OCCASIONS), dict(codes.ANSWERS)
_REFUSALS, _FEEDBACK = dict(codes.REFUSALS), dict(codes.FEEDBACK)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("question") or "sim_swap")


def topic_label(code: str) -> str:
    return _QUESTIONS.get(code, code)


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y %H:%M} UTC" if at else ""


def _claim(is_authenticated: bool | None) -> str:
    return {True: "The partner says so", False: "The partner says not"}.get(is_authenticated, "Not said")  # type: ignore[arg-type]  # -- None is not among the keys


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. Two queries, for the partner and its agreement."""
    facts = case.partner_query
    rows = [
        ("Partner", facts.partner.display_name),
        ("Asked", _QUESTIONS.get(facts.question, facts.question)),
        ("Asked at", _moment(case.opened_at)),
        ("On the occasion of", _OCCASIONS.get(facts.occasion, "Not said")),
        ("Customer authenticated", _claim(facts.is_authenticated)),
        ("Agreement", facts.agreement.reference if facts.agreement else "None"),
    ]
    if facts.processor:
        how = "proved by its own key" if facts.has_own_key else "as the partner says"
        rows.append(("Asked for it by", f"{facts.processor}, {how}"))
    if facts.max_age_hours:
        rows.append(("Hours asked about", str(facts.max_age_hours)))
    if facts.refusal_code:
        return [*rows, ("Refused because", _REFUSALS.get(facts.refusal_code, facts.refusal_code))]
    rows.append(("Told", _ANSWERS.get(facts.answer, "Nothing yet")))
    rows.append(("Why", _why(case)))
    if facts.feedback:
        said = f"{_FEEDBACK.get(facts.feedback, facts.feedback)}, {_moment(facts.fed_back_at)}"
        rows.append(("What came of it", said))
    return rows


def _why(case: Case) -> str:
    """Explain the answer in a sentence, from what was known when it was given."""
    facts = case.partner_query
    if not facts.answer:
        return ""
    if facts.question == codes.RECORD:
        return "The details were compared with the people who hold an account with this number; nothing was opened."
    if facts.latest_change_at is None:
        return "No change of the SIM of this number was on record."
    hours = int((case.opened_at - facts.latest_change_at).total_seconds() // 3600)
    return f"The last change on record was on {_moment(facts.latest_change_at)}, {hours} h before the question."


def checks(case: Case) -> list[Check]:
    """Return how the query stands. Uses what the page has fetched already."""
    facts = case.partner_query
    return [
        Check(
            label="The agreement let it be answered",
            is_clear=not facts.refusal_code,
            detail=_REFUSALS.get(facts.refusal_code, ""),
        ),
        Check(label="Neither an address nor a place was told", is_clear=True, detail="An answer is one field"),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
