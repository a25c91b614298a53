"""What opening a referral writes beyond the case itself, and whom a referral may not be about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cases.fraud.models import FraudReferral
from cases.kernel import calendars, formats, tasks
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["MinorNamed", "check_person", "open_facts"]

_PLAIN = (
    *("fpa_case_type", "reasons", "product", "sales_channel", "is_facility_granted"),
    *("application_date", "discovered_date", "value_at_risk_pence", "loss_pence", "savings_pence"),
    *("notice_version", "notice_shown_date", "may_share_with_police", "prejudice_recorded"),
    *("is_reinstated", "alert_code"),
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


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action. Raises formats.CardNumber."""
    sealed = {"account_reference": facts.get("account_reference"), "narrative": facts.get("narrative")}
    formats.refuse_card_numbers(sealed.values())
    row = FraudReferral(
        case=case, key=case.key, **{name: facts[name] for name in _PLAIN if facts.get(name) is not None}
    )
    incident = facts.get("incident_reference")
    row.incident_token = sealing.keyed_hash("fraud_incident", incident or str(case.uid))
    sealing.seal(row, {name: text or None for name, text in sealed.items()}, key=case.key)
    row.save(force_insert=True)
    if incident:
        offer_duplicates(row, tokens=sealing.kept_hashes("fraud_incident", incident))


def offer_duplicates(row: FraudReferral, *, tokens: Sequence[bytes]) -> None:
    """Ask somebody to compare a new referral with an earlier one of the same incident. Joins nothing by itself."""
    same = FraudReferral.objects.filter(incident_token__in=tokens).exclude(pk=row.pk)
    earlier = same.order_by("pk").values_list("case__reference", flat=True).first()
    if earlier:
        tasks.raise_task("fraud_same_incident", case=row.case, at=row.case.opened_at, reference=earlier)
