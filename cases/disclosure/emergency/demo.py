"""Invented emergencies for a demonstration, made by the verbs that the night desk uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.kernel import intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.office import proposals
from cases.kernel.oncall import alerts

__all__ = ["Cast", "tell"]

ROOM = "sandbox-999-control"
DESK: dict[str, Any] = {
    "agency": ROOM,
    "code": "night",
    "kind": "control_room",
    "desk": "Duty supervisor",
    "accreditation": "",
    "phone": "+441632960099",
    "method": "call_back",
    "is_active": True,
}


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration, and the https address of the pager of whoever is on call; empty where there is
    none."""

    operator: Actor
    officer: Actor
    approver: Actor
    administrator: Actor
    protection: Actor
    pager: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """One emergency: how many minutes ago it was asked, about whom, and how far it has got."""

    minutes_ago: int
    caller: str
    risk: str
    moves: tuple[str, ...]
    subscriber: str = ""
    address: str = ""


_STORIES = (
    Story(minutes_ago=6, caller="+447700900322", risk="life_now", moves=()),
    Story(
        minutes_ago=150,
        caller="+447700900321",
        risk="serious_injury",
        moves=("disclose", "write_up", "refuse_more"),
        subscriber="Osian Marchbanks",
        address="4 Breakwater Cottages, Northmoor NM4 0ZZ",
    ),
    Story(minutes_ago=2000, caller="+447700900455", risk="vulnerable_missing", moves=("refuse", "write_up", "check")),
)
_MOVES: dict[str, dict[str, Any]] = {
    "refuse": {"reason_code": "not_the_caller"},
    "write_up": {"account": "Call back on the directory's number; they repeated what was read."},
    "check": {},
    "refuse_more": {"reason_code": "more_than_needed"},
}
_REASONS = {
    "refuse": "Asked about a neighbour of the caller.",
    "refuse_more": "They asked where the caller had been on the days before.",
}
# Who is rung for the unit, in order.
_ROTA = (("First on call", "first.on.call@example.org"), ("Second on call", "second.on.call@example.org"))


def tell(cast: Cast, *, now: datetime) -> int:
    """Enter the control room's desk and who is on call, take the calls in and each as far as its story goes.

    Returns how many."""
    at = now - timedelta(days=20)
    row = proposals.propose("authority_contact", DESK, actor=cast.officer, at=at, reason="Directory of control rooms.")
    proposals.decide(row.uid, "agreed", actor=cast.approver, at=at + timedelta(hours=1), reason="Compared with it.")
    for position, (label, address) in enumerate(_ROTA, start=1):
        _put_on_call(cast, position, label, address, at=at)
    for number, story in enumerate(_STORIES, start=1):
        _tell(cast, story, number, now=now)
    return len(_STORIES)


def _put_on_call(cast: Cast, position: int, label: str, address: str, *, at: datetime) -> None:
    payload = {
        "team": "disclosure",
        "position": position,
        "label": label,
        "method": "https" if cast.pager else "e_mail",
        "address": cast.pager or address,
        "is_rung": True,
    }
    row = proposals.propose("on_call_route", payload, actor=cast.administrator, at=at, reason="The rota.")
    proposals.decide(row.uid, "agreed", actor=cast.protection, at=at + timedelta(hours=1), reason="As in the rota.")


def _tell(cast: Cast, story: Story, number: int, *, now: datetime) -> None:
    at = now - timedelta(minutes=story.minutes_ago)
    facts = {
        "control_room": ROOM,
        "risk": story.risk,
        "caller": story.caller,
        "call_ended_at": at - timedelta(minutes=7),
        "incident": f"SBX-{240 + number:04}",
        "operator": "Op 77",
    }
    people = [{"role": "caller", "is_innocent": True, "values": {"phone": story.caller}}]
    case = intake.open_case("emergency_disclosure", actor=cast.operator, at=at, facts=facts, people=people)
    given = {
        "contact": DESK["code"],
        "called_on": f"{DESK['phone']} ({DESK['desk']})",
        "is_called_back": True,
        "spoken_to": "Op 77",
        "subscriber": story.subscriber,
        "address": story.address,
        "position": "50.3720, -4.1420",
        "radius_m": 18,
        "location_source": "aml",
        "located_at": at - timedelta(minutes=7),
        "is_read_back": True,
    }
    for step, move in enumerate(story.moves, start=1):
        actor = cast.approver if move == "check" else cast.operator
        inputs = given if move == "disclose" else _MOVES[move]
        moment = at + timedelta(minutes=4 * step)
        transitions.apply(case.pk, move, actor=actor, at=moment, reason=_REASONS.get(move, ""), inputs=inputs)
        if move == "refuse_more":  # nobody answers in time, so one more is rung
            alerts.escalate(now=moment + alerts.ESCALATES_AFTER)
