"""Agreements with partners: entered and changed by one person, agreed to by another; whether one lets a query be
answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms

from cases.disclosure.partners import codes
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Agency
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS", "PARTNER_KINDS", "PROCESSOR", "live", "proves_itself", "why_not"]

# Kinds of agencies that may be partners.
PARTNER_KINDS = frozenset({"bank", "provider"})
# And of those who ask for one, with keys of their own.
PROCESSOR = "processor"
_LABELS = {
    "purposes": "Purposes",
    "allowed_fields": "Told",
    "per_minute": "Queries in a minute",
    "per_day": "Queries in a day",
    "retention_months": "Kept by the partner for (months)",
    "audit": "Audit",
    "processors": "Processors that may ask for it",
    "begins_date": "From",
    "ends_date": "Last day",
    "is_live": "In use",
}
_WORDS: dict[str, str] = {**dict(codes.PURPOSES), **dict(codes.FIELDS)}
MOST_A_DAY = 1_000_000
LONGEST_NAME = 80


def live(agency_id: int) -> PartnerAgreement | None:
    """Return the agreement of a partner that is in use, whatever its dates. One query."""
    return PartnerAgreement.objects.filter(agency_id=agency_id, is_live=True).first()


def proves_itself(processor: str) -> bool:
    """Say whether a processor is in the register, and so asks with its own key alone: its name proves nothing any more.
    One query, none without a name."""
    return bool(processor) and Agency.objects.filter(code=processor, kind=PROCESSOR).exists()


def why_not(agreement: PartnerAgreement | None, question: str, *, at: datetime, processor: str = "") -> str:
    """Return the code of why an agreement does not let a question be answered, or nothing: asked by the partner, or for
    it by a processor. No query."""
    if agreement is None or not agreement.is_live:
        return "no_agreement"
    today = calendars.london_date(at)
    if not agreement.begins_date <= today <= agreement.ends_date:
        return "agreement_ended"
    if codes.PURPOSE_OF[question] not in agreement.purposes:
        return "purpose_not_allowed"
    if codes.FIELD_OF[question] not in agreement.allowed_fields:
        return "field_not_allowed"
    return "processor_not_named" if processor and processor not in agreement.processors else ""


def _partners() -> list[tuple[str, str]]:
    rows = Agency.objects.filter(kind__in=PARTNER_KINDS).order_by("display_name")
    return list(rows.values_list("code", "display_name"))


class AgreementForm(ChangeForm):
    """One agreement with one partner: entered, changed, or taken out of use."""

    agency = Chosen(label="Partner", choices=_partners)
    reference = forms.CharField(label="Reference of the agreement", max_length=40)
    purposes = forms.MultipleChoiceField(
        label=_LABELS["purposes"], choices=codes.PURPOSES, widget=forms.CheckboxSelectMultiple
    )
    allowed_fields = forms.MultipleChoiceField(
        label=_LABELS["allowed_fields"], choices=codes.FIELDS, widget=forms.CheckboxSelectMultiple
    )
    per_minute = Whole(label=_LABELS["per_minute"], min_value=1, max_value=6000)
    per_day = Whole(label=_LABELS["per_day"], min_value=1, max_value=MOST_A_DAY)
    retention_months = Whole(label=_LABELS["retention_months"], min_value=0, max_value=72, help_text="0: not kept.")
    audit = forms.CharField(
        label=_LABELS["audit"], max_length=200, help_text="How and when we look at what the partner does with it."
    )
    processors = forms.CharField(
        label=_LABELS["processors"],
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Each in a line of its own: its code in the register of agencies, if it has keys of its own there; "
        "else the name that the partner gives with a query. None: only the partner asks.",
    )
    begins_date = forms.DateField(label=_LABELS["begins_date"], widget=forms.DateInput(attrs={"type": "date"}))
    ends_date = forms.DateField(label=_LABELS["ends_date"], widget=forms.DateInput(attrs={"type": "date"}))
    is_live = forms.BooleanField(label="Queries are answered on it", required=False, initial=True)

    def clean_processors(self) -> list[str]:
        named = [line.strip() for line in self.cleaned_data["processors"].splitlines() if line.strip()]
        if any(len(each) > LONGEST_NAME for each in named):
            raise forms.ValidationError(f"A name has at most {LONGEST_NAME} characters.", code="too_long")
        return list(dict.fromkeys(named))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("begins_date"), cleaned.get("ends_date")
        if begins and ends and ends < begins:
            self.add_error("ends_date", "It cannot end before it begins.")
        return cleaned


def _subject(payload: Payload) -> str:
    return f"partner/{payload['agency']}/{payload['reference']}"[:120]


def _row(payload: Payload) -> PartnerAgreement | None:
    return PartnerAgreement.objects.filter(agency__code=payload["agency"], reference=payload["reference"]).first()


def _state(payload: Payload) -> dict[str, Any]:
    row = _row(payload)
    return {name: getattr(row, name) for name in _LABELS} if row else {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not Agency.objects.filter(code=payload["agency"], kind__in=PARTNER_KINDS).exists():
        return {"agency": "There is no such partner in the register."}
    others = PartnerAgreement.objects.filter(agency__code=payload["agency"], is_live=True)
    if payload["is_live"] and others.exclude(reference=payload["reference"]).exists():
        return {"is_live": "Another agreement with this partner is in use. Take that out of use first."}
    return {}


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return "; ".join(_WORDS.get(str(each), str(each)) for each in value) or "None"
    return str(value)


def _describe(before: Payload, payload: Payload) -> list[Line]:
    return [
        Line(label=label, old=_said(before[name]) if before else "", new=_said(payload.get(name, [])))
        for name, label in _LABELS.items()
    ]


def _write(change: Change) -> None:
    said = change.payload
    row = _row(said) or PartnerAgreement(agency=Agency.objects.get(code=said["agency"]), reference=said["reference"])
    for name in _LABELS:
        value = said.get(name, [])
        setattr(row, name, date.fromisoformat(value) if name.endswith("_date") else value)
    row.save()


KINDS = (
    Kind(
        code="partner_agreement",
        label="Enter or change an agreement with a partner",
        title=lambda row: f"Enter or change the agreement {row.payload['reference']} with {row.payload['agency']}",
        makers=frozenset({"disclosure_officer"}),
        checkers=frozenset({"disclosure_approver"}),
        subject=_subject,
        state=_state,
        check=_check,
        describe=_describe,
        apply=_write,
        form=AgreementForm,
    ),
)
