"""What people type about a moratorium: the notice, whose accounts are meant, a debt added later, a review."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.debt.moratorium import codes, searching
from cases.kernel import formats, money
from cases.kernel.finding import terms
from cases.kernel.forms.plainforms import CARD, DAY, Chosen, PersonForm, PlainForm, StepForm

__all__ = ["AddDebtForm", "ApplyForm", "FactsForm", "PartyForm", "ReviewForm"]

_CHOOSE = ("", "Choose")
MOST_DEBTS = 50
_AGREES = {
    "date_of_birth": "date of birth",
    "surname": "last name",
    "forename": "first name",
    "postcode": "postcode",
    "account": "account number",
}


class FactsForm(PlainForm):
    """What the notice says, and the notice itself."""

    regime = forms.ChoiceField(label="Kind of moratorium", choices=[_CHOOSE, *codes.REGIMES])
    register_reference = forms.CharField(label="Reference of the register", max_length=40)
    start_date = forms.DateField(
        label="First protected day",
        widget=DAY,
        help_text="The day after the entry in the register; in Scotland, the day of the entry.",
    )
    accounts = forms.CharField(
        label="Accounts that the notice names",
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Our account numbers, one on each line. Leave it empty where the notice names none.",
    )
    is_address_withheld = forms.BooleanField(label="The notice withholds the address", required=False)
    notice = forms.CharField(
        label="The notice, word for word",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Kept as it came. Attach the paper or the e-mail as well once the case is open.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial:  # the case is open: which accounts were named stays as it came, and a person chooses
            del self.fields["accounts"]

    def clean_accounts(self) -> list[str]:
        numbers = [line.strip() for line in self.cleaned_data["accounts"].splitlines() if line.strip()]
        if len(numbers) > MOST_DEBTS or any(len(number) > 40 for number in numbers):
            raise forms.ValidationError(f"Name at most {MOST_DEBTS} accounts, each a number on its own line.")
        if any(formats.has_card_number(number) for number in numbers):
            raise forms.ValidationError(CARD, code="card_number")
        return list({terms.account(number): number for number in numbers if terms.account(number)}.values())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        numbers = cleaned.pop("accounts", None) or []
        return {**cleaned, "debts": [{"account_reference": number} for number in numbers]}


class PartyForm(PersonForm):
    """The debtor, or whoever advises them."""

    is_innocent = False
    role = Chosen(label="Role", choices=codes.ROLES)
    surname = forms.CharField(label="Last name, or name of the adviser", max_length=80)


NONE_FOUND = "No account of ours was found yet, so there is none to protect. It is looked for again as billing tells."


class ApplyForm(StepForm):
    """Which of the accounts that were found are the debtor's."""

    debts = forms.MultipleChoiceField(
        label="Accounts that the moratorium protects",
        widget=forms.CheckboxSelectMultiple,
        help_text="What agrees with the notice stands beside each. Open the account numbers in the notice to compare.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = [debt for debt in searching.debts_of(self.case) if debt.account is not None]
        field: Any = self.fields["debts"]
        field.choices = [(str(debt.number), said_of(debt)) for debt in rows]
        if not rows:
            field.help_text = NONE_FOUND
            field.error_messages["required"] = NONE_FOUND


def said_of(debt: Any) -> str:
    """Return one account that was found: what it is, what is owed, and what agrees with the notice."""
    agree = [word for name, word in _AGREES.items() if debt.parts.get(name) in ("same", "alike")]
    differ = [word for name, word in _AGREES.items() if debt.parts.get(name) == "different"]
    words = [
        f"{debt.number}. {debt.product}, {money.pounds(debt.account.balance_pence)}",
        f"agrees: {', '.join(agree) or 'nothing'}",
        *([f"differs: {', '.join(differ)}"] if differ else []),
        *(["joint account"] if debt.is_joint else []),
    ]
    return "; ".join(words)


class AddDebtForm(StepForm):
    """One more debt, and the day from which it is protected."""

    account_reference = forms.CharField(label="Account", max_length=40)
    effective_date = forms.DateField(label="Protected from", widget=DAY)

    def inputs(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "account_reference": cleaned["account_reference"],
            "effective_date": cleaned["effective_date"].isoformat(),
        }


class ReviewForm(StepForm):
    """On which ground, and what it rests on."""

    ground = forms.ChoiceField(label="Ground", choices=[_CHOOSE, *codes.GROUNDS])
    particulars = forms.CharField(
        label="What it rests on",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="It is printed in the letter to the adviser.",
    )
