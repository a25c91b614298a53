"""What people type about a default. Money is typed in pounds and kept in pence."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.credit.defaults import codes
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Pounds
from cases.kernel.forms.plainforms import StepForm

__all__ = [
    "ApproveForm",
    "ArrangeForm",
    "CorrectForm",
    "FactsForm",
    "PartPaymentForm",
    "PartyForm",
    "PaymentForm",
    "RemoveForm",
    "SettleForm",
    "VoidForm",
    "WithdrawForm",
]

_CHOOSE = ("", "Choose")
_ATTACH_FIRST = "Attach the document first, on the tab Documents of this case; then it can be chosen here."


def _day(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(label=label, help_text=help_text, widget=forms.DateInput(attrs={"type": "date"}))


def _pounds(label: str) -> Pounds:
    return Pounds(label=label, min_value=0, max_digits=9)


class FactsForm(LightForm):
    """Which account. Cases are opened by what billing tells."""

    account_reference = forms.CharField(label="Account", max_length=40)


class PartyForm(LightForm):
    """A holder, as billing tells of them."""

    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)


class _StepForm(StepForm):
    """What one step asks for."""

    def inputs(self) -> dict[str, Any]:
        """Return what was typed; an amount in pounds is one in pence, under its own name."""
        given = super().inputs()
        pounds = [name for name, field in self.fields.items() if isinstance(field, Pounds)]
        return given | {f"{name}_pence": int(given.pop(name) * 100) for name in pounds}


class ArrangeForm(_StepForm):
    """What the customer pays, and until when."""

    plan = _pounds("Paid each month, in pounds")
    plan_until_date = _day("Runs until")


class VoidForm(_StepForm):
    """Why the notice no longer counts."""

    ground = forms.ChoiceField(label="Why", choices=[_CHOOSE, *codes.VOIDED_FOR])


class ApproveForm(_StepForm):
    """The date of the default."""

    default_date = _day(
        "Date of the default",
        "Today, where the first payment was missed three to six months ago; if longer ago, a day within those months.",
    )


class WithdrawForm(_StepForm):
    """Why it is taken back."""

    ground = forms.ChoiceField(label="Why", choices=[_CHOOSE, *codes.WITHDRAWN_FOR])


class PartPaymentForm(_StepForm):
    """A part of the default was paid."""

    amount = _pounds("Paid, in pounds")


class PaymentForm(PartPaymentForm):
    """All that was left was paid."""

    satisfied_date = _day("Paid on")


class RemoveForm(_StepForm):
    """The document that shows it."""

    evidence = forms.ChoiceField(label="Document that shows it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = dict(codes.EVIDENCE_KINDS)
        shown = list(self.case.evidence.exclude(scan="infected").order_by("number"))
        field: Any = self.fields["evidence"]
        field.choices = [
            _CHOOSE if shown else ("", "None is attached"),
            *((str(each.number), f"{each.number}: {kinds.get(each.kind, each.kind)}") for each in shown),
        ]
        if not shown:
            field.help_text = field.error_messages["required"] = _ATTACH_FIRST


class SettleForm(RemoveForm):
    """Less was paid than was left, and it was agreed in writing that this is all."""

    amount = _pounds("Paid last and accepted for all that was left, in pounds")
    satisfied_date = _day("Paid on")


class CorrectForm(RemoveForm):
    """The default as it should be."""

    default_date = _day("Date of the default", "It never moves later.")
    default = _pounds("Balance of the default, in pounds")
