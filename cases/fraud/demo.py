"""Invented referrals for a demonstration, walked along the lifecycle by the kernel's own verbs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cases.fraud import codes, police
from cases.kernel import edits, intake, transitions
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.models import Case

__all__ = ["PLAN", "Office", "tell"]

# How many cases end in each state, and by which moves they get there.
_TO_INVESTIGATION = ("take", "accept")
_TO_APPROVAL = (*_TO_INVESTIGATION, "attach", "submit")
_TO_AGENCY = (*_TO_APPROVAL, "approve", "deliver")
_FILED = (*_TO_AGENCY, "file")
PLAN: tuple[tuple[int, tuple[str, ...]], ...] = (
    (17, ()),
    (14, ("take",)),
    (24, (*_TO_INVESTIGATION, "attach", "note")),
    (8, (*_TO_APPROVAL, "return", "note")),
    (18, _TO_APPROVAL),
    (2, (*_TO_APPROVAL, "approve", "fail")),
    (10, _TO_AGENCY),
    (8, (*_TO_APPROVAL, "approve", "field_error")),
    (54, _FILED),
    (3, (*_FILED, "amend", "answer")),
    (4, (*_FILED, "dispute")),
    (2, (*_FILED, "dispute", "uphold")),
    (2, (*_FILED, "attach_all", "report_to_police", "answer", "dispute", "amend_disputed", "answer")),
    (3, (*_FILED, "remove", "deliver")),
    (4, (*_FILED, "dispute", "remove", "answer")),
    (8, (*_TO_APPROVAL, "approve", "field_error", "correct", "submit", "approve", "deliver", "file")),
    (18, (*_TO_INVESTIGATION, "note", "close_no_action")),
    (6, (*_TO_APPROVAL, "refuse")),
    (5, (*_TO_AGENCY, "file", "expire")),
)

_FORENAMES = (  # noqa: SIM905 -- names read as words
    "Morwenna Rhodri Tamsin Osian Wilhelmina Leocadia Ottilie Jago Perpetua Caradoc Ishbel Fergal Anwen Lowenna "
    "Thaddeus Zennor Idris Marigold Quentin Saoirse Balthazar Eirlys Hamish Nerys Cosmo Drusilla Ewan Freya "
).split()
_SURNAMES = (  # noqa: SIM905 -- names read as words
    "Tregaskis Achterberg Vellacott Marchbanks Strake Brathwaite Snape Quillfeather Penhaligon Oduya Farthingale "
    "Lanyon Blackthorne Rosewarne Adeyinka Whitcombe Castellane Trevanion Mulholland Pemberwick Kowalczyn Dunmore "
).split()
_STREETS = ("Harbour Row", "Fiction Way", "Lantern Hill", "Copper Lane", "Saltmarsh Road", "Wren Close", "Mill Street")
_TOWNS = (("Penzance", "TR18 0ZZ"), ("Leeds", "LS1 0ZZ"), ("Cardiff", "CF10 0ZZ"), ("Dundee", "DD1 0ZZ"))
_NOTES = (
    "Spoke to the shop: the till receipt matches the time of the swap.",
    "Courier confirms the parcel was refused at the door and is on its way back.",
    "Caller could not name the last direct debit. Asked for the recording.",
    "Customer sent a signed statement by post, expected on Thursday.",
)
_CHECKED = frozenset({"return", "refuse", "approve", "amend", "remove", "report_to_police"})
_REASONS = {
    "return": "Pillar 2: link the courier's log as well, and say who took the call.",
    "refuse": "The conduct fits no recognised case type; a billing dispute, not fraud.",
    "uphold": "The courier's log and the recording agree; the statement adds nothing new.",
    "close_no_action": "The account holder's daughter made the order with permission.",
}
_DOCUMENTS = (
    ("call_recording", "recording-transcript.txt", "Transcript of the call of the day in question."),
    ("device_log", "sim-swap-log.csv", "time,event\n21:02,swap requested\n21:06,swap completed\n"),
    ("signed_statement", "statement.txt", "I did not order this telephone."),
)


@dataclass(frozen=True, kw_only=True)
class Office:
    """Who acts in the demonstration, and how the outside world answers there."""

    analysts: tuple[Actor, ...]
    approvers: tuple[Actor, ...]
    own_system: Actor
    rights: Actor
    deliver: Callable[[Case, datetime], None]
    fail: Callable[[Case, datetime], None]
    field_error: Callable[[Case, datetime], None]
    file: Callable[[Case, datetime], None]
    answer: Callable[[Case, datetime], None]
    expire: Callable[[Case, datetime], None]


def tell(office: Office, moves: tuple[str, ...], *, chance: random.Random, now: datetime) -> Case:
    """Open one invented referral in the past and make its moves in order, none later than `now`."""
    clock = _first_moment(moves, chance=chance, now=now)
    needs_third = bool({"dispute", "remove"} & set(moves))  # of the two approvers one must have had no part
    maker = office.analysts[-1] if needs_third else chance.choice(office.analysts)
    checker = chance.choice([each for each in office.approvers if each != maker])
    has_victim = "file" not in moves or chance.random() < 0.6 or "expire" in moves or "dispute" in moves
    only_victim = "expire" in moves
    opener = office.own_system if chance.random() < 0.4 else maker
    case = intake.open_case(
        "fraud_referral",
        actor=opener,
        at=clock,
        facts=_facts(chance, clock.date(), only_victim=only_victim),
        people=_people(chance, has_victim=has_victim, only_victim=only_victim),
    )
    for move in moves:
        clock = now - timedelta(days=3) if move == "expire" else _later(clock, chance=chance, now=now)
        _make(office, case, move, maker=maker, checker=checker, at=clock, chance=chance)
        case.refresh_from_db()
    return case


def _first_moment(moves: tuple[str, ...], *, chance: random.Random, now: datetime) -> datetime:
    if "expire" in moves:
        return _working_hour(now - timedelta(days=chance.randint(412, 440)), chance)
    longest = 60 if "file" in moves or "refuse" in moves else 20
    shortest = len(moves) + 1
    return _working_hour(now - timedelta(days=chance.randint(shortest, max(longest, shortest + 1))), chance)


def _working_hour(moment: datetime, chance: random.Random) -> datetime:
    local = moment.astimezone(LONDON).replace(hour=chance.randint(8, 17), minute=chance.randint(0, 59), second=12)
    while local.weekday() > 4:
        local -= timedelta(days=1)
    return local


def _later(clock: datetime, *, chance: random.Random, now: datetime) -> datetime:
    step = timedelta(minutes=chance.choice((12, 35, 50, 95, 180, 300, 1320)))
    return min(clock + step, now - timedelta(minutes=1))


def _facts(chance: random.Random, day: date, *, only_victim: bool) -> dict[str, Any]:
    case_type = chance.choice(
        ["facility_takeover"] * 4 + ["identity_fraud"] * 3 + ["false_application"] * 2 + ["misuse_of_facility"]
    )
    case_type = "victim_of_takeover" if only_victim else case_type
    pence = chance.choice((0, 18_900, 64_900, 109_900, 129_900, 249_800, 419_700))
    return {
        "fpa_case_type": case_type,
        "reasons": [chance.choice(codes.REASONS[case_type])[0]],
        "product": chance.choice(("mob_paym", "mob_simo", "handset_loan", "broadband")),
        "sales_channel": chance.choice(("web", "store", "phone")),
        "is_facility_granted": chance.random() < 0.3,
        "discovered_date": day,
        "value_at_risk_pence": pence,
        "loss_pence": pence // 4 if chance.random() < 0.3 else 0,
        "account_reference": f"NM-{chance.randint(1000, 9999)}",
        "notice_version": "2026-02",
        "notice_shown_date": day - timedelta(days=chance.randint(30, 300)),
        "alert_code": "fraud" if pence == 129_900 else "",
        "narrative": "Order placed after the line was moved to another SIM. The account holder reported no service.",
    }


def _people(chance: random.Random, *, has_victim: bool, only_victim: bool) -> list[dict[str, Any]]:
    fraudster = {
        "role": "third_party_fraudster",
        "is_innocent": False,
        "values": {"alias": _name(chance), "ip_address": f"203.0.113.{chance.randint(1, 254)}"},
        "addresses": [_address(chance, "delivery")],
    }
    forename, _, surname = _name(chance).partition(" ")
    victim = {
        "role": chance.choice(("victim_of_takeover", "victim_of_impersonation")),
        "is_innocent": True,
        "values": {
            "forename": forename,
            "surname": surname,
            "date_of_birth": date(chance.randint(1950, 2004), chance.randint(1, 12), chance.randint(1, 28)).isoformat(),
            "phone": f"+447700900{chance.randint(0, 999):03d}",
            "email": f"{forename[0].lower()}.{surname.lower()}@example.org",
        },
        "addresses": [_address(chance, "current")],
    }
    if only_victim:
        return [victim]
    return [fraudster, victim] if has_victim else [fraudster]


def _name(chance: random.Random) -> str:
    return f"{chance.choice(_FORENAMES)} {chance.choice(_SURNAMES)}"


def _address(chance: random.Random, kind: str) -> dict[str, str]:
    town, postcode = chance.choice(_TOWNS)
    return {
        "kind": kind,
        "line_1": f"{chance.randint(1, 90)} {chance.choice(_STREETS)}",
        "town": town,
        "postcode": postcode,
    }


def _make(
    office: Office, case: Case, move: str, *, maker: Actor, checker: Actor, at: datetime, chance: random.Random
) -> None:
    world: Mapping[str, Callable[[Case, datetime], None]] = {
        "deliver": office.deliver,
        "fail": office.fail,
        "field_error": office.field_error,
        "file": office.file,
        "answer": office.answer,
        "expire": office.expire,
    }
    if move in world:
        world[move](case, at)
    elif move == "note":
        edits.add_note(case.pk, chance.choice(_NOTES), actor=maker, at=at)
    elif move in {"attach", "attach_all"}:
        papers = _DOCUMENTS if move == "attach_all" else chance.sample(_DOCUMENTS, chance.randint(1, 3))
        for kind, name, text in papers:
            edits.attach(
                case.pk, kind=kind, file_name=name, media_type="text/plain", data=text.encode(), actor=maker, at=at
            )
    else:
        if move in {"amend", "amend_disputed"}:
            with edits.change(case.pk, actor=maker, at=at) as edit:
                edit.facts(loss_pence=chance.choice((4_900, 12_900)))
        by = office.rights if move == "dispute" else maker
        if move in {"uphold", "amend_disputed"}:
            by = next(each for each in office.approvers if each not in (maker, checker))
        elif move in _CHECKED:
            by = checker
        transitions.apply(case.pk, move, actor=by, at=at, reason=_REASONS.get(move, ""), inputs=_inputs(case, move))


def _inputs(case: Case, move: str) -> dict[str, Any]:
    if move == "submit":
        documents = list(case.evidence.values_list("number", flat=True))
        return {"pillars": {n: {"is_met": True, "evidence": documents, "exception": ""} for n, _ in codes.PILLARS}}
    if move == "approve":
        return {"pillars": {n: {"is_met": True} for n, _ in codes.PILLARS}, "has_reviewed_innocent": True}
    if move == "dispute":
        victim = case.parties.filter(is_innocent=True).values_list("number", flat=True).first()
        return {"grounds": "facts_wrong", "subject": str(victim or "")}
    if move == "remove":
        return {"reason_code": "new_evidence"}
    if move == "report_to_police":
        papers = case.evidence.exclude(kind__in=police.COMMUNICATIONS_DOCUMENTS).values_list("number", flat=True)
        chosen = {"people": ["1"], "documents": [str(each) for each in papers]}
        return chosen | {"has_communications_data": False, "story_holds": "no"}
    return {}
