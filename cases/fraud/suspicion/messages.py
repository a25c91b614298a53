"""What the financial intelligence unit is told, field by field. What is not known is written UNKNOWN."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from cases.fraud.suspicion import codes
from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing

__all__ = ["FIU_SAR", "accounts", "send"]

_PERSON_CATEGORIES = {
    "title": "identity",
    "forename": "identity",
    "middle_name": "identity",
    "surname": "identity",
    "alias": "identity",
    "date_of_birth": "date_of_birth",
    "phone": "contact",
    "email": "contact",
    "employer": "employment",
    "bank_account": "financial",
    "identity_document": "identity",
    "vehicle_registration": "vehicle",
    "device": "device",
    "ip_address": "device",
    "account_reference": "financial",
}
# A report always says these about a person, if only that nobody knows.
_ALWAYS = ("forename", "surname", "date_of_birth")
# What people write between two accounts; a space alone only where another account begins with its letters.
_BETWEEN = re.compile(r"[,;&\n]|\s+and\s+|\s+(?=[a-z]+[-/]?\d)", re.IGNORECASE)
_TYPED = ("account_reference", "transactions", "narrative", "police_contact")

FIU_SAR = releases.MessageKind(
    code="fiu_sar",
    label="Report to the financial intelligence unit",
    recipient_kind="fiu",
    purpose="report_suspicion",
    put_right_by="nobody",
    answer_days=2,
    answer_source="Internal target",
    necessity="The unit can assess a suspicion only if it knows who is involved, which money, and why.",
    categories={
        "reason": "suspicion",
        "glossary_codes": "suspicion",
        "narrative": "suspicion",
        "police_contact": "suspicion",
        "accounts": "financial",
        "transactions": "financial",
        "subjects.number": "identity",
        "subjects.role": "identity",
        **{f"subjects.{name}": category for name, category in _PERSON_CATEGORIES.items()},
        "subjects.addresses.kind": "address",
        **{f"subjects.addresses.{name}": "address" for name in ADDRESS_FIELDS},
    },
    lists=frozenset({"subjects", "subjects.addresses", "accounts", "glossary_codes"}),
    unknown=frozenset({"subjects.date_of_birth"}),
)
releases.declare(FIU_SAR)


def accounts(typed: str | None) -> list[str]:
    """Return the accounts that somebody typed, however they are divided."""
    return [each.strip() for each in _BETWEEN.split(typed or "") if each.strip()]


def send(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the report of a locked case, inside the current ledger action. One that was not taken is replaced.

    Opens the people's values and the narrative, which the access log keeps. Raises ReleaseRefused, NoChannel.
    """
    agency = Agency.objects.filter(kind="fiu", is_active=True).order_by("pk").first()
    if agency is None:
        raise outbox.NoChannel("There is no financial intelligence unit in the register.")
    outbox.supersede(case, FIU_SAR.code, at=at)
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="report_suspicion", streams=(case.uid,))
    subjects = _subjects(case, reader=reader, at=at)
    body = {**_suspicion(case, reader=reader, at=at), "subjects": subjects}
    return releases.send(case, FIU_SAR, agency=agency, body=body, actor=actor, at=at, subject_count=len(subjects))


def _suspicion(case: Case, *, reader: sealing.Reader, at: datetime) -> dict[str, Any]:
    facts = case.suspicion_report
    typed = sealing.open_rows([facts], _TYPED, reader=reader, at=at)[0]
    if len(typed["narrative"] or "") > codes.LONGEST_NARRATIVE:
        raise releases.ReleaseRefused(f"The unit takes a narrative of at most {codes.LONGEST_NARRATIVE:,} characters.")
    return {
        "reason": facts.reason_code,
        "glossary_codes": list(facts.glossary_codes) or [codes.UNKNOWN],
        "accounts": accounts(typed["account_reference"]) or [codes.UNKNOWN],
        "transactions": typed["transactions"] or codes.UNKNOWN,
        "narrative": typed["narrative"] or codes.UNKNOWN,
        "police_contact": typed["police_contact"] or codes.UNKNOWN,
    }


def _subjects(case: Case, *, reader: sealing.Reader, at: datetime) -> list[dict[str, Any]]:
    parties = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    addresses = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    people = sealing.open_rows(parties, PERSON_FIELDS, reader=reader, at=at) if parties else []
    places = sealing.open_rows(addresses, ADDRESS_FIELDS, reader=reader, at=at) if addresses else []
    return [
        {
            "number": party.number,
            "role": party.role,
            **dict.fromkeys(_ALWAYS, codes.UNKNOWN),
            **_filled(person),
            "addresses": [
                {"kind": row.kind, **_filled(place)}
                for row, place in zip(addresses, places, strict=True)
                if row.party_id == party.pk
            ],
        }
        for party, person in zip(parties, people, strict=True)
    ]


def _filled(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
