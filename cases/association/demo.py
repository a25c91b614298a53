"""Invented links for a demonstration, made by the verbs that staff and agencies use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.kernel import edits, intake, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.models import Case

__all__ = ["Cast", "tell"]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration. `confirmer` confirms links, so that the reviewer may decide what is said against
    one. `deliver` lets what waits arrive at the agencies; `say` lets one of them call back about what it was
    sent last: case, agency, type, reference, time. `scan` has what waits looked at for viruses."""

    officer: Actor
    reviewer: Actor
    confirmer: Actor
    rights: Actor
    scan: Callable[[datetime], None]
    deliver: Callable[[Case, datetime], None]
    say: Callable[[Case, str, str, str, datetime], None]


@dataclass(frozen=True, kw_only=True)
class Story:
    """One link: how many days ago it was declared, by whom with whom, on which basis, and how far it has got."""

    days_ago: int
    declarer: tuple[str, str, str]
    other: tuple[str, str, str]
    basis: str
    moves: tuple[str, ...]


_STORIES = (
    Story(
        days_ago=1,
        declarer=("Leocadia", "Brathwaite", "1979-02-11"),
        other=("Ottilie", "Snape", "1981-06-30"),
        basis="declared_marriage_cp",
        moves=(),
    ),
    Story(
        days_ago=30,
        declarer=("Tobias", "Winterbourne", "1970-09-03"),
        other=("Ines", "Calloway", "1972-01-19"),
        basis="joint_account",
        moves=("confirm", "recorded"),
    ),
    Story(
        days_ago=12,
        declarer=("Hamish", "Ferrier", "1988-04-22"),
        other=("Rosalind", "Okeke", "1990-12-08"),
        basis="declared_other",
        moves=("confirm", "recorded", "challenge"),
    ),
    Story(
        days_ago=10,
        declarer=("Bronwen", "Pritchard", "1965-05-05"),
        other=("Alun", "Pritchard", "1963-10-17"),
        basis="joint_application",
        moves=("confirm", "recorded", "request_break"),
    ),
    Story(
        days_ago=60,
        declarer=("Farida", "Lindgren", "1984-03-27"),
        other=("Soren", "Lindgren", "1983-08-14"),
        basis="joint_account",
        moves=("confirm", "recorded", "request_break", "signpost", "one_broken"),
    ),
    Story(
        days_ago=25,
        declarer=("Quentin", "Ashdown", "1995-11-02"),
        other=("Maeve", "Tolliver", "1996-07-21"),
        basis="declared_other",
        moves=("reject",),
    ),
)
_BUREAUS = ("sandbox-bureau-a", "sandbox-bureau-b", "sandbox-bureau-c")
_INPUTS: dict[str, dict[str, Any]] = {
    "challenge": {"how": "phone", "words": "I shared a flat with him once. I never agreed to anything."},
    "request_break": {"asked_by": "other_person", "identity_check": "security_questions", "how": "phone"},
    "signpost": {"exposure": "none"},
}


def tell(cast: Cast, *, now: datetime) -> int:
    """Declare the links and take each as far as its story goes. Returns how many."""
    for number, story in enumerate(_STORIES, start=1):
        _tell(cast, story, number, now=now)
    return len(_STORIES)


def _tell(cast: Cast, story: Story, number: int, *, now: datetime) -> None:
    at = now - timedelta(days=story.days_ago, hours=3)
    people = [
        _person("declarer", story.declarer, number, "Lantern Court"),
        _person("other_person", story.other, number, "Ferry Steps"),
    ]
    facts = {
        "basis": story.basis,
        "channel": "phone",
        "has_agreement": True,
        "agreement_kind": "declared_only" if story.moves == ("reject",) else "recorded_call",
        "may_write_to_other": story.basis == "joint_account",
        "declaration": "We share our household's money.",
    }
    case = intake.open_case("association", actor=cast.officer, at=at, facts=facts, people=people)
    edits.attach(
        case.pk,
        kind="agreement",
        file_name="agreement.txt",
        media_type="text/plain",
        data=b"Note of the call in which the other person agreed.",
        actor=cast.officer,
        at=at + timedelta(minutes=9),
    )
    cast.scan(at + timedelta(minutes=10))
    for step, move in enumerate(story.moves, start=1):
        _make(cast, case, move, number, at=at + timedelta(hours=step))


def _person(role: str, who: tuple[str, str, str], number: int, street: str) -> dict[str, Any]:
    forename, surname, born = who
    home = {"kind": "current", "line_1": f"{number} {street}", "town": "Leeds", "postcode": f"LS{number} 0ZZ"}
    values = {"forename": forename, "surname": surname, "date_of_birth": born, "phone": f"+4477009007{number:02}"}
    if role == "other_person":
        values["phone"] = f"+4477009008{number:02}"
    return {"role": role, "is_innocent": False, "values": values, "addresses": [home]}


def _make(cast: Cast, case: Case, move: str, number: int, *, at: datetime) -> None:
    if move == "recorded":
        cast.deliver(case, at)
        for bureau in _BUREAUS:
            cast.say(case, bureau, "association.recorded", f"FA-{at.year}-{bureau[-1]}{number:04}", at)
    elif move == "one_broken":
        cast.say(case, _BUREAUS[0], "association.broken", f"FA-{at.year}-a{number:04}", at)
    else:
        by = {"confirm": cast.confirmer, "reject": cast.reviewer, "challenge": cast.rights}.get(move, cast.officer)
        reason = "Nothing shows that the other person agrees." if move == "reject" else ""
        transitions.apply(case.pk, move, actor=by, at=at, reason=reason, inputs=_INPUTS.get(move, {}))
        for waiting in case.approvals.filter(closed_at=None, mode="before"):
            verdicts.decide(waiting.uid, "agreed", actor=cast.reviewer, at=at + timedelta(minutes=20))
