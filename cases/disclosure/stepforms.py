"""What each step of a disclosure request asks for: `inputs()` of a form is what transitions.apply takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.disclosure import authorities, checking, codes, dataitems, guards
from cases.disclosure.forms import MomentField
from cases.kernel.forms.plainforms import Chosen, StepForm

__all__ = [
    "AnswerForm",
    "CancelForm",
    "ClarifyForm",
    "ErrorForm",
    "OverrideForm",
    "ReceiptForm",
    "RefuseForm",
    "ReleaseForm",
    "ReturnForm",
    "SettleForm",
    "SubmitForm",
    "TakeBackForm",
    "ValidateForm",
    "VerifyForm",
    "WritingForm",
]


class VerifyForm(StepForm):
    """Which desk was called back, when, and who answered."""

    contact = Chosen(
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


class ValidateForm(StepForm):
    """That the addresses are ours; and where a number of theirs was answered before, that this asks for more."""

    is_ours = forms.BooleanField(
        label="I looked the addresses up: they are ours, and I know who had them when",
        required=False,
    )
    is_another = forms.BooleanField(
        label="It has the number of a request that was answered, and asks for something else: I compared them",
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not guards.asks_about_addresses(self.case.disclosure_request):
            del self.fields["is_ours"]


class ClarifyForm(StepForm):
    """What is asked of the authority."""

    question = forms.CharField(label="Question", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


class AnswerForm(StepForm):
    """What the authority answered."""

    answer = forms.CharField(label="Answer", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))


class RefuseForm(StepForm):
    """Why a request is refused."""

    reason_code = Chosen(label="Why it is refused", choices=codes.REFUSALS)

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever agrees."""
        code = str(inputs.get("reason_code", ""))
        return [("Why it is refused", dict(codes.REFUSALS).get(code, code))]


class OverrideForm(StepForm):
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


class CancelForm(StepForm):
    """Which notice of cancellation came."""

    notice = forms.CharField(
        label="Notice of cancellation", max_length=200, help_text="Its number or sender, and when it came."
    )


class TakeBackForm(StepForm):
    """Which notice of cancellation came, and that the authority does not have what was released."""

    notice = forms.CharField(
        label="Notice of cancellation",
        max_length=200,
        required=False,
        help_text="Its number or sender, and when it came, unless that is on record.",
    )
    not_there = forms.CharField(
        label="How you know that they do not have it, if it was tried to be sent",
        max_length=200,
        required=False,
        help_text="Whom you asked, how and when.",
    )


class SubmitForm(StepForm):
    """What whoever made a package has checked."""

    checked = forms.MultipleChoiceField(
        label="Checked, line by line", widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = checking.checklist(self.case.disclosure_request)
        self.fields["checked"].choices = lines  # type: ignore[attr-defined]  # -- a choice field

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was ticked to whoever looks at it afterwards."""
        ticked = inputs.get("checked") or ()
        return [("Checked", "; ".join(text for code, text in codes.CHECKLIST if code in ticked) or "Nothing")]


class ReleaseForm(StepForm):
    """What a second person has compared, request and package side by side."""

    compared = forms.MultipleChoiceField(
        label="Compared with the request",
        choices=codes.COMPARED,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Compare first, and tick each point."},
    )


class ReturnForm(StepForm):
    """What a second person found."""

    fault = Chosen(label="What differs", choices=(*codes.FAULTS, codes.UNFINISHED))
    difference = forms.CharField(
        label="Where, and what is to be done", max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )


class ReceiptForm(StepForm):
    """How the authority confirmed that it has the package."""

    how = forms.CharField(label="How it was confirmed", max_length=200, help_text="By whom, how and when.")


class WritingForm(StepForm):
    """That the written notice says what was given."""

    is_compared = forms.BooleanField(
        label="I compared the notice with what was given: number, address, items and time", required=False
    )


class ErrorForm(StepForm):
    """What went wrong with what was given."""

    fault = Chosen(label="What was wrong", choices=codes.FAULTS)
    found_at = MomentField(label="Found at")
    how = forms.CharField(label="How it happened", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    collateral = forms.CharField(
        label="Whom it touches besides", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    is_breach = Chosen(
        label="Is it a personal data breach?",
        choices=(("yes", "Yes: data went to or about somebody it should not have"), ("no", "No")),
        coerce=lambda code: code == "yes",
        help_text="Told within 72 hours; where secrecy forbids that, to the Investigatory Powers Commissioner.",
    )


class SettleForm(StepForm):
    """What the error was, and what follows."""

    kind = Chosen(label="Kind", choices=codes.ERROR_KINDS)
    cause = Chosen(label="Cause", choices=codes.CAUSES)
    prevention = forms.CharField(
        label="What keeps it from happening again", max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )
    ask_to_destroy = forms.BooleanField(label="Ask the authority to destroy what it was wrongly given", required=False)
