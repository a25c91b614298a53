"""What people type about a sale."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from cases.accounts.reading import PRODUCTS
from cases.debt.sale import bids, codes, prices
from cases.kernel.calendars import JURISDICTIONS
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Number, Pounds, Whole
from cases.kernel.forms.plainforms import Chosen, StepForm
from cases.kernel.models import Case

__all__ = [
    "AgainForm",
    "BidForm",
    "BiddersForm",
    "BuyBackForm",
    "BuyerForm",
    "CompleteForm",
    "FactsForm",
    "PartyForm",
    "PreferForm",
    "SignForm",
]

_DAY = forms.DateInput(attrs={"type": "date"})
_MOST = Decimal("1000000")


def _pence(pounds: Decimal | None) -> int | None:
    return int(pounds * 100) if pounds is not None else None


class FactsForm(LightForm):
    """Which accounts: by product, part of the country, what is owed, and since when."""

    products = forms.MultipleChoiceField(
        label="Products", choices=list(PRODUCTS.items()), widget=forms.CheckboxSelectMultiple
    )
    jurisdictions = forms.MultipleChoiceField(
        label="Parts of the country",
        choices=[(code, names[1]) for code, names in JURISDICTIONS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    balance_from = Pounds(label="Owed from, in pounds", max_digits=9, min_value=Decimal("0.01"), max_value=_MOST)
    balance_to = Pounds(
        label="Owed up to, in pounds",
        required=False,
        max_digits=9,
        min_value=Decimal("0.01"),
        max_value=_MOST,
    )
    unpaid_until = forms.DateField(label="Oldest unpaid bill up to", required=False, widget=_DAY)
    defaulted_from = forms.DateField(label="Default from", required=False, widget=_DAY)
    defaulted_until = forms.DateField(label="Default up to", required=False, widget=_DAY)

    def clean_balance_from(self) -> int | None:
        return _pence(self.cleaned_data["balance_from"])

    def clean_balance_to(self) -> int | None:
        return _pence(self.cleaned_data["balance_to"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for first, last in (("balance_from", "balance_to"), ("defaulted_from", "defaulted_until")):
            low, high = cleaned.get(first), cleaned.get(last)
            if low is not None and high is not None and high < low:
                self.add_error(last, "This is less than where it begins.")
        return cleaned


class PartyForm(LightForm):
    """Nobody is typed here: the people of a sale are the holders of its accounts."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES, required=False)


class BiddersForm(StepForm):
    """Which buyers are given the tape without names."""

    bidders = forms.MultipleChoiceField(label="Buyers", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["bidders"]
        field.choices = [(each.code, each.display_name) for each in bids.purchasers()]

    @classmethod
    def shown(cls, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return in words what was proposed: whoever agrees reads names. One query."""
        named = {each.code: each.display_name for each in bids.purchasers()}
        buyers = ", ".join(named.get(code, code) for code in inputs["bidders"])
        return [(str(cls.base_fields["bidders"].label), buyers)]


class BidForm(forms.Form):
    """What one buyer offers. Takes `case`."""

    agency = Chosen(label="Buyer")
    rate = Number(
        label="Pence offered for each pound",
        max_digits=4,
        decimal_places=2,
        min_value=Decimal("0.01"),
        help_text="For example 9.5",
    )
    received = forms.DateField(label="Received on", widget=_DAY)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["agency"]
        field.choices = [(each.code, each.display_name) for each in bids.bidders(case)]

    def clean_rate(self) -> int:
        return int(self.cleaned_data["rate"] * 100)


class BuyerForm(StepForm):
    """What was shown of a buyer."""

    has_permission = forms.BooleanField(
        label=codes.DILIGENCE["has_permission"], required=False, help_text="Needed where the credit is regulated."
    )
    is_member = forms.BooleanField(label=codes.DILIGENCE["is_member"], required=False)
    is_registered = forms.BooleanField(label=codes.DILIGENCE["is_registered"], required=False)
    has_few_complaints = forms.BooleanField(label=codes.DILIGENCE["has_few_complaints"], required=False)
    is_not_sanctioned = forms.BooleanField(label=codes.DILIGENCE["is_not_sanctioned"], required=False)
    diligence_until = forms.DateField(label="This holds until", widget=_DAY)


class PreferForm(BuyerForm):
    """Whose bid is preferred, and what was shown of that buyer."""

    field_order = ("bid",)
    bid = Chosen(label="Bid")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = self.case.debt_sale.bids.select_related("agency").order_by("-rate", "number")
        field: Any = self.fields["bid"]
        field.choices = [(str(row.number), f"{row.agency.display_name}: {prices.in_words(row.rate)}") for row in rows]


class SignForm(StepForm):
    """What was agreed with the buyer."""

    agreement_date = forms.DateField(label="Agreement of", widget=_DAY)
    cut_off_date = forms.DateField(label="Cut-off", widget=_DAY)
    completion_date = forms.DateField(label="Completion", widget=_DAY)
    put_back_days = Whole(
        label="Claims are taken for so many days after the completion",
        min_value=1,
        max_value=codes.LONGEST_WINDOW,
        initial=180,
    )
    pass_on_days = Whole(
        label="What customers pay us after the completion is passed on within so many working days",
        min_value=1,
        max_value=codes.LONGEST_PASSING_ON,
        initial=5,
    )


class CompleteForm(StepForm):
    """What the buyer has paid."""

    funds_pence = Pounds(label="Received, in pounds", max_digits=12, min_value=Decimal("0.01"))
    funds_date = forms.DateField(label="Received on", widget=_DAY)

    def clean_funds_pence(self) -> int | None:
        return _pence(self.cleaned_data["funds_pence"])


class BuyBackForm(forms.Form):
    """What the buyer collected of an account that we want back."""

    collected_pence = Pounds(
        label="Collected by the buyer, in pounds",
        required=False,
        max_digits=9,
        min_value=Decimal(0),
        max_value=_MOST,
        help_text="Leave it empty where the buyer has not said it yet.",
    )

    def clean_collected_pence(self) -> int | None:
        return _pence(self.cleaned_data["collected_pence"])


class AgainForm(forms.Form):
    """To which address a notice that came back is served again, and who says so."""

    line_1 = forms.CharField(label="Building and street", max_length=120)
    town = forms.CharField(label="Town", max_length=60)
    postcode = forms.CharField(label="Postcode", max_length=10)
    source = Chosen(label="Where the address comes from", choices=list(codes.ADDRESS_SOURCES.items()))

    def address(self) -> dict[str, str]:
        """Return what parties.add_address takes."""
        return {name: self.cleaned_data[name] for name in ("line_1", "town", "postcode")}
