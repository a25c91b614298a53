"""Invented disclosure requests for a demonstration, made by the verbs that the unit and the authority use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.disclosure import checking, codes, package
from cases.disclosure.periods import noon
from cases.kernel import calendars, edits, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.kernel.office import proposals
from cases.ledger import sealing

__all__ = ["Cast", "tell"]

AUTHORITY = "sandbox-constabulary"
DESKS: tuple[dict[str, Any], ...] = (
    {"code": "spoc", "desk": "Single point of contact", "accreditation": "SPoC 4417", "phone": "+441632960010"},
    {"code": "spoc-night", "desk": "Single point of contact, nights", "accreditation": "", "phone": "+441632960011"},
)
_MOVES: dict[str, dict[str, Any]] = {
    "validate": {"is_ours": True},
    "clarify": {"question": "The request gives no offset. Is the period in UTC?"},
    "refuse_items": {},
    "refuse": {"reason_code": "no_data_held"},
    "cancel": {"notice": "E-mail of the single point of contact"},
    "extract": {},
    "submit": {"checked": [code for code, _ in codes.CHECKLIST]},
    "release": {"compared": [code for code, _ in codes.COMPARED]},
    "return": {"fault": "excess_data", "difference": "The sheet says how the subscriber pays. Nobody asked for it."},
    "confirm_receipt": {"how": "By telephone, SPoC 4417"},
}
_BY_APPROVER = frozenset({"release", "return"})
_TEXTS = {
    "necessity": "Shows who was in touch with the complainant.",
    "proportionality": "Two weeks of one number; nothing less would answer.",
    "collateral": "Whoever was called appears by number alone.",
}


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration."""

    officer: Actor
    approver: Actor


@dataclass(frozen=True, kw_only=True)
class Story:
    """One request: how many hours ago it came in, what it asks for, and how far it has got."""

    hours_ago: int
    phone: str
    facts: dict[str, Any]
    moves: tuple[str, ...]


_CRIME = {"gateway": "ipa_60a", "purpose": "crime_applicable", "is_serious_crime": True}
_STORIES = (
    Story(
        hours_ago=98,
        phone="+447700900789",
        facts={**_CRIME, "items": ["subscriber_name", "outgoing_calls"], "authoriser": "Office of the Commissioner"},
        moves=("verify", "validate", "extract"),
    ),
    Story(
        hours_ago=122,
        phone="+447700900233",
        facts={**_CRIME, "items": ["subscriber_name", "outgoing_calls"], "authoriser": "Office of the Commissioner"},
        moves=("verify", "validate", "extract", "submit"),
    ),
    Story(
        hours_ago=240,
        phone="+447700900644",
        facts={**_CRIME, "items": ["subscriber_name", "outgoing_calls"]},
        moves=("verify", "validate", "extract", "submit", "return", "submit", "release", "confirm_receipt"),
    ),
    Story(
        hours_ago=1,
        phone="+447700900321",
        facts={
            "grade": 2,
            "request_type": "cd_urgent",
            "gateway": "ipa_61a",
            "purpose": "prevent_death_injury",
            "items": ["subscriber_name", "cell_site"],
            "is_person_at_risk": True,
            "particulars": "A walker has not come back since yesterday.",
        },
        moves=(),
    ),
    Story(
        hours_ago=30,
        phone="+447700900455",
        facts={**_CRIME, "items": ["incoming_calls"]},
        moves=("verify", "clarify"),
    ),
    Story(
        hours_ago=52,
        phone="+447700900610",
        facts={
            "request_type": "data_protection_request",
            "gateway": "annex1_p5",
            "items": ["subscriber_name", "cctv"],
            "particulars": "Shop in Leeds, between 14:00 and 14:20.",
        },
        moves=("verify", "refuse_items"),
    ),
    Story(
        hours_ago=26,
        phone="+447700900702",
        facts={**_CRIME, "items": ["subscriber_name", "sms_text"]},
        moves=("verify",),
    ),
    Story(
        hours_ago=190,
        phone="+447700900118",
        facts={**_CRIME, "items": ["top_ups"]},
        moves=("verify", "refuse"),
    ),
    Story(hours_ago=75, phone="+447700900940", facts={**_CRIME, "items": ["handset_imei"]}, moves=("verify", "cancel")),
)


def tell(cast: Cast, *, now: datetime) -> int:
    """Enter the authority's desks, take the requests in and each as far as its story goes. Returns how many."""
    for desk in DESKS:
        payload = {"agency": AUTHORITY, "kind": "police", "method": "call_back", "is_active": True, **desk}
        at = now - timedelta(days=20)
        row = proposals.propose("authority_contact", payload, actor=cast.officer, at=at, reason="National list.")
        proposals.decide(row.uid, "agreed", actor=cast.approver, at=at + timedelta(hours=1), reason="Compared with it.")
    for number, story in enumerate(_STORIES, start=1):
        _tell(cast, story, number, now=now)
    return len(_STORIES)


def _tell(cast: Cast, story: Story, number: int, *, now: datetime) -> None:
    at = now - timedelta(hours=story.hours_ago)
    granted = calendars.london_date(at)
    facts = {
        "request_type": "cd_authorised",
        "came_by": "e_mail",
        "authority_code": AUTHORITY,
        "authority_kind": "police",
        "urn": f"SBX/{at.year}/{118_800 + number}",
        "granted_date": granted,
        "begins_at": noon(granted) - timedelta(days=14),
        "ends_at": noon(granted) - timedelta(days=1),
        "asked_by": "DC R. Hallworth",
        **story.facts,
    }
    people = [{"role": "target", "values": {"phone": story.phone}}]
    case = intake.open_case("le_disclosure", actor=cast.officer, at=at, facts=facts, people=people)
    edits.attach(
        case.pk,
        kind="authorisation",
        file_name="as-received.txt",
        media_type="text/plain",
        data=f"What the authority sent, number {number}.".encode(),
        actor=cast.officer,
        at=at,
    )
    call = {"contact": "spoc", "called_back_at": at, "spoken_to": "Duty officer, SPoC 4417"}
    for step, move in enumerate(story.moves, start=1):
        inputs = call if move == "verify" else _MOVES[move]
        moment = min(at + timedelta(minutes=20 * step), now)
        actor = cast.approver if move in _BY_APPROVER else cast.officer
        if move == "release":
            _open_each(case, actor, at=moment)
        transitions.apply(case.pk, move, actor=actor, at=moment, inputs=inputs)
        if move == "extract":
            _take_out(cast, case.pk, story, since=noon(granted) - timedelta(days=13), at=moment)


def _take_out(cast: Cast, case_id: int, story: Story, *, since: datetime, at: datetime) -> None:
    """Put a package together: reasons, who held the number, a sheet and a table."""
    by: dict[str, Any] = {"actor": cast.officer, "at": at}
    held_from = at - timedelta(days=900)
    package.add_holder(case_id, address=story.phone, subject="A", begins_at=held_from, ends_at=None, **by)
    for item in ("subscriber_name", "outgoing_calls"):
        package.set_ground(
            case_id, item, texts=_TEXTS, minimised=["only_items", "only_period"], is_nothing_held=False, **by
        )
    package.add_part(case_id, item="subscriber_name", data=b"Osian Marchbanks", media_type="text/plain", **by)
    times = [since + timedelta(hours=7 * number) for number in range(24)]
    calls = [
        f"outgoing_calls,{story.phone},{each:%Y-%m-%dT%H:%MZ},+447700900{number:03}"
        for number, each in enumerate(times)
    ]
    table = "\n".join(["item,address,at,to", *calls])
    package.add_part(case_id, item="outgoing_calls", data=table.encode(), media_type="text/csv", **by)


def _open_each(case: Case, actor: Actor, *, at: datetime) -> None:
    """Whoever releases has opened every file beside the request."""
    for part in package.parts_of(case):
        name = checking.PART.format(part.number)
        reader = sealing.Reader(actor=actor.label, verb="view", purpose="casework", streams=(case.uid,), fields=(name,))
        package.bytes_of(part, reader=reader, at=at)
