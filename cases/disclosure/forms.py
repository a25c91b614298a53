"""What people type about a disclosure request: the request as it came, and what each step asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django import forms

from cases.disclosure import authorities, checking, codes, dataitems, guards, opening
from cases.disclosure.described import OTHER_YEAR, YEARS, moment
from cases.kernel import formats, notice
from cases.kernel.formats import BadFormat
from cases.kernel.models import Case

__all__ = [
    "AnswerForm",
    "CancelForm",
    "ClarifyForm",
    "ErrorForm",
    "FactsForm",
    "GroundForm",
    "HolderForm",
    "MomentField",
    "OverrideForm",
    "PartForm",
    "PartyForm",
    "PortalForm",
    "ReceiptForm",
    "RefuseForm",
    "ReleaseForm",
    "ReturnForm",
    "SettleForm",
    "SubmitForm",
    "ValidateForm",
    "VerifyForm",
    "WritingForm",
]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_CARD = "This looks like a payment card number. Card numbers are never kept."
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


class FactsForm(forms.Form):
    """The request as it came. What it does not say stays empty: nothing is guessed."""

    request_type = forms.ChoiceField(label="What came", choices=codes.TYPES)
    authority_code = forms.ChoiceField(
        label="Authority", choices=lambda: [_UNKNOWN, *authorities.authorities()], required=False
    )
    authority_kind = forms.ChoiceField(
        label="Kind of authority", choices=[_UNKNOWN, *codes.AUTHORITY_KINDS], required=False
    )
    came_by = forms.ChoiceField(label="Came by", choices=[_UNKNOWN, *_TYPED_IN], required=False)
    urn = forms.CharField(label="Their number of the request", max_length=64, required=False)
    grade = forms.TypedChoiceField(label="Grade", choices=codes.GRADES, coerce=int, initial=3)
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
        widget=forms.SelectMultiple(attrs={"size": 10}),
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

    def clean(self) -> dict[str, Any]:
        cleaned = self._without_cards()
        if cleaned.get("request_type") == codes.INTERCEPTION:
            self._say_nothing_else(cleaned)
            return cleaned
        if not cleaned.get("authority_code"):
            self.add_error(
                "authority_code", "Choose the authority. One that is missing is entered in the register first."
            )
        if cleaned.get("urn") and cleaned.get("authority_code"):
            cleaned["urn_token"] = opening.urn_token(cleaned["authority_code"], cleaned["urn"])
        return cleaned

    def _without_cards(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and formats.has_card_number(value):
                self.add_error(name, forms.ValidationError(_CARD, code="card_number"))
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


class PartyForm(forms.Form):
    """Whose data is asked for, as the authority names them. Empty fields are simply not said."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    device = forms.CharField(
        label="Devices and SIMs",
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="IMEI, ICCID or IMSI, one on each line.",
    )
    ip_address = forms.GenericIPAddressField(label="IP address", required=False)
    ip_port = forms.IntegerField(label="Port", min_value=0, max_value=65535, required=False)
    ip_seen_at = MomentField(label="Seen at", required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    account_reference = forms.CharField(label="Account with us", max_length=40, required=False)

    def clean_phone(self) -> str:
        return self._kept("phone", formats.phone)

    def clean_device(self) -> str:
        return self._kept("device", formats.device)

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
                self.add_error(name, forms.ValidationError(_CARD, code="card_number"))
        return cleaned

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes. Whom a request is about is nobody's accused."""
        cleaned = dict(self.cleaned_data)
        return {"role": cleaned.pop("role"), "is_innocent": False, "values": cleaned, "addresses": []}


class _StepForm(forms.Form):
    """What one step asks for. Takes `case`; `inputs()` gives what transitions.apply takes."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class VerifyForm(_StepForm):
    """Which desk was called back, when, and who answered."""

    contact = forms.ChoiceField(
        label="Desk that you called", help_text="On the number of the directory, never on one from the request."
    )
    called_back_at = MomentField(label="Called at")
    spoken_to = forms.CharField(label="Who answered", max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facts = self.case.disclosure_request
        for name in ("called_back_at", "spoken_to"):
            self.fields[name].required = facts.came_by != codes.PORTAL
        desks = authorities.active(facts.authority_code)
        self.fields["contact"].choices = [  # type: ignore[attr-defined]  # -- a choice field
            (desk.code, ", ".join(filter(None, (desk.desk, desk.accreditation, desk.phone)))) for desk in desks
        ]


class ValidateForm(_StepForm):
    """That the addresses are ours."""

    is_ours = forms.BooleanField(
        label="I looked the addresses up: they are ours, and I know who had them when",
        required=False,
    )


class ClarifyForm(_StepForm):
    """What is asked of the authority."""

    question = forms.CharField(label="Question", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


class AnswerForm(_StepForm):
    """What the authority answered."""

    answer = forms.CharField(label="Answer", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))


class RefuseForm(_StepForm):
    """Why a request is refused."""

    reason_code = forms.ChoiceField(label="Why it is refused", choices=codes.REFUSALS)

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever agrees."""
        code = str(inputs.get("reason_code", ""))
        return [("Why it is refused", dict(codes.REFUSALS).get(code, code))]


class OverrideForm(_StepForm):
    """Which items counsel opens."""

    items = forms.MultipleChoiceField(label="Items", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        liftable = guards.liftable_items(self.case.disclosure_request)
        self.fields["items"].choices = [  # type: ignore[attr-defined]  # -- a choice field
            (code, dataitems.label(code)) for code in liftable
        ]

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what would be opened to whoever agrees."""
        return [("Items", ", ".join(dataitems.label(str(each)) for each in inputs.get("items", ())))]


class CancelForm(_StepForm):
    """Which notice of cancellation came."""

    notice = forms.CharField(
        label="Notice of cancellation", max_length=200, help_text="Its number or sender, and when it came."
    )


class SubmitForm(_StepForm):
    """What whoever made a package has checked."""

    checked = forms.MultipleChoiceField(
        label="Checked, line by line", widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = checking.checklist(self.case.disclosure_request)
        self.fields["checked"].choices = lines  # type: ignore[attr-defined]  # -- a choice field


class ReleaseForm(_StepForm):
    """What a second person has compared, request and package side by side."""

    compared = forms.MultipleChoiceField(
        label="Compared with the request",
        choices=codes.COMPARED,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


class ReturnForm(_StepForm):
    """What a second person found."""

    fault = forms.ChoiceField(label="What differs", choices=(*codes.FAULTS, codes.UNFINISHED))
    difference = forms.CharField(
        label="Where, and what is to be done", max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )


class ReceiptForm(_StepForm):
    """How the authority confirmed that it has the package."""

    how = forms.CharField(label="How it was confirmed", max_length=200, help_text="By whom, how and when.")


class WritingForm(_StepForm):
    """That the written notice says what was given."""

    is_compared = forms.BooleanField(
        label="I compared the notice with what was given: number, address, items and time", required=False
    )


class ErrorForm(_StepForm):
    """What went wrong with what was given."""

    fault = forms.ChoiceField(label="What was wrong", choices=codes.FAULTS)
    found_at = MomentField(label="Found at")
    how = forms.CharField(label="How it happened", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    collateral = forms.CharField(
        label="Whom it touches besides", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    is_breach = forms.BooleanField(
        label="It is a personal data breach",
        required=False,
        help_text="Told within 72 hours; where secrecy forbids that, to the Investigatory Powers Commissioner.",
    )


class SettleForm(_StepForm):
    """What the error was, and what follows."""

    kind = forms.ChoiceField(label="Kind", choices=codes.ERROR_KINDS)
    cause = forms.ChoiceField(label="Cause", choices=codes.CAUSES)
    prevention = forms.CharField(
        label="What keeps it from happening again", max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )
    ask_to_destroy = forms.BooleanField(label="Ask the authority to destroy what it was wrongly given", required=False)


_LETTER = "One capital letter, never a name. Needed where an address changed hands."
_LONG = forms.Textarea(attrs={"rows": 3})


class GroundForm(forms.Form):
    """Why one item is given. What is written is sealed; a text that is left empty stays as it was."""

    necessity = forms.CharField(label="Necessity", max_length=4000, required=False, widget=_LONG)
    proportionality = forms.CharField(label="Proportionality", max_length=4000, required=False, widget=_LONG)
    collateral = forms.CharField(label="Collateral intrusion", max_length=4000, required=False, widget=_LONG)
    minimised = forms.MultipleChoiceField(
        label="Kept to the least",
        choices=codes.MINIMISED,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_nothing_held = forms.BooleanField(label="Nothing is held of it", required=False)


class HolderForm(forms.Form):
    """Who held an asked address, from when until when."""

    address = forms.ChoiceField(label="Address")
    subject = forms.RegexField(
        label="Subscriber", regex="^[A-Z]$", help_text="One capital letter, never a name: A, then B."
    )
    begins_at = MomentField(label="Held from")
    ends_at = MomentField(label="Until", required=False)

    def __init__(self, *args: Any, addresses: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address"].choices = [(each, each) for each in addresses]  # type: ignore[attr-defined]  # -- choices


class PartForm(forms.Form):
    """Rows, or a sheet, that were typed or pasted."""

    item = forms.ChoiceField(label="Item")
    subject = forms.RegexField(label="Subscriber", regex="^[A-Z]$", required=False, help_text=_LETTER)
    media_type = forms.ChoiceField(
        label="What it is",
        choices=(
            ("text/csv", "A table: every row about an address is compared"),
            ("text/plain", "A sheet: a person compares it"),
        ),
    )
    content = forms.CharField(
        label="Rows",
        max_length=2_000_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="Of a table the first line names the columns item, address, at and others, in small letters; at is a "
        "time with its offset, such as 2026-11-02T09:00Z.",
    )

    def __init__(self, *args: Any, items: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [(each, dataitems.label(each)) for each in items]  # type: ignore[attr-defined]  # -- choices

    def data_typed(self) -> bytes:
        """Return the typed text as bytes, with one kind of line end."""
        return str(self.cleaned_data["content"]).replace("\r\n", "\n").encode()
