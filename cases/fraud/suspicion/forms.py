"""What people type about a suspicion: any colleague's referral, and the officer's own report."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from cases.fraud.party_forms import PartyForm as PersonForm
from cases.fraud.suspicion import codes
from cases.kernel import calendars
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Case
from cases.kernel.office.codelists import CodesField

__all__ = ["FactsForm", "PartyForm", "ReferralForm", "RefusalForm"]

_ACCOUNTS = "Account"
_SEVERAL = "Several are separated by commas."


class ReferralForm(forms.Form):
    """What a colleague passes on. Nothing of it comes back to them."""

    referral = forms.CharField(
        label="What makes you suspicious?",
        max_length=codes.LONGEST_NARRATIVE,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Who, what, when, where, why and how, as far as you know it.",
    )
    account_reference = forms.CharField(label=_ACCOUNTS, max_length=200, required=False, help_text=_SEVERAL)
    once = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)


class FactsForm(LightForm):
    """The officer's report. What is not known is written UNKNOWN."""

    reason_code = Chosen(label="Why it is reported", choices=codes.REASONS)
    glossary_codes = CodesField(
        label="Glossary codes", codes=codes.GLOSSARY, required=False, widget=forms.CheckboxSelectMultiple
    )
    account_reference = forms.CharField(label=_ACCOUNTS, max_length=200, required=False, help_text=_SEVERAL)
    transactions = forms.CharField(
        label="Transactions", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    narrative = forms.CharField(
        label="Narrative",
        max_length=codes.LONGEST_NARRATIVE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Who, what, when, where, why and how. Write UNKNOWN for what is not known.",
    )
    police_contact = forms.CharField(label="Contact at law enforcement", max_length=200, required=False)
    submitted_from = forms.TypedChoiceField(
        label="Where you report from",
        choices=[(code, label) for code, (_, label) in calendars.JURISDICTIONS.items()],
        required=False,
        empty_value="eaw",
        help_text="The bank holidays of that part of the United Kingdom count.",
    )


class RefusalForm(forms.Form):
    """When a refusal that came another way than by a message came in."""

    received_date = forms.DateField(
        label="Came in on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The moratorium counts from this day. Empty: today.",
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class PartyForm(PersonForm):
    """One person of the report."""

    role: Any = Chosen(label="Role", choices=codes.ROLES)
