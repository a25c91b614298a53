"""Invented checks for a demonstration, made by the verbs that the order system and the desks use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.kernel import intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case

__all__ = ["Cast", "tell"]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration. `answer` lets the agencies answer what a check asked them."""

    orders: Actor
    officer: Actor
    reviewer: Actor
    rights: Actor
    answer: Callable[[Case, datetime], None]


# Days ago, who applied, and what followed.
_STORIES: tuple[tuple[int, tuple[str, str, str], tuple[str, ...]], ...] = (
    (3, ("Idris", "Fenwick-Okafor", "1991-07-30"), ("contest",)),
    (9, ("Clementine", "Marlowe", "1986-02-17"), ()),
    (1, ("Rufus", "Hallworthy", "1994-12-05"), ()),
    (6, ("Agatha", "Thistlewood", "1979-08-21"), ("decline",)),
    (20, ("Idris", "Fenwick-Okafor", "1990-01-11"), ("contest", "overturn")),
    (0, ("Jory", "Penhaligon", "1988-05-09"), ()),
)
_NO = {
    "outcome": "decline",
    "reasons": ["affordability", "low_score"],
    "involvement": "Read the file; the commitments are more than the income that was shown.",
}
_WON = {
    "outcome": "overturned",
    "findings": "The passport was seen on video. The earlier applications were somebody else's.",
    "answer": "You are right, and we are sorry. We offer you the contract.",
}
_YES = {"outcome": "accept", "reasons": ["meets_criteria"], "involvement": "Left out what an impersonator had sent."}


def tell(cast: Cast, *, now: datetime) -> int:
    """Hand the applications in and take each as far as its story goes. Returns how many."""
    for number, (days_ago, who, moves) in enumerate(_STORIES, start=1):
        _tell(cast, number, who, moves, at=now - timedelta(days=days_ago, hours=2))
    return len(_STORIES)


def _person(role: str, who: tuple[str, str, str], number: int) -> dict[str, Any]:
    forename, surname, born = who
    home = {"kind": "current", "line_1": f"{number} Cobbler's Yard", "town": "Norwich", "postcode": "NR2 0ZZ"}
    values = {"forename": forename, "surname": surname, "date_of_birth": born, "phone": f"+4477009004{50 + number}"}
    return {"role": role, "is_innocent": True, "values": values, "addresses": [home]}


def _tell(cast: Cast, number: int, who: tuple[str, str, str], moves: tuple[str, ...], *, at: datetime) -> None:
    facts = {
        "application_id": f"ORD-{at.year}-{118200 + number}",
        "occasion": "new",
        "channel": "web",
        "product": "handset_contract",
        "monthly_pence": 4500,
        "notice_version": "2026-02",
    }
    check = intake.open_case("check", actor=cast.orders, at=at, facts=facts, people=[_person("applicant", who, number)])
    cast.answer(check, at + timedelta(minutes=1))
    if "decline" in moves:
        transitions.apply(check.pk, "decide", actor=cast.officer, at=at + timedelta(minutes=50), inputs=_NO)
    if "contest" not in moves:
        return
    said = {"check_reference": check.reference, "came_by": "web_form", "wording": "I am the victim."}
    at += timedelta(hours=1)
    person = _person("person", who, number)
    contest = intake.open_case("contest", actor=cast.rights, at=at, facts=said, people=[person])
    given = {"reviewer": str(cast.reviewer.user_id)}
    transitions.apply(contest.pk, "assign", actor=cast.rights, at=at, inputs=given)
    if "overturn" in moves:
        at += timedelta(minutes=30)
        transitions.apply(contest.pk, "decide", actor=cast.reviewer, at=at, reason="Seen on video.", inputs=_WON)
        transitions.apply(check.pk, "redecide", actor=cast.reviewer, at=at, inputs=_YES)
