"""What the fraud prevention agency is told, field by field, and on which data category each field rests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cases.fraud import expiry, insiders
from cases.kernel import holdkinds, outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage, Release
from cases.kernel.office import datasources
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing

__all__ = [
    "ALERT_UPLOAD",
    "ALL",
    "FPA_AMEND",
    "FPA_ANSWER",
    "FPA_DISPUTE",
    "FPA_FILE",
    "FPA_REMOVE",
    "amend",
    "dispute",
    "file",
    "remove",
    "subjects",
]

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

FPA_FILE = releases.MessageKind(
    code="fpa_file",
    label="Filing to the fraud prevention agency",
    recipient_kind="fpa",
    purpose="prevent_fraud",
    answer_days=5,
    answer_source="Internal target, as the clock of the agency's answer",
    necessity="The agency can warn other members only if it knows who was involved, in which role, and what was done.",
    categories={
        "incident_key": "fraud_allegation",
        "case_type": "fraud_allegation",
        "reasons": "fraud_allegation",
        "police_share": "fraud_allegation",
        "product": "application",
        "sales_channel": "application",
        "facility_granted": "application",
        "application_date": "application",
        "discovered_date": "application",
        "value_at_risk_pence": "application",
        "loss_pence": "application",
        "savings_pence": "application",
        "subjects.number": "identity",
        "subjects.role": "identity",
        "subjects.innocent": "identity",
        **{f"subjects.{name}": category for name, category in _PERSON_CATEGORIES.items()},
        "subjects.addresses.kind": "address",
        **{f"subjects.addresses.{name}": "address" for name in ADDRESS_FIELDS},
    },
    put_right_by="family",
    waits_for=holdkinds.REPORT,
    unknown=frozenset({"application_date"}),
)
# What is no longer so is put right all the same: see amending.
FPA_AMEND = replace(
    FPA_FILE,
    waits_for="",
    code="fpa_amend",
    label="Amendment of the filing",
    necessity="The filing says something that is no longer so; the agency must hold what is.",
    categories={"filing_reference": "fraud_allegation", **FPA_FILE.categories},
)


def _word(code: str, label: str, *, necessity: str, answer_days: int, fields: tuple[str, ...]) -> releases.MessageKind:
    """A word to the agency about a filing it has: it names the filing and people by number, and nobody's values."""
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind="fpa",
        purpose="correct_recipients",
        answer_days=answer_days,
        answer_source="Internal target; UK GDPR Art 19" if answer_days else "",
        necessity=necessity,
        categories=dict.fromkeys(fields, "correction"),
        put_right_by="family",
    )


FPA_DISPUTE = _word(
    "fpa_dispute",
    "Word of a dispute about the filing",
    necessity="While a filing is disputed the agency may stop members from using it; it must know when and until when.",
    answer_days=0,
    fields=("filing_reference", "is_open", "grounds", "subjects"),
)
FPA_REMOVE = _word(
    "fpa_remove",
    "Removal of the filing",
    necessity="The marker may not stand any longer, and only the agency can take it down.",
    answer_days=2,
    fields=("filing_reference", "reason"),
)
FPA_ANSWER = releases.MessageKind(
    code="fpa_answer",
    label="Answer to an enquiry or instruction of the fraud prevention agency",
    recipient_kind="fpa",
    purpose="prevent_fraud",
    necessity="Whoever asks is told how our filing stands, and nothing of the people in it.",
    categories={
        "about": "fraud_allegation",
        "their_reference": "fraud_allegation",
        "filing_reference": "fraud_allegation",
        "answer": "fraud_allegation",
    },
    put_right_by="family",
)
ALERT_UPLOAD = releases.MessageKind(
    code="alert_upload",
    label="Address told to the retail alert",
    recipient_kind="fraud_alert",
    purpose="prevent_fraud",
    necessity="Retailers can stop goods on their way only if they know the address to which they were ordered.",
    categories={
        "code": "fraud_allegation",
        "date": "fraud_allegation",
        "entries.line_1": "address",
        "entries.postcode": "address",
    },
    lists=frozenset({"entries"}),
)
ALL = (FPA_FILE, FPA_AMEND, FPA_DISPUTE, FPA_REMOVE, FPA_ANSWER, ALERT_UPLOAD)
releases.declare(*ALL)


def file(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the filing of a locked case, inside the current ledger action. A refused one before it is superseded.

    Opens the people's values, which the access log keeps. Raises ReleaseRefused, NoChannel.
    """
    return _send_all(case, FPA_FILE, {}, agency=_agency(), actor=actor, at=at)


def amend(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the whole filing as it now is, under the agency's reference, to the agency that holds it, without
    whoever's marker has ended. As `file`."""
    named = {"filing_reference": case.fraud_referral.filing_reference}
    return _send_all(case, FPA_AMEND, named, agency=_holder(case), actor=actor, at=at)


def _send_all(
    case: Case,
    kind: releases.MessageKind,
    named: Mapping[str, str],
    *,
    agency: Agency,
    actor: Actor,
    at: datetime,
) -> OutboxMessage:
    outbox.supersede(case, kind.code, at=at)
    parties = list(expiry.of_the_filing(case, at=at))
    told = subjects(case, parties, actor=actor, at=at, purpose="file_with_agency")
    return releases.send(
        case,
        kind,
        agency=agency,
        body={**named, **_incident(case), "subjects": told},
        actor=actor,
        at=at,
        subject_count=len(told),
        parties=parties,
    )


def dispute(case: Case, *, is_open: bool, grounds: str, party: CaseParty | None, actor: Actor, at: datetime) -> None:
    """Promise word that the filing is disputed, or is so no longer. Raises ReleaseRefused, NoChannel."""
    parties = [party] if party else []
    _send_word(
        case,
        FPA_DISPUTE,
        {"is_open": is_open, "grounds": grounds, "subjects": [each.number for each in parties]},
        parties=parties,
        actor=actor,
        at=at,
    )


def remove(case: Case, *, reason: str, actor: Actor, at: datetime) -> None:
    """Promise the removal of the filing. Nothing older to the agency about the case stands in its way: what waits or
    failed is taken back, what is under way is not waited for. Raises ReleaseRefused, NoChannel."""
    removal = _send_word(
        case,
        FPA_REMOVE,
        {"reason": reason},
        parties=list(insiders.others(case)),
        actor=actor,
        at=at,
    )
    outbox.go_first(removal, at=at)


def _send_word(
    case: Case,
    kind: releases.MessageKind,
    said: Mapping[str, Any],
    *,
    parties: list[CaseParty],
    actor: Actor,
    at: datetime,
) -> OutboxMessage:
    return releases.send(
        case,
        kind,
        agency=_holder(case),
        body={"filing_reference": case.fraud_referral.filing_reference, **said},
        actor=actor,
        at=at,
        subject_count=len(parties),
        parties=parties,
    )


def _agency() -> Agency:
    found = Agency.objects.select_related("terms").filter(kind=FPA_FILE.recipient_kind, is_active=True)
    agency = found.order_by("pk").first()
    if agency is None:
        raise outbox.NoChannel("There is no fraud prevention agency in the register.")
    return agency


def _holder(case: Case) -> Agency:
    """Return the agency that got the filing last: it alone knows our reference. Raises NoChannel once it takes no part
    any more."""
    filings = Release.objects.filter(case=case, message_kind=FPA_FILE.code).select_related("recipient__terms")
    last = filings.order_by("-pk").first()
    if last is None:
        return _agency()
    if not last.recipient.is_active:
        raise outbox.NoChannel("The agency that holds the filing takes no part any more.")
    return last.recipient


def _incident(case: Case) -> dict[str, Any]:
    facts = case.fraud_referral
    return {
        "incident_key": bytes(facts.incident_token or b"").hex(),
        "case_type": facts.fpa_case_type,
        "reasons": list(facts.reasons),
        "product": facts.product,
        "sales_channel": facts.sales_channel,
        "facility_granted": facts.is_facility_granted,
        "application_date": facts.application_date.isoformat() if facts.application_date else None,
        "discovered_date": facts.discovered_date.isoformat(),
        "value_at_risk_pence": facts.value_at_risk_pence,
        "loss_pence": facts.loss_pence,
        "savings_pence": facts.savings_pence,
        "police_share": facts.may_share_with_police,
    }


def subjects(case: Case, parties: list[CaseParty], *, actor: Actor, at: datetime, purpose: str) -> list[dict[str, Any]]:
    """Return what the case says of people and where they live, but for addresses that an agency told us: those go no
    further. Opens their values, which the access log keeps."""
    homes = CaseAddress.objects.filter(party__in=parties, is_detached=False)
    addresses = list(homes.exclude(source__in=datasources.GOES_NO_FURTHER).order_by("pk"))
    reader = sealing.Reader(actor=actor.label, verb="release", purpose=purpose, streams=(case.uid,))
    people = sealing.open_rows(parties, PERSON_FIELDS, reader=reader, at=at) if parties else []
    places = sealing.open_rows(addresses, ADDRESS_FIELDS, reader=reader, at=at) if addresses else []
    return [
        {
            "number": party.number,
            "role": party.role,
            "innocent": party.is_innocent,
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
