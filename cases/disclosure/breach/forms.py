"""What people type about a breach: any colleague's report, and what the data protection officer decides."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from cases.disclosure.breach import codes
from cases.disclosure.emergency.forms import PartyForm as PersonForm
from cases.disclosure.forms import MomentField
from cases.kernel.models import Case
from cases.kernel.numberfields import Whole
from cases.kernel.plainforms import PlainForm

__all__ = ["AssessForm", "CloseForm", "FactsForm", "NotifyForm", "PartyForm", "ReportForm"]

_CHOOSE = ("", "Choose")
_LONGEST = 4000


def _long(label: str, *, rows: int = 4, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=_LONGEST, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


def _people(label: str = "How many people it touches, as far as you know", **kwargs: Any) -> Whole:
    return Whole(label=label, min_value=0, max_value=100_000_000, **kwargs)


class ReportForm(PlainForm):
    """What a colleague reports. Nothing of it comes back to them."""

    what = _long("What happened?", rows=6, help_text="What went where, when, and what was done at once. Name nobody.")
    nature = forms.ChoiceField(label="What kind of breach it is", choices=codes.NATURES)
    people_count = _people(required=False)
    aware_at = MomentField(label="First known at, if not just now: the 72 hours count from here", required=False)
    once = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)


class FactsForm(PlainForm):
    """The report, put right by the data protection officer: the 72 hours count anew from when it was first known."""

    aware_at = MomentField(label="First known at: the 72 hours count from here")
    nature = forms.ChoiceField(label="What kind of breach it is", choices=codes.NATURES)
    people_count = _people(required=False)
    what = _long("What happened", rows=6, required=False)


class PartyForm(PersonForm):
    """Somebody whom it touches."""

    role: Any = forms.ChoiceField(label="Role", choices=codes.ROLES)


class _StepForm(PlainForm):
    """What one step asks for. Takes `case`; `inputs()` gives what transitions.apply takes."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class AssessForm(_StepForm):
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


class NotifyForm(_StepForm):
    """What is done about it, and why it is late if it is."""

    measures = _long("What is done about it")
    delay = _long("Why it is told later than after 72 hours, if it is", rows=2, required=False)


class CloseForm(_StepForm):
    """What was done in the end."""

    measures = _long("What was done, so that it does not happen again", required=False)
    untold = _long("Why no Commissioner is told, if none is", rows=2, required=False)
    told_how = _long("How the Commissioner was told, where the notice did not arrive", rows=2, required=False)
