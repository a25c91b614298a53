"""What people type about a trace."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.fraud.trace import codes
from cases.kernel import formats
from cases.kernel.formats import BadFormat
from cases.kernel.models import Case
from cases.kernel.plainforms import PlainForm

__all__ = ["AcceptForm", "FactsForm", "HoldForm", "PartyForm", "StartForm"]


def _phone(text: str) -> str:
    try:
        return formats.phone(text) if text else ""
    except BadFormat as refusal:
        raise forms.ValidationError(str(refusal), code="invalid") from None


class FactsForm(PlainForm):
    """Which calls came to which line."""

    line = forms.CharField(label="Line that was called", max_length=24)
    calls = forms.CharField(
        label="Dates and times of the calls",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="As whoever complains wrote them down, with the time zone.",
    )
    call_count = forms.IntegerField(label="How many calls", min_value=1, max_value=100_000)
    harm = forms.CharField(label="What harm they do", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    police_reference = forms.CharField(label="Reference of the police, if any", max_length=80, required=False)

    def clean_line(self) -> str:
        return _phone(self.cleaned_data["line"])


class PartyForm(forms.Form):
    """Whoever complains."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)

    def clean_phone(self) -> str:
        return _phone(self.cleaned_data["phone"])

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        return {"role": cleaned.pop("role"), "is_innocent": True, "values": cleaned, "addresses": []}


class _StepForm(PlainForm):
    """What one step asks for. Takes `case`; `inputs()` gives what transitions.apply takes."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class AcceptForm(_StepForm):
    """Why the withheld number is overridden."""

    is_expedient = forms.BooleanField(
        label="It is necessary and expedient to trace these calls (PECR regulation 15)", required=False
    )


class StartForm(_StepForm):
    """Who is asked."""

    provider = forms.CharField(label="Provider from which the calls came", max_length=80)


class HoldForm(StartForm):
    """What was answered."""

    outcome = forms.ChoiceField(label="What was found", choices=codes.OUTCOMES)
    result = forms.CharField(label="The result", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
