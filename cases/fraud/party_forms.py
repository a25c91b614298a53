"""What people type about a person of a fraud referral, and about an address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from cases.fraud import codes
from cases.kernel import formats
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import CARD, has_come
from cases.kernel.office import datasources
from cases.kernel.office.codelists import CodeField

__all__ = ["AddressForm", "Lines", "PartyForm", "Tidy"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_LIVING = (
    MinValueValidator(date(1900, 1, 1), "Enter a day from 1900 on."),
    MaxValueValidator(date(2099, 12, 31), "Enter a day before 2100."),
)
_LINE_NAMES = ("line_1", "line_2", "town", "postcode", "country")


class Tidy(forms.CharField):
    """A text kept in one form: `tidy` returns it or raises formats.BadFormat."""

    def __init__(self, *, tidy: Callable[[str], str], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.tidy = tidy

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            return self.tidy(text) if text else ""
        except formats.BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None


class Lines(forms.CharField):
    """Several values, one on each line; each at most 120 characters, at most ten."""

    widget = forms.Textarea(attrs={"rows": 2})

    def clean(self, value: Any) -> str:
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if len(lines) > 10 or any(len(line) > 120 for line in lines):
            raise forms.ValidationError("Write at most ten lines of at most 120 characters.", code="max_length")
        return "\n".join(lines)


def _refuse_cards(form: forms.Form, cleaned: dict[str, Any]) -> None:
    for name, value in cleaned.items():
        if isinstance(value, str) and formats.has_card_number(value):
            form.add_error(name, forms.ValidationError(CARD, code="card_number"))


def _check_place(form: forms.Form, cleaned: dict[str, Any]) -> None:
    """A postcode is checked where it is one of ours; a stay does not end before it begins."""
    country = cleaned.get("country", "").strip().upper()
    if cleaned.get("postcode") and country in {"", "GB", "UK", "UNITED KINGDOM"}:
        try:
            cleaned["postcode"] = formats.postcode(cleaned["postcode"])
        except formats.BadFormat as refusal:
            form.add_error("postcode", forms.ValidationError(str(refusal), code="invalid"))
    since, until = cleaned.get("since"), cleaned.get("until")
    if since and until and until < since:
        form.add_error("until", "This is before the stay began.")


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


class PlaceFields(LightForm):
    """The fields of an address."""

    line_1 = forms.CharField(label="Address", max_length=120, required=False)
    line_2 = forms.CharField(label="Address, second line", max_length=120, required=False)
    town = forms.CharField(label="Town", max_length=60, required=False)
    postcode = forms.CharField(label="Postcode", max_length=10, required=False)
    country = forms.CharField(label="Country, if abroad", max_length=60, required=False)


class AddressForm(PlaceFields):
    """One address of one person, with the time of the stay."""

    kind = CodeField(label="Address is", codes=codes.ADDRESS_KINDS)
    since = forms.DateField(label="From", required=False, widget=_DAY, validators=_LIVING)
    until = forms.DateField(label="Until", required=False, widget=_DAY, validators=_LIVING)
    uprn = forms.RegexField(
        r"^[0-9]{1,12}\Z",
        label="Property number (UPRN)",
        max_length=12,
        required=False,
        error_messages={"invalid": "Write the number alone: up to 12 digits."},
    )

    source = CodeField(codes=datasources.SOURCES, **datasources.ASKED)

    field_order = ("kind", *_LINE_NAMES, "since", "until", "uprn", "source")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        _check_place(self, cleaned)
        _refuse_cards(self, cleaned)
        return cleaned

    def place(self) -> dict[str, str]:
        """Return what was typed in the shape parties.add takes for an address."""
        cleaned = self.cleaned_data
        days = {"since": _iso(cleaned.get("since")), "until": _iso(cleaned.get("until"))}
        texts = {name: cleaned.get(name) or "" for name in (*_LINE_NAMES, "uprn", "kind", "source")}
        return {name: text for name, text in {**texts, **days}.items() if text}


class PartyForm(PlaceFields):
    """One person and one address; further addresses have a page of their own. Empty fields are simply not known."""

    role = CodeField(label="Role", codes=codes.ROLES)
    is_innocent = forms.BooleanField(label="Innocent", required=False)
    title = forms.CharField(label="Title", max_length=20, required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    middle_name = forms.CharField(label="Middle names", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    alias = Lines(label="Names used", required=False, help_text="One on each line.")
    date_of_birth = forms.DateField(label="Date of birth", required=False, widget=_DAY, validators=(*_LIVING, has_come))
    phone = Tidy(tidy=formats.phone, label="Telephone", max_length=24)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    account_reference = forms.CharField(label="Account with us", max_length=40, required=False)
    employer = forms.CharField(label="Employer", max_length=120, required=False)
    bank_account = Tidy(tidy=formats.bank_account, label="Sort code and account", max_length=24)
    identity_document = forms.CharField(
        label="Identity document", max_length=60, required=False, help_text="Kind and number, such as passport P000."
    )
    vehicle_registration = Tidy(tidy=formats.vehicle, label="Vehicle registration", max_length=12)
    device = Tidy(
        tidy=formats.device,
        label="Devices and SIMs",
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="IMEI, ICCID or another identifier, one on each line.",
    )
    ip_address = forms.GenericIPAddressField(label="IP address", required=False)
    ip_port = Whole(label="Port", min_value=0, max_value=65535, required=False)
    ip_seen_at = forms.CharField(
        label="Seen at", max_length=32, required=False, help_text="With its offset: 2026-11-13T21:02:00Z."
    )
    address_kind = CodeField(label="Address is", codes=codes.ADDRESS_KINDS, required=False)
    source = CodeField(codes=datasources.SOURCES, **datasources.ASKED)

    field_order = (
        *("role", "is_innocent", "title", "forename", "middle_name", "surname", "alias", "date_of_birth"),
        *("phone", "email", "account_reference", "employer", "bank_account", "identity_document"),
        *(
            "vehicle_registration",
            "device",
            "ip_address",
            "ip_port",
            "ip_seen_at",
            "address_kind",
            *_LINE_NAMES,
            "source",
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("role") in codes.VICTIM_ROLES and not cleaned.get("is_innocent"):
            self.add_error("is_innocent", "A victim is innocent.")
        self._join_network(cleaned)
        _check_place(self, cleaned)
        if any(cleaned.get(name) for name in _LINE_NAMES) and not cleaned.get("address_kind"):
            self.add_error("address_kind", "Say what this address is. Nothing is chosen beforehand.")
        _refuse_cards(self, {name: value for name, value in cleaned.items() if name != "device"})
        return cleaned

    def _join_network(self, cleaned: dict[str, Any]) -> None:
        port, seen_at = cleaned.pop("ip_port", None), cleaned.pop("ip_seen_at", "")
        if not cleaned.get("ip_address") or self.errors.keys() & {"ip_address", "ip_port"}:
            return
        try:
            cleaned["ip_address"] = formats.network_address(cleaned["ip_address"], port, seen_at)
        except formats.BadFormat as refusal:
            self.add_error("ip_address", forms.ValidationError(str(refusal), code="invalid"))

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        address = {name: cleaned.pop(name) for name in _LINE_NAMES}
        address["kind"] = cleaned.pop("address_kind")
        born = cleaned.get("date_of_birth")
        return {
            "role": cleaned.pop("role"),
            "is_innocent": cleaned.pop("is_innocent"),
            "source": cleaned.pop("source"),
            "values": {**cleaned, "date_of_birth": born.isoformat() if born else None},
            "addresses": [address] if any(address[name] for name in _LINE_NAMES) else [],
        }
