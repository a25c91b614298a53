"""What people type about a check and about the people it is of."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from cases.credit import codes, opening
from cases.kernel.forms.numberfields import Pounds
from cases.kernel.forms.plainforms import PLACE, Chosen, PersonForm, PlainForm, StepForm
from cases.kernel.models import Case
from cases.kernel.timing import places

__all__ = ["DecideForm", "FactsForm", "PartyForm"]

_CHOOSE = ("", "Choose")
_MOST_POUNDS = 100_000


class FactsForm(PlainForm):
    """Which application, on which occasion, and which notice the person was shown. Money is typed in pounds and kept in
    pence."""

    application_id = forms.RegexField(
        label="Application",
        regex=r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
        max_length=40,
        help_text="The order system's own number. An application is checked once.",
    )
    occasion = Chosen(label="Occasion", choices=codes.OCCASIONS)
    channel = Chosen(label="Channel", choices=codes.CHANNELS)
    product = forms.CharField(label="Product", max_length=40)
    monthly = Pounds(label="Each month, in pounds", min_value=0, max_value=_MOST_POUNDS, required=False)
    handset = Pounds(label="Handset, in pounds", min_value=0, max_value=_MOST_POUNDS, required=False)
    basis = forms.ChoiceField(label="Legal basis", choices=[_CHOOSE, *codes.BASES], required=False)
    has_special_category = forms.BooleanField(
        label="Special category data is involved", required=False, help_text="Then a person decides."
    )
    notice_version = forms.CharField(
        label="Notice shown to the person",
        max_length=20,
        help_text="Version of the text that says that agencies are searched, for example 2026-02.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial.get("application_id"):  # its searches are made under this number, once for ever
            self.fields.pop("application_id")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("monthly", "handset"):
            cleaned[f"{name}_pence"] = int((cleaned.pop(name, None) or 0) * 100)
        cleaned["basis"] = cleaned.get("basis") or "gdpr_6_1_f"
        return cleaned


class PartyForm(PersonForm):
    """The applicant, or the person with whom they are financially linked."""

    # Whether agencies are asked about them. A correction need not name the whole address again.
    is_searched: ClassVar[bool] = True

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    middle_name = forms.CharField(label="Middle name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if (
            cleaned.get("role") == "applicant"
            and not cleaned.get("date_of_birth")
            and "date_of_birth" not in self.errors
        ):
            self.add_error("date_of_birth", forms.ValidationError(opening.NO_BIRTH, code="required"))
        place = {name: cleaned.get(name) for name in PLACE}
        is_half = any(place.values()) and not places.is_whole(place["line_1"], place["town"], place["postcode"])
        if self.is_searched and not self.initial and is_half and "postcode" not in self.errors:
            self.add_error("line_1", forms.ValidationError(opening.HALF_ADDRESS, code="required"))
        return cleaned


class DecideForm(StepForm):
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
        super().__init__(*args, case=case, **kwargs)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [_CHOOSE, *codes.outcomes_of(case.check_facts.occasion)]
