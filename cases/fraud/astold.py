"""Whether the agency would be told something else than it was told: by digests of what a filing is made of. No value
is opened.

Sealing is deterministic within a row, so that a value that was changed and put back has its old ciphertext again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.fraud import expiry
from cases.kernel.exchange import corrections
from cases.kernel.models import Case, CaseAddress, CaseParty, OutboxMessage
from cases.kernel.office import datasources
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger
from cases.ledger.canonical import canon
from cases.ledger.models import LedgerEvent

__all__ = ["differs", "differs_from_police", "is_untold", "note", "note_police"]

# What the messages about a filing are made of, beside its people; and what is told only to others than the agency.
FACTS = (
    *("fpa_case_type", "reasons", "product", "sales_channel", "is_facility_granted"),
    *("application_date", "discovered_date", "value_at_risk_pence", "loss_pence", "savings_pence"),
    *("may_share_with_police", "incident_token", "alert_code"),
)
ELSEWHERE = ("narrative",)
ATTACK = ("event_type", "attack")
# What a report to the police is made of, beside its people.
REPORTED = (
    *("fpa_case_type", "reasons", "narrative", "discovered_date"),
    *("value_at_risk_pence", "loss_pence", *ATTACK),
)


def note(case: Case, *, at: datetime) -> None:
    """Keep with the current ledger action what the agency is told with it, as digests."""
    ledger.current().detail.update({"told": _filing(case, at=at), "told_elsewhere": _elsewhere(case)})


def differs(case: Case, *, at: datetime, marked: Sequence[CaseParty] | None = None) -> bool:
    """Say whether what would be told is something else than was told last, to the agency or to others who were told
    more. Of a filing that was made before digests were kept it is said to be so, and of an amendment that the agency
    did not get. `marked` are those of whom a marker stands, where the caller has just read them."""
    told = _last_told(case)
    if told is None or is_untold(case) or told["told"] != _filing(case, at=at, marked=marked):
        return True
    is_same = told["told_elsewhere"] == _elsewhere(case)
    return not is_same and bool(corrections.earlier_recipients(case))


def note_police(case: Case, numbers: Collection[int]) -> None:
    """Keep with the current ledger action what the police are told with it of people by number, as digests."""
    before = _told_to_police(case) or {"people": {}}
    people = {**before["people"], **_people(case, numbers)}
    ledger.current().detail["police_told"] = {"facts": _hash([_facts(case, REPORTED)]), "people": people}


def differs_from_police(case: Case) -> bool:
    """Say whether what the police were told last is no longer so, of somebody who is still part of the case or of what
    was done. Of a report that was made before digests were kept it is said to be so."""
    told: Any = ledger.current().detail.get("police_told") or _told_to_police(case)
    if told is None or told["facts"] != _hash([_facts(case, REPORTED)]):
        return True
    now = _people(case, [int(number) for number in told["people"]])
    return any(told["people"][number] != digest for number, digest in now.items())


def _told_to_police(case: Case) -> dict[str, Any] | None:
    events = LedgerEvent.objects.filter(stream=case.uid, body__contains='"police_told"').order_by("-seq")
    event = events.first()
    detail: dict[str, Any] = event.content().get("detail", {}) if event else {}
    return detail.get("police_told")


def _people(case: Case, numbers: Collection[int]) -> dict[str, str]:
    """Return a digest of each of these people who is still part of the case, by number."""
    parties = list(CaseParty.objects.filter(case=case, number__in=numbers, is_detached=False).order_by("number"))
    return {str(row.number): _hash(_rows(case, [row])) for row in parties}


def is_untold(case: Case) -> bool:
    """Say whether the agency did not take the newest amendment, or it was taken back before it had it: then it was told
    nothing by it. One query."""
    return _NEWEST_AMENDMENT.rows(case=case.pk) in ([("refused",)], [("withdrawn",)])


_NEWEST_AMENDMENT = Prepared(
    lambda case: (
        OutboxMessage.objects.filter(case=case, kind="fpa_amend").order_by("-seq").values_list("state", flat=True)[:1]
    ),
    case=-(10**15) - 1,
)
_TELLING = [f"fraud_referral.{name}" for name in ("approve", "amend", "amend_disputed")]
_LAST_TOLD = Prepared(
    lambda stream: LedgerEvent.objects.filter(stream=stream, action__in=_TELLING).order_by("-seq")[:1],
    stream=UUID(int=1),
)
_PLACES = Prepared(
    lambda case: (
        CaseAddress.objects.filter(party__case=case, is_detached=False)
        .exclude(source__in=datasources.GOES_NO_FURTHER)
        .order_by("pk")
    ),
    case=-(10**15) - 1,
)


def _last_told(case: Case) -> dict[str, Any] | None:
    detail: dict[str, Any] = {}
    for event in _LAST_TOLD.objects(stream=case.uid):
        detail = event.content().get("detail", {})
    return detail if "told" in detail else None


def _filing(case: Case, *, at: datetime, marked: Sequence[CaseParty] | None = None) -> str:
    people = expiry.standing(case, at=at) if marked is None else marked
    return _hash([_facts(case, FACTS), *_rows(case, people)])


def _rows(case: Case, parties: Sequence[CaseParty]) -> list[list[object]]:
    """Return what is said of people of a case and where they live. One query."""
    about = {party.pk for party in parties}
    return [
        *(_columns(row, ("number", "role", "is_innocent", *PERSON_FIELDS)) for row in parties),
        *(
            [row.party_id, *_columns(row, ("kind", *ADDRESS_FIELDS))]
            for row in _PLACES.objects(case=case.pk)
            if row.party_id in about
        ),
    ]


def _elsewhere(case: Case) -> str:
    """Digests of referrals that are of no attack stay what they were before there were attacks."""
    return _hash([_facts(case, (*ELSEWHERE, *(ATTACK if case.fraud_referral.event_type else ())))])


def _facts(case: Case, names: Iterable[str]) -> list[object]:
    return _columns(case.fraud_referral, names)


def _columns(row: Any, names: Iterable[str]) -> list[object]:
    return [_plain(getattr(row, name)) for name in names]


def _plain(value: Any) -> object:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


def _hash(rows: list[Any]) -> str:
    return hashlib.sha256(canon(rows)).hexdigest()
