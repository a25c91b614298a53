"""What people type about a trace."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.fraud.trace import codes, messages
from cases.kernel import formats
from cases.kernel.formats import BadFormat
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen, PersonForm, PlainForm, StepForm

__all__ = ["AcceptForm", "FactsForm", "HoldForm", "NextForm", "PartyForm", "PassForm", "StartForm"]


class FactsForm(PlainForm):
    """Which calls came to which line."""

    line = forms.CharField(label="Line that was called", max_length=24)
    calls = forms.CharField(
        label="Dates and times of the calls",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="As whoever complains wrote them down, with the time zone.",
    )
    call_count = Whole(label="How many calls", min_value=1, max_value=100_000)
    harm = forms.CharField(label="What harm they do", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    police_reference = forms.CharField(label="Reference of the police, if any", max_length=80, required=False)
    incident_reference = forms.RegexField(
        label="Incident of malware or an attack, if any",
        regex=r"^[A-Za-z0-9][A-Za-z0-9/-]*$",
        max_length=40,
        required=False,
        help_text="The reference under which security works on it, where the calls come of it.",
    )

    def clean_line(self) -> str:
        try:
            return formats.phone(self.cleaned_data["line"])
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None


class PartyForm(PersonForm):
    """Whoever complains, and where a letter reaches them."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)


def _via(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=800,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=help_text,
    )


class AcceptForm(StepForm):
    """Why the withheld number is overridden."""

    is_expedient = forms.BooleanField(
        label="It is necessary and expedient to trace these calls (PECR regulation 15)", required=False
    )


class StartForm(StepForm):
    """Who is asked first: a provider of the register by a message, any other by a person."""

    agency = forms.ChoiceField(
        label="Provider that is asked",
        required=False,
        help_text="It is asked by a message, and whoever it names next as well.",
    )
    provider = forms.CharField(
        label="Or a provider that is not in the register",
        max_length=80,
        required=False,
        help_text="A task asks somebody to ask it.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].choices = _agencies(codes.PROVIDER)  # type: ignore[attr-defined]  # -- a ChoiceField


class NextForm(StartForm):
    """Who sent us on, if anybody answered, and who is asked next."""

    via = _via("Provider that sent us on", "Who answered a person that the calls came from another. Empty: nobody did.")
    field_order = ("via", "agency", "provider")


class HoldForm(StepForm):
    """What was answered, and by whom."""

    via = _via(
        "Providers on the way, if any",
        "Those who sent us on to another and are not on record yet, one on each line, in the order in which they were "
        "asked.",
    )
    provider = forms.CharField(label="Provider that answered last", max_length=80)
    outcome = Chosen(
        label="What was found",
        choices=codes.OUTCOMES,
        help_text="It ends the tracing. While another provider can be asked, ask it first, and name all of them above.",
    )
    result = forms.CharField(label="The result", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class PassForm(StepForm):
    """To whom the result goes, and why they may have it. Whoever complained cannot be chosen."""

    recipient = forms.ChoiceField(label="Give the result to")
    interest = forms.CharField(
        label="Their legitimate interest in it",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For example: they investigate these calls. It is kept in the register of releases.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["recipient"].choices = _agencies(codes.POLICE, codes.PROVIDER)  # type: ignore[attr-defined]  # -- a ChoiceField


def _agencies(*kinds: str) -> list[tuple[str, str]]:
    found = [(each.code, each.display_name) for each in messages.in_register(kinds)]
    return [("", "Choose"), *found]
