"""The retail alert: where goods went that fraud ordered. An address and a code, never where an innocent person lives.

Told when the filing stands, if its people said so beforehand. It hears of a removal, an expiry and an amendment as
whoever was told does: see kernel.corrections.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from cases.fraud import expiry, messages
from cases.fraud.models import DerivedFlag
from cases.kernel import holdkinds, holds, outbox, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["tell", "tell_anew"]

KINDS = ("delivery", "used_by_fraudster")
FIELDS = ("line_1", "postcode")
NUMBER = re.compile(r"\d+[a-z]?\b")  # of a house or flat


def tell(context: Any) -> None:
    """Tell the alert of the addresses that the fraud used, where the approved facts name a code for it.

    What cannot be told becomes a task, as what a hold stops does: a filing is not lost for it.
    """
    case = context.case
    if not case.fraud_referral.alert_code:
        return
    actor = system("alerts", source=case.source)
    agency = _agency()
    sentence = "nobody_to_tell"
    if holds.blocks(case, holdkinds.REPORT, at=context.at):
        sentence = "a_hold_stops_it"
    elif agency is not None:
        try:
            sentence = "" if _send(case, agency, actor=actor, at=context.at) else "no_address_to_tell"
        except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
            sentence = type(refusal).__name__
    if sentence:
        tasks.raise_task("fraud_alert_not_told", case=case, at=context.at, cause=sentence)


def tell_anew(case: Case, *, agency: Agency, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Say to the alert what is now to be said, inside the current ledger action; None where nothing is."""
    return _send(case, agency, actor=actor, at=at) if case.fraud_referral.alert_code else None


def _agency() -> Agency | None:
    kind = messages.ALERT_UPLOAD.recipient_kind
    return Agency.objects.select_related("terms").filter(kind=kind, is_active=True).order_by("pk").first()


def _send(case: Case, agency: Agency, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    told = _addresses(case, actor=actor, at=at)
    if not told:
        return None
    facts = case.fraud_referral
    people = list({party.pk: party for party, _ in told}.values())
    message = releases.send(
        case,
        messages.ALERT_UPLOAD,
        agency=agency,
        body={
            "code": facts.alert_code,
            "date": facts.discovered_date.isoformat(),
            "entries": [dict(zip(FIELDS, place, strict=True)) for place in sorted({place for _, place in told})],
        },
        actor=actor,
        at=at,
        subject_count=len(people),
        parties=people,
    )
    flagged = set(
        DerivedFlag.objects.filter(case=case, kind="alert", purged_at=None).values_list("party_id", flat=True)
    )
    ledger.bulk_create(
        DerivedFlag,
        [
            DerivedFlag(
                case=case,
                party=party,
                kind="alert",
                code=facts.alert_code,
                agency=agency,
                message_id=message.public_id,
                raised_at=at,
            )
            for party in people
            if party.pk not in flagged
        ],
    )
    return message


def _addresses(case: Case, *, actor: Actor, at: datetime) -> list[tuple[CaseParty, tuple[str, str]]]:
    """Return whom and which address to tell: where fraud had goods sent, unless an innocent person has it too."""
    rows = list(
        CaseAddress.objects.filter(party__case=case, party__is_detached=False, is_detached=False)
        .select_related("party")
        .order_by("pk")
    )
    if not rows:
        return []
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="tell_retail_alert", streams=(case.uid,))
    values = sealing.open_rows(rows, FIELDS, reader=reader, at=at)
    places = [
        (row, (str(place["line_1"] or ""), str(place["postcode"] or "")))
        for row, place in zip(rows, values, strict=True)
    ]
    innocent = [place for row, place in places if row.party.is_innocent]
    marked = set(expiry.of_the_filing(case, at=at).values_list("pk", flat=True))
    return [
        (row.party, place)
        for row, place in places
        if row.party_id in marked
        and not row.party.is_innocent
        and row.kind in KINDS
        and all(place)
        and not any(_may_be_one(place, home) for home in innocent)
    ]


def _may_be_one(place: tuple[str, str], home: tuple[str, str]) -> bool:
    """Say whether two addresses may be one home, however they are written: one postcode, and no house or flat number of
    the one that speaks against the other. In doubt they are one: an address branded in error is somebody's home."""
    if "".join(place[1].split()).casefold() != "".join(home[1].split()).casefold():
        return False
    here, there = set(NUMBER.findall(place[0].casefold())), set(NUMBER.findall(home[0].casefold()))
    return here <= there or there <= here
