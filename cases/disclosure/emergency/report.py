"""What the case page and the audit report say about an emergency disclosure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cases.disclosure.emergency import codes, periods
from cases.kernel.casetypes import Check
from cases.kernel.models import Agency, Case

__all__ = ["amount", "checks", "context", "facts_view", "topic", "topic_label"]

_RISKS, _SOURCES, _REFUSALS = dict(codes.RISKS), dict(codes.SOURCES), dict(codes.REFUSALS)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("risk") or "life_now")


def topic_label(code: str) -> str:
    text = _RISKS.get(code, code)
    return f"Emergency: {text[:1].lower()}{text[1:]}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y %H:%M:%S} UTC" if at else ""


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. One query, for the control room's name."""
    facts = case.emergency_disclosure
    name = Agency.objects.filter(code=facts.control_room).values_list("display_name", flat=True).first()
    rows = [
        ("Control room", name or facts.control_room),
        ("Risk", _RISKS.get(facts.risk, facts.risk)),
        ("Call began", _moment(facts.call_began_at) or "Not said"),
        ("Call ended", _moment(facts.call_ended_at) or "Still on the line when it was opened"),
        ("Asked", _moment(facts.requested_at)),
        ("Given", _moment(facts.given_at) or "Nothing"),
    ]
    if facts.is_from_sheet:
        rows.append(("Entered from a sheet", f"The times are the sheet's; it was typed {_moment(case.opened_at)}"))
    if facts.located_at:
        how = f"{_SOURCES.get(facts.location_source, '')}, {facts.radius_m} m, {_moment(facts.located_at)}"
        rows.append(("Position", how))
    if facts.refusal_code:
        rows.append(("Refused because", _REFUSALS.get(facts.refusal_code, facts.refusal_code)))
    return rows


def checks(case: Case) -> list[Check]:
    """Return how the emergency stands. Uses what the page has fetched already, and reads the rule of the hour."""
    facts = case.emergency_disclosure
    ends_at = periods.hour_ends_at(case)
    is_within = facts.given_at is None or facts.given_at <= ends_at
    typed = [
        Check(
            label="The times are a sheet's: compare them with it",
            is_clear=False,
            detail=f"Typed {_moment(case.opened_at)}",
        )
    ]
    return [
        *(typed if facts.is_from_sheet else ()),
        Check(
            label="Given within the hour after the call",
            is_clear=is_within,
            detail=f"The hour ends at {ends_at:%H:%M:%S} UTC",
        ),
        Check(
            label="Control room called back",
            is_clear=facts.called_back_at is not None or bool(facts.refusal_code),
            detail=_moment(facts.called_back_at),
        ),
        Check(label="Written up", is_clear=facts.written_up is not None),
        Check(label="The caller is told nothing", is_clear=True, detail="No letter and no notice is ever sent"),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
