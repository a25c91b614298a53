"""What people type about a breach: any colleague's report, and what the data protection officer decides."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cases.disclosure.breach import codes
from cases.disclosure.emergency.forms import PartyForm as PersonForm
from cases.kernel.calendars import LONDON
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen, PlainForm, StepForm

__all__ = ["AssessForm", "CloseForm", "FactsForm", "NotifyForm", "PartyForm", "ReportForm"]

_CHOOSE = ("", "Choose")
_LONGEST = 4000
# As it is typed where a browser has no field for a day and a time.
_WRITTEN = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}),? ([0-9]{1,2})[:.]([0-9]{2})")
_CLOCKS_DIFFER = timedelta(minutes=2)
_A_YEAR, _TEN_YEARS = timedelta(days=366), timedelta(days=3653)


def _now() -> datetime:
    """Read the clock: nobody has known of something before it happened."""
    return timezone.now()  # noqa: TID251 -- a form is where a face reads what was typed


def _as_typed(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%Y-%m-%dT%H:%M}"


class KnownAtField(forms.CharField):
    """A day and a time of day in London at which something was known: past, and not before `oldest`. Of an hour that
    the clocks have twice it is the first, from which a period ends earlier. An offset may be given all the same."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def __init__(self, *, oldest: timedelta, too_old: str, **kwargs: Any) -> None:
        self.oldest, self.too_old = oldest, too_old
        super().__init__(max_length=32, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return _as_typed(value) if isinstance(value, datetime) else value

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        moment, now = _read(text), _now()
        if moment is None:
            raise forms.ValidationError(
                "Write the day and the time in London, such as 27/11/2026 15:00.", code="invalid"
            )
        if moment > now + _CLOCKS_DIFFER:
            raise forms.ValidationError("That is still to come. Look at the day and the year.", code="future")
        if moment < now - self.oldest:
            raise forms.ValidationError(self.too_old, code="past")
        return moment


def _read(text: str) -> datetime | None:
    """Return the moment that was typed, or None: as a browser sends it, as people write it, or with its offset."""
    if written := _WRITTEN.fullmatch(text):
        day, month, year, hour, minute = written.groups()
        text = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len("2026-11-27"):
        return None
    return found if found.tzinfo else found.replace(tzinfo=LONDON)


def _long(label: str, *, rows: int = 4, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=_LONGEST, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


def _people(label: str = "How many people it touches, as far as you know", **kwargs: Any) -> Whole:
    return Whole(label=label, min_value=0, max_value=100_000_000, **kwargs)


class ReportForm(PlainForm):
    """What a colleague reports. Nothing of it comes back to them."""

    what = _long("What happened?", rows=6, help_text="What went where, when, and what was done at once. Name nobody.")
    nature = Chosen(label="What kind of breach it is", choices=codes.NATURES)
    people_count = _people(required=False)
    aware_at = KnownAtField(
        label="First known at, if not just now: the 72 hours count from here",
        required=False,
        help_text="Day and time in London. Empty: just now.",
        oldest=_A_YEAR,
        too_old="That is more than a year ago. Look at the year; if it is right, leave this empty and say it under "
        "what happened: the data protection officer enters it.",
    )
    once = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)


class FactsForm(PlainForm):
    """The report, put right by the data protection officer: the 72 hours count anew from when it was first known."""

    aware_at = KnownAtField(
        label="First known at: the 72 hours count from here",
        help_text="Day and time in London.",
        oldest=_TEN_YEARS,
        too_old="That is more than ten years ago. Look at the year.",
    )
    nature = Chosen(label="What kind of breach it is", choices=codes.NATURES)
    people_count = _people(required=False)
    what = _long("What happened", rows=6, required=False)

    def clean_aware_at(self) -> datetime:
        """Return what is known to the second, where the minute that is shown of it was left as it is."""
        typed, known = self.cleaned_data["aware_at"], self.initial.get("aware_at")
        return known if isinstance(known, datetime) and _as_typed(known) == _as_typed(typed) else typed


class PartyForm(PersonForm):
    """Somebody whom it touches."""

    role: Any = forms.ChoiceField(label="Role", choices=codes.ROLES)


class AssessForm(StepForm):
    """The secrecy test, and how bad it is."""

    is_secret = forms.ChoiceField(
        label="Does secrecy of the Investigatory Powers Act forbid to tell the Information Commissioner?",
        choices=[_CHOOSE, *codes.YES_NO],
        help_text="Yes for what a public authority asked for under that Act: then the Investigatory Powers "
        "Commissioner is told instead (s.235A).",
    )
    secrecy = _long("How you tested for it", rows=2)
    people_count = _people("How many people it touches; an estimate is enough")
    risk = forms.ChoiceField(label="How likely harm is", choices=[_CHOOSE, *codes.RISKS])
    consequences = _long("What may come of it for them")


class NotifyForm(StepForm):
    """What is done about it, and why it is late if it is."""

    measures = _long("What is done about it")
    delay = _long("Why it is told later than after 72 hours, if it is", rows=2, required=False)


class CloseForm(StepForm):
    """What was done in the end."""

    measures = _long("What was done, so that it does not happen again", required=False)
    untold = _long("Why no Commissioner is told, if none is", rows=2, required=False)
    told_how = _long("How the Commissioner was told, where the notice did not arrive", rows=2, required=False)
