"""When a query may be answered, refused, and told about afterwards."""

from __future__ import annotations

from typing import Any

from cases.disclosure.partners import codes, terms

__all__ = ["has_code", "is_allowed", "is_first_feedback", "is_ones_own", "is_within_rate", "knows_the_outcome"]

_REFUSALS, _FEEDBACK = dict(codes.REFUSALS), dict(codes.FEEDBACK)


def is_allowed(context: Any) -> str | None:
    """The agreement is in force and names the purpose and the field."""
    facts = context.case.partner_query
    code = terms.why_not(facts.agreement, facts.question, at=context.at, processor=facts.processor)
    return f"{_REFUSALS[code]}." if code else None


def is_within_rate(context: Any) -> str | None:
    return None if context.inputs.get("is_within_rate") is True else f"{_REFUSALS['rate_exceeded']}."


def has_code(context: Any) -> str | None:
    return None if context.inputs.get("reason_code") in _REFUSALS else "Say by which code it is refused."


def is_ones_own(context: Any) -> str | None:
    """Nobody but whoever asked hears of the query, or tells how it went on."""
    facts = context.case.partner_query
    asked = facts.processor if facts.has_own_key else facts.partner.code
    is_own = context.actor.agency_code == asked
    return None if is_own else "Another partner asked this."


def knows_the_outcome(context: Any) -> str | None:
    return None if context.inputs.get("outcome") in _FEEDBACK else "Say what came of it."


def is_first_feedback(context: Any) -> str | None:
    return "The partner said before what came of it." if context.case.partner_query.feedback else None
