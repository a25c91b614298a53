"""Invented traces of calls for a demonstration, made by the verbs that staff and providers use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.kernel import intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case

__all__ = ["Cast", "tell"]

PROVIDER, POLICE = "sandbox-transit", "sandbox-constabulary"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration, and how what was sent arrives and a provider answers."""

    colleague: Actor
    analyst: Actor
    approver: Actor
    deliver: Callable[[Case, datetime], None]
    say: Callable[[Case, Mapping[str, Any], datetime], None]


@dataclass(frozen=True, kw_only=True)
class Story:
    """One complaint: how many days ago, whose line, which calls, and how far the trace has got."""

    days_ago: int
    forename: str
    surname: str
    line: str
    calls: str
    call_count: int
    harm: str
    police_reference: str
    moves: tuple[str, ...]


_STORIES = (
    Story(
        days_ago=1,
        forename="Perpetua",
        surname="Lanyon",
        line="+441632960118",
        calls="Six calls from a withheld number on the evening before, between 19:00 and 22:00 GMT. Nobody speaks.",
        call_count=6,
        harm="She lives alone and has stopped answering the telephone.",
        police_reference="",
        moves=(),
    ),
    Story(
        days_ago=4,
        forename="Wilhelmina",
        surname="Strake",
        line="+441632960111",
        calls="14 calls from a withheld number over three days, all after 22:00 GMT.",
        call_count=14,
        harm="She does not sleep and is afraid.",
        police_reference="SBX-NC-9",
        moves=("accept", "start", "answer"),
    ),
    Story(
        days_ago=20,
        forename="Caradoc",
        surname="Whitcombe",
        line="+441632960125",
        calls="31 calls in one week, each of one ring, at the hours of the shop.",
        call_count=31,
        harm="Customers do not get through.",
        police_reference="SBX-NC-4",
        moves=("accept", "start", "answer", "pass"),
    ),
    Story(
        days_ago=9,
        forename="Ishbel",
        surname="Rosewarne",
        line="+441632960140",
        calls="Two calls on one afternoon about a survey.",
        call_count=2,
        harm="None that he could name.",
        police_reference="",
        moves=("decline",),
    ),
)
_INPUTS: dict[str, dict[str, Any]] = {
    "accept": {"is_expedient": True},
    "start": {"agency": PROVIDER},
    "decline": {},
    "pass": {"recipient": POLICE, "interest": "They investigate these calls under the reference of the case."},
}
_FOUND = {"result": "caller_found", "from": "+441632960222"}
_BY_ANALYST = frozenset({"start"})


def tell(cast: Cast, *, now: datetime) -> int:
    """Take each complaint in and as far as its story goes. Returns how many."""
    for story in _STORIES:
        _tell(cast, story, now=now)
    return len(_STORIES)


def _tell(cast: Cast, story: Story, *, now: datetime) -> None:
    at = now - timedelta(days=story.days_ago)
    facts = {
        "line": story.line,
        "calls": story.calls,
        "call_count": story.call_count,
        "harm": story.harm,
        "police_reference": story.police_reference,
    }
    person = {
        "role": "complainant",
        "is_innocent": True,
        "values": {"forename": story.forename, "surname": story.surname, "phone": story.line},
        "addresses": [{"kind": "current", "line_1": "8 Mill Street", "town": "Truro", "postcode": "TR1 0ZZ"}],
    }
    case = intake.open_case("trace", actor=cast.colleague, at=at, facts=facts, people=[person])
    for number, move in enumerate(story.moves, start=1):
        moment = at + timedelta(hours=4 * number)
        if move == "answer":
            cast.say(case, _FOUND, moment)
            continue
        actor = cast.analyst if move in _BY_ANALYST else cast.approver
        reason = "Two calls are no pattern, and no harm is named." if move == "decline" else ""
        transitions.apply(case.pk, move, actor=actor, at=moment, reason=reason, inputs=_INPUTS[move])
        cast.deliver(case, moment)
