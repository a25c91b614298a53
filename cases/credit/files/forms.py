"""What people type about a month's file."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Pounds, Whole
from cases.kernel.forms.plainforms import StepForm

__all__ = ["ApproveForm", "ExtractForm", "FactsForm", "PartyForm"]

_DAY = forms.DateInput(attrs={"type": "date"})


class FactsForm(LightForm):
    """The month. Files are opened by themselves."""

    month = forms.DateField(label="Month", widget=_DAY)


class PartyForm(LightForm):
    """A file is about nobody in particular."""

    surname = forms.CharField(label="Last name", max_length=80, required=False)


class ExtractForm(StepForm):
    """Of which day the file tells."""

    effective_date = forms.DateField(label="Tells of the day", widget=_DAY, help_text="A day of the file's month.")


class ApproveForm(StepForm):
    """The control totals, from billing's own report."""

    rows = Whole(label="Accounts, as the control report of billing says", min_value=0)
    total = Pounds(label="Total of the balances, in pounds, as it says", max_digits=14)

    def inputs(self) -> dict[str, Any]:
        given = super().inputs()
        return {"rows": given["rows"], "total_pence": int(given["total"] * 100)}
