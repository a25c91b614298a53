"""Invented requests about rights for a demonstration, made by the verbs that the rights desk and systems use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.kernel import edits, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.finding import matching
from cases.kernel.models import Case
from cases.rights import codes

__all__ = ["Cast", "tell"]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration, and how what was sent arrives and a company of the group answers."""

    messaging: Actor
    officer: Actor
    machine: Actor
    deliver: Callable[[Case, datetime], None]
    stopped: Callable[[Case, datetime], None]


@dataclass(frozen=True, kw_only=True)
class Story:
    """One matter: its kind, how many hours ago it came, from whom, what they ask, and how far it has got."""

    kind: str
    hours_ago: int
    forename: str
    surname: str
    phone: str
    facts: dict[str, Any]
    moves: tuple[str, ...]
    shown: bytes = b""


_STORIES = (
    Story(
        kind="rights_request",
        hours_ago=140,
        forename="Leocadia",
        surname="Brathwaite",
        phone="+447700900611",
        facts={"right": "access", "came_by": "letter", "wording": "Please send me everything you hold about me."},
        moves=("ask_identity", "confirm_identity"),
    ),
    Story(
        kind="rights_request",
        hours_ago=330,
        forename="Thaddeus",
        surname="Lanyon",
        phone="+447700900612",
        facts={
            "right": "object_li",
            "came_by": "email",
            "wording": "I object to your looking at my calls to guess what I might buy.",
        },
        moves=("act", "confirm"),
        shown=b"Call records are out of the profiles since today.",
    ),
    Story(
        kind="rights_request",
        hours_ago=20,
        forename="Bartholomew",
        surname="Quince",
        phone="+447700900654",
        facts={"right": "stop_marketing", "came_by": "text_message", "wording": "STOP"},
        moves=("act", "propagate", "stopped"),
    ),
    Story(
        kind="dp_complaint",
        hours_ago=50,
        forename="Bartholomew",
        surname="Quince",
        phone="+447700900654",
        facts={"about": "marketing", "came_by": "web_form", "complaint": "An advertisement followed me."},
        moves=("acknowledge",),
    ),
)
_BY_MACHINE = frozenset({"propagate", "confirm"})
_DONE = "We looked at it anew. Call records are no longer used to guess what you might buy."
_INPUTS: dict[str, dict[str, Any]] = {
    "confirm_identity": {"how": "known_address"},
    "act": {"outcome": "done", "answer": _DONE},
}


def tell(cast: Cast, *, now: datetime) -> int:
    """Take each matter in and as far as its story goes. Returns how many."""
    for story in _STORIES:
        _tell(cast, story, now=now)
    return len(_STORIES)


def _tell(cast: Cast, story: Story, *, now: datetime) -> None:
    at = now - timedelta(hours=story.hours_ago)
    is_text = story.facts["came_by"] == "text_message"
    person = {
        "role": "person",
        "is_innocent": True,
        "values": {"forename": story.forename, "surname": story.surname, "phone": story.phone},
        "addresses": [{"kind": "current", "line_1": "3 Wren Close", "town": "Cardiff", "postcode": "CF10 0ZZ"}],
    }
    opener = cast.messaging if is_text else cast.officer
    case = intake.open_case(story.kind, actor=opener, at=at, facts={**story.facts, "received_at": at}, people=[person])
    matching.compare_due(now=at)
    if story.shown:
        edits.attach(
            case.pk,
            kind=codes.CORRECTION,
            file_name="profiles.txt",
            media_type="text/plain",
            data=story.shown,
            actor=cast.officer,
            at=at,
        )
    for number, move in enumerate(story.moves, start=1):
        moment = at + timedelta(hours=3 * number)
        if move == "stopped":
            cast.deliver(case, moment)
            cast.stopped(case, moment)
            continue
        is_by_machine = move in _BY_MACHINE or is_text
        actor = cast.machine if is_by_machine else cast.officer
        transitions.apply(case.pk, move, actor=actor, at=moment, inputs=_INPUTS.get(move, {}))
