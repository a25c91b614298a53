"""What the fraud prevention agency is told, field by field, and on which data category each field rests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing

__all__ = ["FPA_FILE", "file"]

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
)
releases.declare(FPA_FILE)


def file(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the filing of a locked case, inside the current ledger action. A refused one before it is superseded.

    Opens the people's values, which the access log keeps. Raises ReleaseRefused, NoChannel.
    """
    agency = Agency.objects.select_related("terms").filter(kind="fpa", is_active=True).order_by("pk").first()
    if agency is None:
        raise outbox.NoChannel("There is no fraud prevention agency in the register.")
    outbox.supersede(case, FPA_FILE.code, at=at)
    parties = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    subjects = _subjects(case, parties, actor=actor, at=at)
    return releases.send(
        case,
        FPA_FILE,
        agency=agency,
        body={**_incident(case), "subjects": subjects},
        actor=actor,
        at=at,
        subject_count=len(subjects),
        parties=parties,
    )


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


def _subjects(case: Case, parties: list[CaseParty], *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
    addresses = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="file_with_agency", streams=(case.uid,))
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
