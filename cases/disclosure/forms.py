"""What people type about a disclosure request as it came: the request itself, and whose data is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django import forms

from cases.disclosure import authorities, codes, dataitems, opening
from cases.disclosure.described import ENDS_FIRST, OTHER_YEAR, YEARS, address, moment
from cases.kernel import formats, notice
from cases.kernel.formats import BadFormat
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import CARD, Chosen, GroupedTicks, needed_when

__all__ = ["FactsForm", "MomentField", "PartyForm", "PortalForm"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_OFFSET = "With its offset from UTC: 2026-11-01T00:00Z, or 2026-06-01T00:00+01:00."
_UNKNOWN = ("", "Not said")


# What comes through the portal nobody types.
_TYPED_IN = [each for each in codes.CAME_BY if each[0] != codes.PORTAL]


def _is_of_our_time(day: date) -> None:
    if day.year not in YEARS:
        raise forms.ValidationError(OTHER_YEAR, code="year")


class MomentField(forms.CharField):
    """A moment that is typed with its offset and kept in UTC: an hour's mistake names the wrong person."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, help_text=_OFFSET, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return moment(text) if text else None
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None


def _items() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the catalogue as choices, by class. What is never given is there too: it may be asked for."""
    return [
        (label, [(item.code, item.label) for item in dataitems.ITEMS.values() if item.item_class == code])
        for code, label in dataitems.CLASSES.items()
    ]


def _gateways() -> list[tuple[str, str]]:
    known = [*dataitems.OPENS, "dpa18_sch2_p2", "dpa18_sch2_p5"]
    return [_UNKNOWN, *((code, notice.GATEWAYS[code].label) for code in known)]


class FactsForm(LightForm):
    """The request as it came. What it does not say stays empty: nothing is guessed."""

    request_type = Chosen(label="What came", choices=codes.TYPES)
    authority_code = forms.ChoiceField(
        label="Authority", choices=lambda: [_UNKNOWN, *authorities.authorities()], required=False
    )
    authority_kind = forms.ChoiceField(
        label="Kind of authority", choices=[_UNKNOWN, *codes.AUTHORITY_KINDS], required=False
    )
    came_by = forms.ChoiceField(label="Came by", choices=[_UNKNOWN, *_TYPED_IN], required=False)
    urn = forms.CharField(label="Their number of the request", max_length=64, required=False)
    grade = Chosen(label="Grade", choices=codes.GRADES, coerce=int, empty_value=None, required=False)
    gateway = forms.ChoiceField(label="Ground that is asserted", choices=_gateways, required=False)
    purpose = forms.ChoiceField(label="Statutory purpose", choices=[_UNKNOWN, *codes.PURPOSES], required=False)
    is_serious_crime = forms.BooleanField(label="The authority says that the crime is serious", required=False)
    granted_date = forms.DateField(
        label="Granted or ordered on", required=False, widget=_DAY, validators=[_is_of_our_time]
    )
    order_until = forms.DateField(
        label="Last day that an order names", required=False, widget=_DAY, validators=[_is_of_our_time]
    )
    oral_given_at = MomentField(label="Asked for by word of mouth at", required=False)
    items = forms.MultipleChoiceField(
        label="What is asked for",
        choices=_items,
        required=False,
        widget=GroupedTicks,
        help_text="Everything the request names, also what cannot be given.",
    )
    begins_at = MomentField(label="From", required=False)
    ends_at = MomentField(label="Until, the last minute included", required=False)
    asked_by = forms.CharField(label="Who asks", max_length=200, required=False)
    authoriser = forms.CharField(
        label="Who authorised it", max_length=200, required=False, help_text="Name, rank and office."
    )
    particulars = forms.CharField(
        label="What else the request says", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    is_compliance_required = forms.BooleanField(label="It says that we must comply", required=False)
    has_sensitive_profession = forms.BooleanField(
        label="It is about a journalist, lawyer, doctor, minister of religion or member of a parliament",
        required=False,
    )
    is_person_at_risk = forms.BooleanField(
        label="A person may be at risk if it is refused", required=False, help_text="Then an approver agrees to a no."
    )
    may_tell_subject = forms.BooleanField(
        label="The authority lets us tell the customer", required=False, help_text="If it does not say so, it does not."
    )
    are_costs_agreed = forms.BooleanField(label="Costs are agreed", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial.get("came_by") == codes.PORTAL:
            del self.fields["came_by"]  # its signature proves who asks; nobody types that away
        named = [name for name in ("authority_code", "grade") if name in self.fields]
        needed_when(self, "needed unless it is for the interception unit", *named)

    def clean(self) -> dict[str, Any]:
        cleaned = self._without_cards()
        if cleaned.get("request_type") == codes.INTERCEPTION:
            self._say_nothing_else(cleaned)
            return {**cleaned, "grade": cleaned.get("grade") or codes.LEAST_URGENT}
        if cleaned.get("grade") is None and "grade" not in self.errors:
            self.add_error("grade", "Choose the grade. Nothing is chosen beforehand.")
        if not cleaned.get("authority_code"):
            self.add_error(
                "authority_code", "Choose the authority. One that is missing is entered in the register first."
            )
        if cleaned.get("urn") and cleaned.get("authority_code"):
            cleaned["urn_token"] = opening.urn_token(cleaned["authority_code"], cleaned["urn"])
        return cleaned

    def _without_cards(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins_at, ends_at = cleaned.get("begins_at"), cleaned.get("ends_at")
        if begins_at is not None and ends_at is not None and ends_at < begins_at:
            self.add_error("ends_at", forms.ValidationError(ENDS_FIRST, code="before_begins_at"))
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and formats.has_card_number(value):
                self.add_error(name, forms.ValidationError(CARD, code="card_number"))
        return cleaned

    def _say_nothing_else(self, cleaned: Mapping[str, Any]) -> None:
        typed = [name for name, value in cleaned.items() if value and name not in {"request_type", "grade"}]
        for name in typed:
            self.add_error(name, "Leave this empty: of interception nothing else is recorded here.")


class PortalForm(FactsForm):
    """The request as the authority's own system sends it. Who asks is proved by its signature, never written here."""

    authority_code = came_by = oral_given_at = None  # type: ignore[assignment]  # -- takes the fields away
    urn = forms.CharField(max_length=64)

    def clean(self) -> dict[str, Any]:
        cleaned = self._without_cards()
        if cleaned.get("request_type") == codes.INTERCEPTION:
            self.add_error("request_type", "This does not come through here.")
        return cleaned


def _own_device(text: str) -> str:
    """Return devices in their kept form. Raises BadFormat for the name of one, which is everybody's: nobody can look it
    up, and no row about it is ever compared."""
    kept = formats.device(text)
    for line in kept.splitlines():
        try:
            address(line)
        except BadFormat:
            raise BadFormat("Write an IMEI, ICCID, IMSI or MAC address on each line.") from None
    return kept


class PartyForm(LightForm):
    """Whose data is asked for, as the authority names them. Empty fields are simply not said."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    device = forms.CharField(
        label="Devices and SIMs",
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="IMEI, ICCID, IMSI or MAC address, one on each line.",
    )
    ip_address = forms.GenericIPAddressField(label="IP address", required=False)
    ip_port = Whole(label="Port", min_value=0, max_value=65535, required=False)
    ip_seen_at = MomentField(label="Seen at", required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    account_reference = forms.CharField(label="Account with us", max_length=40, required=False)

    def clean_phone(self) -> str:
        return self._kept("phone", formats.phone)

    def clean_device(self) -> str:
        return self._kept("device", _own_device)

    def _kept(self, name: str, tidy: Any) -> str:
        text = self.cleaned_data[name]
        try:
            return str(tidy(text)) if text else ""
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        port, seen_at = cleaned.pop("ip_port", None), cleaned.pop("ip_seen_at", None)
        if cleaned.get("ip_address") and not self.errors.keys() & {"ip_address", "ip_port", "ip_seen_at"}:
            try:
                seen = seen_at.isoformat() if seen_at else ""
                cleaned["ip_address"] = formats.network_address(cleaned["ip_address"], port, seen)
            except BadFormat as refusal:
                self.add_error("ip_address", forms.ValidationError(str(refusal), code="invalid"))
        for name in ("forename", "surname", "account_reference"):
            if formats.has_card_number(cleaned.get(name) or ""):
                self.add_error(name, forms.ValidationError(CARD, code="card_number"))
        return cleaned

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes. Whom a request is about is nobody's accused."""
        cleaned = dict(self.cleaned_data)
        return {"role": cleaned.pop("role"), "is_innocent": False, "values": cleaned, "addresses": []}
