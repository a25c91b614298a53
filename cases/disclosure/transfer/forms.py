"""What people type about a transfer: the proposal, and what the data protection officer decides."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.disclosure.emergency.forms import PartyForm as PersonForm
from cases.disclosure.transfer import codes, guards, periods
from cases.kernel import formats
from cases.kernel.countries import COUNTRIES
from cases.kernel.exchange.agreements import HOME, OWN
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.plainforms import CARD, Chosen, StepForm, needed_when
from cases.kernel.models import Agency, Case

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


def _abroad() -> list[tuple[str, str]]:
    named = sorted((each.name, code) for code, each in COUNTRIES.items() if code != HOME)
    return [_CHOOSE, *((code, name) for name, code in named)]


class FactsForm(LightForm):
    """Who would have people's data where, and why."""

    recipient = forms.ChoiceField(label="Recipient", choices=_recipients)
    country = forms.ChoiceField(label="Country", choices=_abroad)
    why = forms.CharField(
        label="What is sent there, and why it is needed",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_known = forms.BooleanField(
        label="I know that it stops everything to this recipient at once",
        help_text="Until it is decided nothing that needs an agreement goes to the recipient, also within the United "
        "Kingdom.",
        error_messages={"required": "Say that you know what stops, or choose another recipient."},
    )

    def clean_why(self) -> str:
        text = str(self.cleaned_data["why"])
        if formats.has_card_number(text):
            raise forms.ValidationError(CARD, code="card_number")
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned.pop("is_known", None)
        return cleaned


class PartyForm(PersonForm):
    """A contact at the recipient."""

    role: Any = forms.ChoiceField(label="Role", choices=codes.ROLES)


class RenewForm(StepForm):
    """Until when it holds now."""

    review_date = forms.DateField(
        label="Review date",
        help_text=f"The last day on which anything is sent, within {periods.LONGEST_MONTHS // 12} years.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class ApproveForm(RenewForm):
    """On what it is approved."""

    mechanism = forms.ChoiceField(label="Mechanism", choices=[_CHOOSE, *codes.MECHANISMS])
    assessment = forms.CharField(
        label="Transfer risk assessment",
        max_length=60,
        required=False,
        help_text="Its reference; of the data bridge, the name on the list of the UK extension and when you looked.",
    )
    is_not_lower = forms.BooleanField(
        label="It found the protection not materially lower than in the United Kingdom", required=False
    )
    document = Chosen(
        label="The assessment itself",
        coerce=int,
        empty_value=None,
        required=False,
        none="None",
        help_text="A clean document of this case of the kind “Transfer risk assessment”. Its hash is kept.",
    )
    field_order = ("mechanism", "assessment", "document", "is_not_lower", "review_date")

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        self.fields["document"].choices = [  # type: ignore[attr-defined]  # -- a choice field
            (each.number, f"Document {each.number}, SHA-256 {each.sha256[:12]}…") for each in guards.assessments(case)
        ]
        names = "with a mechanism that needs one"
        needed_when(self, names, "assessment", "document", "is_not_lower")
