"""What people type about placements: a batch of accounts, and whether an agency is to stop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from cases.debt import batches
from cases.kernel import formats
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Number
from cases.kernel.forms.plainforms import Chosen, StepForm

__all__ = ["BatchForm", "FactsForm", "HoldForm", "PartyForm"]


class FactsForm(LightForm):
    """Which account. Placements are chosen on a page of their own."""

    account_reference = forms.CharField(label="Account", max_length=40)


class PartyForm(LightForm):
    """A holder, as billing tells of them."""

    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)


class BatchForm(forms.Form):
    """Which accounts go to which agency, and what it keeps of what it collects."""

    agency = Chosen(label="Recovery agency")
    commission = Number(
        label="Commission that was agreed, in percent",
        max_digits=4,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(50),
        help_text="Of what the agency collects, without VAT. For example 18. Its remittances are held against it.",
    )
    accounts = forms.CharField(
        label="Accounts",
        max_length=150_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Account numbers, one on each line, at most 5,000. Each is checked against every exclusion.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.code, each.display_name) for each in batches.agencies()]
        self.fields["agency"].choices = choices  # type: ignore[attr-defined]  # -- a choice field

    def clean_commission(self) -> int:
        """Return hundredths of a percent."""
        return int(self.cleaned_data["commission"] * 100)

    def clean_accounts(self) -> list[str]:
        numbers = [line.strip() for line in self.cleaned_data["accounts"].splitlines() if line.strip()]
        if any(formats.has_card_number(number) for number in numbers):
            raise forms.ValidationError("This looks like a payment card number.", code="card_number")
        return list(dict.fromkeys(numbers))


class HoldForm(StepForm):
    """Whether the agency is to stop, or may go on. Takes `case`."""

    is_held = Chosen(
        label="Tell the agency",
        choices=(("stop", "To stop contact and enforcement"), ("go_on", "That it may go on")),
        coerce=lambda word: word == "stop",
    )
