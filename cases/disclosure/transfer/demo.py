"""Invented transfers abroad for a demonstration, made by the verbs that staff and the data protection officer use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.disclosure.transfer import codes
from cases.kernel import calendars, edits, intake, transitions
from cases.kernel.actors import Actor

__all__ = ["Cast", "tell"]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration."""

    proposer: Actor
    protection: Actor


def tell(cast: Cast, *, now: datetime, scan: Callable[[datetime], None]) -> int:
    """Propose each transfer with its assessment and let it be decided; `scan` judges what waits. Returns how many."""
    review_date = calendars.london_date(now + timedelta(days=365))
    approval = {"mechanism": "idta", "assessment": "TRA-2026-07", "is_not_lower": True, "review_date": review_date}
    stories: tuple[tuple[dict[str, Any], str, str, dict[str, Any]], ...] = (
        (
            {"recipient": "sandbox-recoveries", "country": "IN", "why": "A call centre in Pune would ring customers."},
            *("approve", ""),
            approval | {"document": 1},
        ),
        (
            {"recipient": "sandbox-tv", "country": "US", "why": "A data centre in Ohio would hold viewing data."},
            *("refuse", "The same service is to be had in the United Kingdom."),
            {},
        ),
    )
    for days, (facts, name, reason, inputs) in enumerate(stories, start=4):
        at = now - timedelta(days=days)
        case = intake.open_case("transfer", actor=cast.proposer, at=at, facts=facts)
        edits.attach(
            case.pk,
            kind=codes.ASSESSMENT,
            file_name="assessment.txt",
            media_type="text/plain",
            data=f"Transfer risk assessment: {facts['why']}".encode(),
            actor=cast.proposer,
            at=at,
        )
        scan(at)
        moment = at + timedelta(days=1)
        transitions.apply(case.pk, name, actor=cast.protection, at=moment, reason=reason, inputs=inputs)
    return len(stories)
