"""What people type about a check and about the people it is of."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from cases.credit import codes
from cases.kernel import formats
from cases.kernel.formats import BadFormat
from cases.kernel.models import Case

__all__ = ["DecideForm", "FactsForm", "PartyForm"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_LIVING = (MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2099, 12, 31)))
_LINES = ("line_1", "line_2", "town", "postcode", "country")
_CHOOSE = ("", "Choose")
_MOST_PENCE = 10_000_000
_CARD = "This looks like a payment card number. Card numbers are never kept."


class _Plain(forms.Form):
    """Refuses card numbers in whatever is typed."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in cleaned.items():
            if isinstance(value, str) and formats.has_card_number(value):
                self.add_error(name, forms.ValidationError(_CARD, code="card_number"))
        return cleaned


class FactsForm(_Plain):
    """Which application, on which occasion, and which notice the person was shown."""

    application_id = forms.RegexField(
        label="Application",
        regex=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        max_length=40,
        help_text="The order system's own number. An application is checked once.",
    )
    occasion = forms.ChoiceField(label="Occasion", choices=codes.OCCASIONS)
    channel = forms.ChoiceField(label="Channel", choices=codes.CHANNELS)
    product = forms.CharField(label="Product", max_length=40)
    monthly_pence = forms.IntegerField(label="Each month, in pence", min_value=0, max_value=_MOST_PENCE, required=False)
    handset_pence = forms.IntegerField(label="Handset, in pence", min_value=0, max_value=_MOST_PENCE, required=False)
    basis = forms.ChoiceField(label="Legal basis", choices=[_CHOOSE, *codes.BASES], required=False)
    has_special_category = forms.BooleanField(
        label="Special category data is involved", required=False, help_text="Then a person decides."
    )
    notice_version = forms.CharField(
        label="Notice shown to the person",
        max_length=20,
        help_text="Version of the text that says that agencies are searched, for example 2026-02.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("monthly_pence", "handset_pence"):
            cleaned[name] = cleaned.get(name) or 0
        cleaned["basis"] = cleaned.get("basis") or "gdpr_6_1_f"
        return cleaned


class PartyForm(_Plain):
    """The applicant, or the person with whom they are financially linked."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    title = forms.CharField(label="Title", max_length=20, required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    middle_name = forms.CharField(label="Middle name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80)
    date_of_birth = forms.DateField(label="Date of birth", required=False, widget=_DAY, validators=_LIVING)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    line_1 = forms.CharField(label="Address", max_length=120, required=False)
    line_2 = forms.CharField(label="Address, second line", max_length=120, required=False)
    town = forms.CharField(label="Town", max_length=60, required=False)
    postcode = forms.CharField(label="Postcode", max_length=10, required=False)
    country = forms.CharField(label="Country, if abroad", max_length=60, required=False)

    def clean_phone(self) -> str:
        return self._tidy("phone", formats.phone)

    def clean_postcode(self) -> str:
        abroad = str(self.data.get(self.add_prefix("country")) or "").strip()
        return str(self.cleaned_data["postcode"]) if abroad else self._tidy("postcode", formats.postcode)

    def _tidy(self, name: str, tidy: Any) -> str:
        text = self.cleaned_data[name]
        try:
            return tidy(text) if text else ""
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        place = {name: cleaned.pop(name) for name in _LINES}
        born = cleaned.get("date_of_birth")
        return {
            "role": cleaned.pop("role"),
            "is_innocent": True,
            "values": {**cleaned, "date_of_birth": born.isoformat() if born else None},
            "addresses": [{"kind": "current", **place}] if any(place.values()) else [],
        }


class DecideForm(_Plain):
    """What a person decides, why, and how they took part. Nothing is chosen beforehand."""

    outcome = forms.ChoiceField(label="Decision", choices=[_CHOOSE, *codes.OUTCOMES])
    reasons = forms.MultipleChoiceField(
        label="Main reasons", choices=codes.REASONS, widget=forms.CheckboxSelectMultiple
    )
    triggers = forms.MultipleChoiceField(
        label="What of the notice applies",
        choices=codes.TRIGGERS,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Only where it does.",
    )
    involvement = forms.CharField(
        label="What you looked at yourself, and what you made of it",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)
