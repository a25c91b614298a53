"""Invented suspicion reports for a demonstration: one at each stage, made by the verbs that staff and the unit use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cases.fraud.suspicion import codes
from cases.kernel import edits, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.kernel.restricted import breakglass, referrals

__all__ = ["Cast", "open_in_an_emergency", "tell"]

_STORIES = (
    ("Refund asked for to the account of somebody who is no customer.", "NM-5512C", codes.DEFENCE_MONEY),
    ("Eleven handsets on three days, each paid by another card.", "NM-6120", codes.INFORMATION),
    ("Caller wants the credit of a dead customer paid out to a new account.", "NM-7304", codes.DEFENCE_MONEY),
    ("Top-ups of one line from nine cards, then a claim for the balance.", "NM-8841R", codes.DEFENCE_MONEY),
    ("A colleague in the shop heard the customer being told what to say.", "NM-2207", codes.INFORMATION),
    ("Same delivery address as two cases that were filed in spring.", "NM-3390", codes.INFORMATION),
)
_MOVES: tuple[tuple[str, ...], ...] = (
    ("write", "submit", "acknowledge", "consent"),
    ("write", "submit", "acknowledge"),
    ("write", "submit", "acknowledge"),
    ("write", "submit", "acknowledge", "refuse"),
    ("dismiss",),
    (),
)
_REASONS = {"dismiss": "The customer's brother explained it, and his papers bear it out."}
_EMERGENCY = "Customer at the counter in Leeds; the shop says a courier is about to hand the telephone over."


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration, and how the unit answers there."""

    officer: Actor
    deputy: Actor
    colleague: Actor
    unit: Actor
    protection: Actor


def tell(cast: Cast, parents: list[Case], *, now: datetime) -> int:
    """Refer a few of the cases and take each report as far as its story goes. Returns how many."""
    for number, (parent, story, moves) in enumerate(zip(parents, _STORIES, _MOVES, strict=False)):
        at = now - timedelta(days=12 - 2 * number, hours=3)
        text, account, reason_code = story
        facts = {"referral": text, "account_reference": account, "once": uuid4()}
        referrals.refer("suspicion_report", facts, about=parent, actor=cast.colleague, at=at)
        case = Case.objects.filter(kind="suspicion_report").latest("pk")
        for step, move in enumerate(moves, start=1):
            _make(cast, case, move, at=min(at + timedelta(hours=2 * step), now), reason_code=reason_code, text=text)
    return min(len(parents), len(_STORIES))


def _make(cast: Cast, case: Case, move: str, *, at: datetime, reason_code: str, text: str) -> None:
    if move == "write":
        with edits.change(case.pk, actor=cast.officer, at=at) as edit:
            edit.facts(
                reason_code=reason_code,
                glossary_codes=["refund_abuse"],
                narrative=f"{text} Who asked: UNKNOWN. When: this month. Why: it fits no use of a telephone.",
            )
        return
    by_the_unit = {"acknowledge", "consent", "refuse"}
    actor = cast.unit if move in by_the_unit else cast.deputy if reason_code == codes.INFORMATION else cast.officer
    inputs: dict[str, Any] = {"agency_reference": f"FIU-{at.year}-{900 + case.pk:07d}"} if move in by_the_unit else {}
    transitions.apply(case.pk, move, actor=actor, at=at, reason=_REASONS.get(move, ""), inputs=inputs)


def open_in_an_emergency(cast: Cast, people: tuple[Actor, Actor], cases: tuple[Case, Case], *, now: datetime) -> None:
    """Let two people break the glass: one long reviewed, one waiting for its review."""
    (first, second), (one, other) = people, cases
    reviewed = breakglass.break_glass(one.reference, reason=_EMERGENCY, actor=first, at=now - timedelta(days=6))
    breakglass.review(
        reviewed.alert_reference,
        "justified",
        finding="The courier was stopped in time; the fraud desk had gone home.",
        actor=cast.protection,
        at=now - timedelta(days=5),
    )
    breakglass.break_glass(other.reference, reason=_EMERGENCY, actor=second, at=now - timedelta(hours=5))
