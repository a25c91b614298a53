"""Banks and other providers are told of numbers with which a fraud was confirmed, under their agreement.

A number and its indicator go, never a name, an address or a victim's number. The message belongs to the case of the
fraud, so that an amendment or a removal of the filing reaches whoever was warned.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cases.disclosure.partners import codes
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import calendars, casetypes, outbox, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.exchange import corrections
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage
from cases.kernel.prepared import Prepared
from cases.ledger import sealing

__all__ = ["BY_HAND", "CP_FRAUD_SHARE", "fraud_filed"]

CP_FRAUD_SHARE = releases.MessageKind(
    code="cp_fraud_share",
    label="Numbers with which a fraud was confirmed",
    recipient_kind="bank",  # or a provider
    purpose="warn_partners",
    necessity="UK GDPR Art 6(1)(f): a bank or provider can stop the next fraud with a number only if it is told of it.",
    categories=dict.fromkeys(("indicator", "confirmed_date", "numbers.phone_number"), "fraud_number"),
    lists=frozenset({"numbers"}),
)
releases.declare(CP_FRAUD_SHARE)
BY_HAND = "partner_warn_by_hand"
tasks.declare({BY_HAND: "Warn a partner of a number by other means: no message can go to it"})


def fraud_filed(case: Case, *, at: datetime) -> None:
    """Warn each partner whose agreement allows it of the numbers of whoever is on file and not innocent in a case whose
    fraud is confirmed, inside the current ledger action on the locked case. Whoever was warned and not told since to
    let go of it is not warned again."""
    actor = system("fraud_sharing", source=case.source)
    agreements = _allowing(at=at)
    known = {each.agency.pk for each in corrections.earlier_recipients(case)} if agreements else set()
    for agreement in agreements:
        if agreement.agency_id in known:
            continue
        try:
            _send(case, agreement.agency, actor=actor, at=at)
        except (releases.ReleaseRefused, outbox.NoChannel):
            tasks.raise_task(BY_HAND, case=case, at=at, agency=agreement.agency.code)


def _allowing(*, at: datetime, agency: Agency | None = None) -> list[PartnerAgreement]:
    """Return the agreements in force that allow it. One query."""
    rows: list[PartnerAgreement] = _ALLOWING.objects(today=calendars.london_date(at))
    return [row for row in rows if agency is None or row.agency_id == agency.pk]


_ALLOWING = Prepared(
    lambda today: (
        PartnerAgreement.objects.filter(
            is_live=True,
            begins_date__lte=today,
            ends_date__gte=today,
            purposes__contains=[codes.WARN],
            allowed_fields__contains=[codes.FRAUD_NUMBER],
            agency__is_active=True,
        )
        .select_related("agency__terms")
        .order_by("pk")
    ),
    today=date(1900, 1, 1),
)


_WITH_NUMBER = Prepared(
    lambda case: (
        CaseParty.objects.filter(case=case, is_detached=False, phone__isnull=False)
        .select_related("key__parent")
        .order_by("number")
    ),
    case=-(10**15) - 1,
)


def restate(case: Case, *, agency: Agency, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Say anew which numbers it is, as the case is now; None where there is none any more, or the agreement has
    ended."""
    return _send(case, agency, actor=actor, at=at) if _allowing(at=at, agency=agency) else None


def _send(case: Case, agency: Agency, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    marked = {party.pk for party in casetypes.get(case.kind).reacts["who_is_marked"](case, at=at)}
    parties = _WITH_NUMBER.objects(case=case.pk)
    if not any(party.pk in marked and not party.is_innocent for party in parties):
        return None  # nothing is opened to say nothing
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="warn_partners", streams=(case.uid,))
    opened = sealing.open_rows(parties, ("phone",), reader=reader, at=at, loaded=[party.key for party in parties])
    known = [
        (party, values["phone"])
        for party, values in zip(parties, opened, strict=True)
        if isinstance(values["phone"], str)
    ]
    # Who takes over a victim's number uses that very number: it stays the victim's.
    of_victims = {number for party, number in known if party.is_innocent}
    told = [(party, number) for party, number in known if party.pk in marked and number not in of_victims]
    if not told:
        return None
    body: dict[str, Any] = {
        "indicator": case.topic,
        "confirmed_date": calendars.london_date(at).isoformat(),
        "numbers": [{"phone_number": number} for number in dict.fromkeys(number for _, number in told)],
    }
    return releases.send(
        case,
        replace(CP_FRAUD_SHARE, recipient_kind=agency.kind),
        agency=agency,
        body=body,
        actor=actor,
        at=at,
        subject_count=len(told),
        parties=[party for party, _ in told],
    )


corrections.declare(restate={CP_FRAUD_SHARE.code: restate})
