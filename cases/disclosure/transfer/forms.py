"""What people type about a transfer: the proposal, and what the data protection officer decides."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.disclosure.emergency.forms import PartyForm as PersonForm
from cases.disclosure.transfer import codes, periods
from cases.kernel import formats
from cases.kernel.exchange.agreements import HOME, OWN
from cases.kernel.models import Agency, Case
from cases.kernel.plainforms import CARD

__all__ = ["ApproveForm", "FactsForm", "PartyForm", "RenewForm"]

_CHOOSE = ("", "Choose")


def _recipients() -> list[tuple[str, str]]:
    rows = (
        Agency.objects.filter(terms__isnull=False)
        .exclude(kind=OWN)
        .order_by("display_name")
        .values_list("code", "display_name")
    )
    return [_CHOOSE, *rows]


class FactsForm(forms.Form):
    """Who would have people's data where, and why."""

    recipient = forms.ChoiceField(label="Recipient", choices=_recipients)
    country = forms.RegexField(
        label="Country",
        regex=r"^[A-Za-z]{2}$",
        help_text="Two letters of ISO 3166: IN for India, US for the United States.",
        error_messages={"invalid": "Write the country with two letters, such as IN."},
    )
    why = forms.CharField(
        label="What is sent there, and why it is needed",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).upper()
        if country == HOME:
            raise forms.ValidationError("Nothing is decided for a country within the United Kingdom.", code="home")
        return country

    def clean_why(self) -> str:
        text = str(self.cleaned_data["why"])
        if formats.has_card_number(text):
            raise forms.ValidationError(CARD, code="card_number")
        return text


class PartyForm(PersonForm):
    """A contact at the recipient."""

    role: Any = forms.ChoiceField(label="Role", choices=codes.ROLES)


class RenewForm(forms.Form):
    """Until when it holds now. Takes `case`; `inputs()` gives what transitions.apply takes."""

    review_date = forms.DateField(
        label="Review date",
        help_text=f"The last day on which anything is sent, within {periods.LONGEST_MONTHS // 12} years.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ApproveForm(RenewForm):
    """On what it is approved."""

    mechanism = forms.ChoiceField(label="Mechanism", choices=[_CHOOSE, *codes.MECHANISMS])
    assessment = forms.CharField(label="Transfer risk assessment", max_length=60, required=False)
    is_not_lower = forms.BooleanField(
        label="It found the protection not materially lower than in the United Kingdom", required=False
    )
    field_order = ("mechanism", "assessment", "is_not_lower", "review_date")
