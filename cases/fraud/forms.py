"""What people type about a fraud referral: opening facts, people, the four pillars."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from cases.fraud import codes
from cases.kernel.codelists import CodeField
from cases.kernel.models import Case

__all__ = ["ApproveForm", "FactsForm", "PartyForm", "SubmitForm"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
# A slip of the finger in a year would move every period that is counted from the day.
_CENTURY = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31)))


class FactsForm(forms.Form):
    """The opening facts. Money is typed in pounds and kept in pence."""

    fpa_case_type = forms.ChoiceField(label="Kind of fraud", choices=codes.CASE_TYPES)
    reasons = forms.MultipleChoiceField(
        label="What was done",
        choices=[(label, codes.REASONS[code]) for code, label in codes.CASE_TYPES],
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    product = CodeField(label="Product", codes=codes.PRODUCTS)
    sales_channel = CodeField(label="Channel", codes=codes.SALES_CHANNELS)
    is_facility_granted = forms.BooleanField(label="The product was provided", required=False)
    application_date = forms.DateField(label="Date of application", required=False, widget=_DAY, validators=_CENTURY)
    discovered_date = forms.DateField(label="Date discovered", widget=_DAY, validators=_CENTURY)
    value_at_risk = forms.DecimalField(
        label="Value at risk, in pounds", min_value=0, max_digits=11, decimal_places=2, required=False
    )
    loss = forms.DecimalField(label="Loss, in pounds", min_value=0, max_digits=11, decimal_places=2, required=False)
    account_reference = forms.CharField(label="Account", max_length=40, required=False)
    notice_version = forms.CharField(
        label="Privacy notice shown to the customer",
        max_length=20,
        required=False,
        help_text="Version, for example 2026-02",
    )
    notice_shown_date = forms.DateField(label="Shown on", required=False, widget=_DAY, validators=_CENTURY)
    may_share_with_police = forms.BooleanField(label="The agency may pass it to the police", required=False)
    prejudice_recorded = forms.BooleanField(
        label="Telling the people involved would prejudice an investigation", required=False
    )
    narrative = forms.CharField(
        label="What happened", max_length=8000, required=False, widget=forms.Textarea(attrs={"rows": 5})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        allowed = {code for code, _ in codes.REASONS.get(cleaned.get("fpa_case_type", ""), ())}
        if allowed and cleaned.get("reasons") and not set(cleaned["reasons"]) <= allowed:
            self.add_error("reasons", "Choose only reasons that belong to the kind of fraud.")
        for name in ("value_at_risk", "loss"):
            cleaned[f"{name}_pence"] = int((cleaned.pop(name, None) or 0) * 100)
        return cleaned


class PartyForm(forms.Form):
    """One person and one address. Empty fields are simply not known."""

    role = CodeField(label="Role", codes=codes.ROLES)
    is_innocent = forms.BooleanField(label="Innocent", required=False)
    title = forms.CharField(label="Title", max_length=20, required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    alias = forms.CharField(label="Name used", max_length=120, required=False)
    date_of_birth = forms.DateField(label="Date of birth", required=False, widget=_DAY)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    ip_address = forms.GenericIPAddressField(label="IP address", required=False)
    device = forms.CharField(label="Device or SIM", max_length=60, required=False)
    address_kind = CodeField(label="Address is", codes=codes.ADDRESS_KINDS, required=False)
    line_1 = forms.CharField(label="Address", max_length=120, required=False)
    line_2 = forms.CharField(label="Address, second line", max_length=120, required=False)
    town = forms.CharField(label="Town", max_length=60, required=False)
    postcode = forms.CharField(label="Postcode", max_length=10, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") in codes.VICTIM_ROLES and not cleaned.get("is_innocent"):
            self.add_error("is_innocent", "A victim is innocent.")
        return cleaned

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        address = {name: cleaned.pop(name) for name in ("line_1", "line_2", "town", "postcode")}
        address["kind"] = cleaned.pop("address_kind") or "current"
        born = cleaned.get("date_of_birth")
        return {
            "role": cleaned.pop("role"),
            "is_innocent": cleaned.pop("is_innocent"),
            "values": {**cleaned, "date_of_birth": born.isoformat() if born else None},
            "addresses": [address] if address["line_1"] or address["postcode"] else [],
        }


class SubmitForm(forms.Form):
    """The maker's answers to the four pillars, each with the documents that bear it out.

    Takes `case`; `inputs()` gives what transitions.apply takes.
    """

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = dict(codes.EVIDENCE_KINDS)
        documents = [
            (str(each.number), f"Document {each.number}: {kinds.get(each.kind, each.kind)}")
            for each in sorted(case.evidence.all(), key=lambda each: each.number)
        ]
        for number, label in codes.PILLARS:
            self.fields[f"pillar_{number}"] = forms.ChoiceField(
                label=f"{number}. {label}", choices=(("yes", "Yes"), ("no", "No")), widget=forms.RadioSelect
            )
            self.fields[f"evidence_{number}"] = forms.MultipleChoiceField(
                label=f"Documents for pillar {number}",
                choices=documents,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        self.fields["exception"] = forms.ChoiceField(
            label="Exception to pillar 4", choices=codes.PILLAR_4_EXCEPTIONS, required=False
        )

    def inputs(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "pillars": {
                number: {
                    "is_met": cleaned[f"pillar_{number}"] == "yes",
                    "evidence": [int(each) for each in cleaned[f"evidence_{number}"]],
                    "exception": cleaned["exception"] if number == 4 else "",
                }
                for number, _ in codes.PILLARS
            }
        }


class ApproveForm(forms.Form):
    """The checker's own answers to the four pillars, and to who is marked innocent."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, label in codes.PILLARS:
            self.fields[f"pillar_{number}"] = forms.ChoiceField(
                label=f"{number}. {label}", choices=(("yes", "Yes"), ("no", "No")), widget=forms.RadioSelect
            )
        self.fields["has_reviewed_innocent"] = forms.BooleanField(
            label="I reviewed who is marked innocent and who is not"
        )

    def inputs(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "pillars": {number: {"is_met": cleaned[f"pillar_{number}"] == "yes"} for number, _ in codes.PILLARS},
            "has_reviewed_innocent": cleaned["has_reviewed_innocent"],
        }
