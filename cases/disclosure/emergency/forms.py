"""What people type in an emergency: few fields, times as the clock on the wall shows them in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cases.disclosure import authorities
from cases.disclosure.emergency import codes
from cases.disclosure.emergency.guards import ABOUT_POSITION
from cases.kernel import formats
from cases.kernel.formats import BadFormat
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen, PlainForm, StepForm, needed_when

__all__ = [
    "FactsForm",
    "FoundForm",
    "GiveForm",
    "MoreForm",
    "PartyForm",
    "RefuseForm",
    "RefuseMoreForm",
    "SettleForm",
    "SheetForm",
    "UtcField",
    "WriteUpForm",
]

_TIME = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)(?:[:.]?([0-5]\d))?Z?")
_POSITION = re.compile(r"\s*(-?\d{1,2}(?:\.\d{1,7})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,7})?)\s*")
_CHOOSE = ("", "Choose")
_EARLIEST = 1990  # a year before which nothing was ever asked by telephone here
_CLOCKS_DIFFER = timedelta(minutes=2)  # minutes are rounded up, and the control room's clock runs ahead of ours
_WALL_CLOCK = timedelta(hours=2)  # a clock on the wall, in summer time, runs ahead of UTC


class UtcField(forms.CharField):
    """A time of the last 22 hours in UTC, typed as on the clock: 03:13 or 03:13:55. A day may stand before it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "UTC: 03:13 or 03:13:55.")
        super().__init__(max_length=32, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        found = _TIME.fullmatch(text)
        if found:
            return _last(time(int(found[1]), int(found[2]), int(found[3] or 0)), now=_now())
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise forms.ValidationError("Write the time in UTC, such as 03:13 or 03:13:55.", code="invalid") from None
        if moment.year < _EARLIEST:
            raise forms.ValidationError("That is too long ago. Write it in UTC.", code="past")
        if moment > _now():
            raise forms.ValidationError("That is still to come. Write it in UTC.", code="future")
        return moment


def _now() -> datetime:
    """Read the clock: what is typed as a time of day means the last time it was that late."""
    return timezone.now()  # noqa: TID251 -- a form is where a face reads what was typed


def _last(clock: time, *, now: datetime) -> datetime:
    """Return the last moment at which a clock in UTC showed this; now, where it is a minute or two ahead. What is up to
    two hours ahead is no time of yesterday's but one of the clock on the wall: refused."""
    moment = datetime.combine(now.astimezone(UTC).date(), clock, tzinfo=UTC)
    if moment > now:
        moment -= timedelta(days=1)
    ahead = moment + timedelta(days=1) - now
    if ahead <= _CLOCKS_DIFFER:
        return now
    if ahead <= _WALL_CLOCK:
        raise forms.ValidationError(
            f"That is still to come: it is {now.astimezone(UTC):%H:%M} UTC now. Write the time in UTC; for the day"
            f" before, with its day, such as {moment:%Y-%m-%dT%H:%M}.",
            code="future",
        )
    return moment


def _rooms() -> list[tuple[str, str]]:
    """Return the control rooms of the register; the one that there is stands chosen."""
    rows = authorities.authorities("emergency")
    return rows if len(rows) == 1 else [_CHOOSE, *rows]


class FactsForm(PlainForm):
    """The call: who rang us, about which call, when it ended, and what the risk is."""

    control_room = forms.ChoiceField(label="Control room", choices=_rooms)
    caller = forms.CharField(
        label="Caller's number, or reference of the call",
        max_length=64,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
    )
    call_ended_at = UtcField(
        label="Call ended at", required=False, help_text="UTC: 03:13 or 03:13:55. Empty while they are on the line."
    )
    risk = Chosen(label="Risk", choices=codes.RISKS)
    incident = forms.CharField(label="Incident number", max_length=40, required=False)
    operator = forms.CharField(label="Operator at the control room", max_length=60, required=False)
    call_began_at = UtcField(label="Call began at", required=False)

    def clean_caller(self) -> str:
        """Keep a telephone number in its one form; anything else is a reference of the call."""
        text = str(self.cleaned_data["caller"]).strip()
        try:
            return formats.phone(text)
        except BadFormat:
            return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        began, ended = cleaned.get("call_began_at"), cleaned.get("call_ended_at")
        if began and ended and ended < began:
            self.add_error("call_ended_at", "The call cannot end before it began.")
        return cleaned

    def people(self) -> list[dict[str, Any]]:
        """Return the caller as a person of the case, where the number is known: by it the case is found again."""
        number = self.cleaned_data["caller"]
        if not number.startswith("+"):
            return []
        return [{"role": codes.CALLER, "is_innocent": True, "values": {"phone": number}, "addresses": []}]


class SheetForm(FactsForm):
    """The same from a sheet of paper: when they asked is what the sheet says."""

    requested_at = UtcField(label="Asked at")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        began, asked = cleaned.get("call_began_at"), cleaned.get("requested_at")
        if began and asked and asked < began:
            self.add_error("requested_at", "They cannot have asked before the call began.")
        return cleaned


class PartyForm(LightForm):
    """The caller, as far as they are known."""

    role = forms.ChoiceField(label="Role", choices=codes.ROLES)
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)

    def clean_phone(self) -> str:
        text = self.cleaned_data["phone"]
        try:
            return formats.phone(text) if text else ""
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        return {"role": cleaned.pop("role"), "is_innocent": True, "values": cleaned, "addresses": []}


class GiveForm(StepForm):
    """What was read to whom; and, each said for itself, on which number they were called back, and that they read back
    what they heard. On the screen of an emergency the button that records it says the second."""

    spoken_to = forms.CharField(
        label="Spoken to", max_length=120, error_messages={"required": "Say whom you gave it to."}
    )
    subscriber = forms.CharField(label="Subscriber's name", max_length=160, required=False)
    address = forms.CharField(label="Address", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    position = forms.CharField(
        label="Position", max_length=40, required=False, help_text="Latitude, longitude: 50.3720, -4.1420"
    )
    radius_m = Whole(label="Radius in metres", min_value=1, max_value=100_000, required=False)
    location_source = forms.ChoiceField(label="Source", choices=[_CHOOSE, *codes.SOURCES], required=False)
    located_at = UtcField(label="Time of the position", required=False)
    confidence = Whole(label="Confidence in per cent", min_value=1, max_value=100, required=False)
    cell = forms.CharField(label="Cell and its coverage", max_length=200, required=False)
    contact = forms.ChoiceField(
        label="I called them back on this number",
        help_text="Of the directory, never one that the caller names.",
        widget=forms.RadioSelect,
        error_messages={"required": "Call the control room back on a number of the directory, then say on which."},
    )
    is_read_back = forms.BooleanField(
        label="I read it aloud, and they read it back",
        error_messages={"required": "Read it aloud, let them repeat it, then say so."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facts = self.case.emergency_disclosure
        desks = authorities.active(facts.control_room)
        self.fields["contact"].choices = [  # type: ignore[attr-defined]  # -- a choice field
            (desk.code, f"{desk.phone} ({desk.desk})") for desk in desks
        ]
        if facts.is_from_sheet:
            self.fields["said_at"] = UtcField(label="Given at, as the sheet says")
            self.order_fields(["said_at", *self.fields])
        needed_when(self, "with a position", *ABOUT_POSITION)

    def inputs(self) -> dict[str, Any]:
        called = dict(self.fields["contact"].choices)  # type: ignore[attr-defined]  # -- a choice field
        contact = self.cleaned_data.get("contact")
        return {**super().inputs(), "is_called_back": bool(contact), "called_on": called.get(contact, "")}

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever looks at it afterwards, the desk by its number and name."""
        called = str(inputs.get("called_on") or inputs.get("contact") or "")
        said = [("Called back on", called), ("Read aloud and read back", "Yes" if inputs.get("is_read_back") else "No")]
        for name, field in GiveForm.base_fields.items():
            value = inputs.get(name)
            if name in {"contact", "is_read_back"} or value in (None, ""):
                continue
            if isinstance(value, datetime):
                value = f"{value.astimezone(UTC):%-d %B %Y %H:%M:%S} UTC"
            said.append((str(field.label), dict(codes.SOURCES).get(str(value), str(value))))
        return said

    def clean_position(self) -> str:
        text = self.cleaned_data["position"]
        if not text:
            return ""
        found = _POSITION.fullmatch(text)
        if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:  # noqa: PLR2004 -- degrees
            raise forms.ValidationError("Write one position as 50.3720, -4.1420.", code="invalid")
        return f"{found[1]}, {found[2]}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ABOUT_POSITION:
            if cleaned.get("position") and name not in self.errors and cleaned.get(name) in (None, ""):
                self.add_error(name, "A position is given with its radius, its source and its time.")
        return cleaned


class MoreForm(GiveForm):
    """What is given besides, on the same terms."""


class RefuseForm(StepForm):
    """Why nothing is given. The words themselves are the reason of the step."""

    reason_code = forms.ChoiceField(label="Why", choices=[_CHOOSE, *codes.REFUSALS])


class RefuseMoreForm(StepForm):
    """Why nothing more is given."""

    reason_code = Chosen(label="Why", choices=codes.MORE_REFUSALS)


class WriteUpForm(StepForm):
    """What happened, in the words of who acted."""

    account = forms.CharField(
        label="What happened, and why it was needed",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what happened and why."},
    )


class FoundForm(StepForm):
    """What was given that the emergency did not need."""

    what = forms.CharField(
        label="What was too much, and how it happened",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what was given that was not needed."},
    )


class SettleForm(StepForm):
    """How the error was settled."""

    how = forms.CharField(
        label="What was reported, to whom, and what the control room destroyed",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what was reported, to whom, and what the control room destroyed."},
    )
