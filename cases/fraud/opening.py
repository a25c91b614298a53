"""What opening a referral writes beyond the case itself, and whom a referral may not be about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from cases.fraud import codes
from cases.fraud.models import FraudReferral
from cases.kernel import calendars, formats, tasks
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = [
    "MinorNamed",
    "check_person",
    "every_one_of_incident",
    "incident_columns",
    "is_about",
    "lock_incident",
    "open_facts",
    "same_incident",
]

_PLAIN = (
    *("fpa_case_type", "reasons", "product", "sales_channel", "is_facility_granted"),
    *("application_date", "discovered_date", "value_at_risk_pence", "loss_pence", "savings_pence"),
    *("notice_version", "notice_shown_date", "may_share_with_police", "prejudice_recorded"),
    *("is_reinstated", "alert_code", "event_type", "attack"),
)


class MinorNamed(CaseError):
    """Somebody under eighteen is named."""

    def __init__(self) -> None:
        super().__init__("This person is under 18. Stop: nothing is filed about a child. Speak with your team lead.")


def check_person(values: Mapping[str, Any], *, at: datetime) -> None:
    """Raise MinorNamed when the date of birth given is a child's on the London day of `at`."""
    try:
        born = date.fromisoformat(str(values.get("date_of_birth") or ""))
    except ValueError:
        return
    if formats.is_under_18(born, on=calendars.london_date(at)):
        raise MinorNamed


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name what a referral is about where nobody is named: an account, or our own network."""
    return bool(facts.get("account_reference")) or facts.get("event_type") == codes.NETWORK_ATTACK


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action. Raises formats.CardNumber."""
    sealed = {"account_reference": facts.get("account_reference"), "narrative": facts.get("narrative")}
    formats.refuse_card_numbers(sealed.values())
    row = FraudReferral(
        case=case, key=case.key, **{name: facts[name] for name in _PLAIN if facts.get(name) is not None}
    )
    incident = facts.get("incident_reference")
    named = incident_columns(incident or str(case.uid))
    row.incident_token, row.incident_tokens = named["incident_token"], named["incident_tokens"]
    sealing.seal(row, {name: text or None for name, text in sealed.items()}, key=case.key)
    row.save(force_insert=True)
    if incident:
        offer_duplicates(row)


def incident_columns(reference: str) -> dict[str, Any]:
    """Return what the facts keep of an incident's reference: never the reference, only hashes of it, as it was written
    and without spaces and capitals, which two who write of one incident may put differently."""
    written = (reference, "".join(reference.split()).casefold())
    tokens = [token for each in dict.fromkeys(written) for token in sealing.kept_hashes("fraud_incident", each)]
    return {"incident_token": tokens[0], "incident_tokens": [token.hex() for token in tokens]}


def same_incident(row: FraudReferral) -> QuerySet[FraudReferral]:
    """Return the other referrals of the incident that are not erased, whichever index key was the newest when each was
    opened.

    Of one in another compartment nothing is told, not even that it is there.
    """
    return every_one_of_incident(row).filter(case__is_erased=False)


def every_one_of_incident(row: FraudReferral) -> QuerySet[FraudReferral]:
    """Return the same with those that are erased: the hash of their incident is all that says of what they were."""
    in_sight = Q(case__is_restricted=False) | Q(case__team_id=row.case.team_id)
    return _of_tokens(tokens_of(row)).filter(in_sight).exclude(pk=row.pk).order_by("pk")


def of_typed_incident(typed: Mapping[str, Any]) -> Iterable[int]:
    """Return the ids of the referrals of the incident that is typed, whoever may see them. One query, or none."""
    reference = str(typed.get("incident_reference") or "").strip()
    if not reference:
        return ()
    named = FraudReferral(**incident_columns(reference))
    found = _of_tokens(tokens_of(named)).filter(case__is_erased=False)
    return found.order_by("pk").values_list("pk", flat=True)


def _of_tokens(tokens: Iterable[str]) -> QuerySet[FraudReferral]:
    found = Q(incident_token__in=[bytes.fromhex(token) for token in tokens])
    for token in tokens:
        found |= Q(incident_tokens__contains=[token])
    return FraudReferral.objects.filter(found)


def tokens_of(row: FraudReferral) -> list[str]:
    """Return every hash a referral holds of its incident, in order; of one opened earlier there is only one."""
    return sorted({*row.incident_tokens, bytes(row.incident_token or b"").hex()} - {""})


def lock_incident(row: FraudReferral) -> None:
    """Let one referral of an incident be decided at a time: until the transaction ends, another waits here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('fraud_incident:' || each, 0)) FROM unnest(%s::text[]) each",
            [tokens_of(row)],
        )


def offer_duplicates(row: FraudReferral) -> None:
    """Ask somebody to compare a new referral with an earlier one of the same incident. Joins nothing by itself."""
    earlier = same_incident(row).values_list("case__reference", flat=True).first()
    if earlier:
        tasks.raise_task("fraud_same_incident", case=row.case, at=row.case.opened_at, reference=earlier)
