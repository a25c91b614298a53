"""Invented queries of a bank for a demonstration, asked and answered by the verbs that its calls use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.disclosure.partners import asking, simevents, terms
from cases.kernel import actors, transitions
from cases.kernel.actors import Actor
from cases.kernel.models import Agency
from cases.kernel.office import proposals

__all__ = ["Cast", "tell"]

BANK, NETWORK = "sandbox-bank", "own-network"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who acts in the demonstration."""

    officer: Actor
    approver: Actor


# Question, number, hours, whether it comes within the rate, what came of it.
_STORIES: tuple[tuple[str, str, int, bool, str], ...] = (
    ("sim_swap", "+447700900123", 480, True, "confirmed_fraud"),
    ("sim_swap", "+447700900124", 240, True, "not_fraud"),
    ("sim_swap_date", "+447700900124", 240, True, ""),
    ("transaction", "+447700900125", 72, True, ""),
    ("sim_swap", "+447700900126", 240, False, ""),
)


def tell(cast: Cast, *, now: datetime) -> int:
    """Enter the agreement, tell of changes of SIMs and ask the questions. Returns how many were asked."""
    began = now - timedelta(days=60)
    payload: dict[str, Any] = {
        "agency": BANK,
        "reference": "SBX-PARTNER-1",
        "purposes": ["sim_swap_check", "bank_txn_verify", "record_accuracy", "cp_fraud_share"],
        "allowed_fields": ["swapped", "latestSimChange", "verified", "recordMatches", "fraudNumber"],
        "per_minute": 60,
        "per_day": 5000,
        "retention_months": 0,
        "audit": "A sample of 50 queries each quarter, compared with the partner's own records.",
        "begins_date": began.date(),
        "ends_date": began.date() + timedelta(days=730),
        "is_live": True,
    }
    row = proposals.propose("partner_agreement", payload, actor=cast.officer, at=began, reason="Signed by both.")
    proposals.decide(
        row.uid, "agreed", actor=cast.approver, at=began + timedelta(hours=1), reason="Compared with the paper."
    )
    network, bank = Agency.objects.get(code=NETWORK), Agency.objects.get(code=BANK)
    swaps = [(f"+4477009001{end}", now - timedelta(days=days)) for end, days in ((23, 19), (24, 90), (25, 400))]
    simevents.keep(swaps, stream=network.uid, actor=actors.agency(network, source="demo"), at=now - timedelta(days=2))
    simevents.hear(stream=network.uid, at=now)
    for number, (question, phone, hours, is_within_rate, outcome) in enumerate(_STORIES, start=1):
        at = now - timedelta(hours=30 - 5 * number)
        body: dict[str, Any] = {"phoneNumber": phone, "purpose": "new_payee", "caseReference": f"PAY-{9500 + number}"}
        if question != "sim_swap_date":
            body["maxAge"] = hours
        asked = asking.ask(
            asking.facts_of(question, body),
            partner=bank,
            agreement=terms.live(bank.pk),
            is_within_rate=is_within_rate,
            at=at,
            source="demo",
        )
        if outcome:
            actor = actors.agency(bank, source="demo")
            told = at + timedelta(hours=1)
            transitions.apply(asked.case.pk, "feed_back", actor=actor, at=told, inputs={"outcome": outcome})
    return len(_STORIES)
