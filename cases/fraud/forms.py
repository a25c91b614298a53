"""What people type about a fraud referral: opening facts and the four pillars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from cases.fraud import codes, incoming, opening, police
from cases.fraud.models import IncomingNotice
from cases.kernel import calendars, formats
from cases.kernel.evidence import scanning
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.forms.numberfields import Pounds
from cases.kernel.forms.plainforms import Chosen, GroupedTicks, needed_when
from cases.kernel.models import Case
from cases.kernel.office import codelists
from cases.kernel.office.codelists import CodeField

__all__ = [
    "ApproveForm",
    "DisputeForm",
    "FactsForm",
    "NoticeForm",
    "PoliceForm",
    "RemoveForm",
    "SubmitForm",
]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
# A slip of the finger in a year would move every period that is counted from the day.
_CENTURY = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31)))


def _not_to_come(day: date) -> None:
    if day > calendars.london_date(timezone.now()):  # noqa: TID251 -- a form is where a face reads what was typed
        raise forms.ValidationError("That day is still to come.", code="future")


_PAST = (_CENTURY[0], _not_to_come)


def _reasons(held: Collection[str] = ()) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the reasons of today, and those a row holds already, each once, by the kinds of filing that have it."""
    return [*_grouped(frozenset(held), codelists.state())]


@lru_cache(maxsize=64)
def _grouped(held: Collection[str], _of_state: tuple[int, str]) -> tuple[tuple[str, list[tuple[str, str]]], ...]:
    labels: dict[str, str] = {}
    kinds: dict[str, list[str]] = {}
    for kind, kind_label in codes.CASE_TYPES:
        for code, label in codes.REASONS[kind].choices(also=[*held]):
            labels.setdefault(code, label)
            kinds.setdefault(code, []).append(kind_label)
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, label in labels.items():
        groups.setdefault("; ".join(kinds[code]), []).append((code, label))
    return tuple(groups.items())


class ReasonsField(forms.MultipleChoiceField):
    """Reasons grouped by kind of filing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_reasons, **kwargs)

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        given = _reasons(list(form.initial.get(field_name) or ()))
        for place in (self, self.widget):  # as they are: Django would look through every one of them twice
            vars(place)["_choices"] = given
        return super().get_bound_field(form, field_name)


class FactsForm(LightForm):
    """The opening facts. Money is typed in pounds and kept in pence."""

    event_type = CodeField(
        label="Kind of event",
        codes=codes.EVENT_TYPES,
        required=False,
        help_text="Of an attack, the kind of fraud may be left empty until it is known: nothing is filed without.",
    )
    attack = CodeField(label="Kind of attack", codes=codes.ATTACKS, none="It is no attack", required=False)
    fpa_case_type = CodeField(label="Kind of fraud", codes=codes.CASE_TYPES, none="Not known", required=False)
    reasons = ReasonsField(label="What was done", widget=GroupedTicks, required=False)
    product = CodeField(label="Product", codes=codes.PRODUCTS)
    sales_channel = CodeField(label="Channel", codes=codes.SALES_CHANNELS)
    is_facility_granted = forms.BooleanField(label="The product was provided", required=False)
    application_date = forms.DateField(label="Date of application", required=False, widget=_DAY, validators=_PAST)
    discovered_date = forms.DateField(label="Date discovered", widget=_DAY, validators=_PAST)
    value_at_risk = Pounds(label="Value at risk, in pounds", min_value=0, max_digits=11, required=False)
    loss = Pounds(label="Loss, in pounds", min_value=0, max_digits=11, required=False)
    savings = Pounds(label="Saved by stopping it, in pounds", min_value=0, max_digits=11, required=False)
    account_reference = forms.CharField(label="Account", max_length=40, required=False)
    notice_version = forms.CharField(
        label="Privacy notice shown to the customer",
        max_length=20,
        required=False,
        help_text="Version, for example 2026-02",
    )
    notice_shown_date = forms.DateField(label="Shown on", required=False, widget=_DAY, validators=_PAST)
    may_share_with_police = forms.BooleanField(label="The agency may pass it to the police", required=False)
    is_reinstated = forms.BooleanField(
        label="The product was given back to the person",
        required=False,
        help_text="Then the fourth pillar no longer holds, and a filing must be removed.",
    )
    alert_code = CodeField(
        label="Retail alert",
        codes=codes.ALERT_CODES,
        required=False,
        help_text="Tells other retailers the fraudster's delivery address. Never where an innocent person lives.",
    )
    prejudice_recorded = forms.BooleanField(
        label="Telling the people involved would prejudice an investigation", required=False
    )
    incident_reference = forms.CharField(
        label="Number of the incident",
        max_length=64,
        required=False,
        help_text="As our other systems or another brand of the group call it. One incident is filed once: a second "
        "referral of the same number is noticed. Empty if there is none; when correcting, empty keeps what is there.",
    )
    narrative = forms.CharField(
        label="What happened", max_length=8000, required=False, widget=forms.Textarea(attrs={"rows": 5})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needed_when(self, "needed unless it is an attack", "fpa_case_type", "reasons")
        needed_when(self, "needed where there is a kind of event", "attack")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "reasons" in cleaned:  # a code that stands under two kinds of filing is sent once for each
            cleaned["reasons"] = list(dict.fromkeys(cleaned["reasons"]))
        self._check_event(cleaned)
        allowed = {code for code, _ in codes.REASONS.get(cleaned.get("fpa_case_type", ""), ())}
        if allowed and cleaned.get("reasons") and not set(cleaned["reasons"]) <= allowed:
            self.add_error("reasons", "Choose only reasons that belong to the kind of fraud.")
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and formats.has_card_number(value):
                self.add_error(name, forms.ValidationError(str(formats.CardNumber()), code="card_number"))
        for name in ("value_at_risk", "loss", "savings"):
            cleaned[f"{name}_pence"] = int((cleaned.pop(name, None) or 0) * 100)
        if cleaned.get("incident_reference"):
            cleaned |= opening.incident_columns(cleaned["incident_reference"])
        return cleaned

    def _check_event(self, cleaned: dict[str, Any]) -> None:
        """A fraud says of which kind it is and what was done; an attack says which, and may say the other."""
        if "event_type" in self.errors:
            return
        is_attack, kind = bool(cleaned.get("event_type")), cleaned.get("fpa_case_type")
        needed = ["attack"] if is_attack else ["fpa_case_type", "reasons"]
        needed += ["reasons"] if is_attack and kind else []
        for name in needed:
            if name not in self.errors and not cleaned.get(name):
                self.add_error(name, forms.ValidationError("This field is required.", code="required"))
        if cleaned.get("attack") and not is_attack:
            self.add_error("attack", forms.ValidationError("Say on what the attack was.", code="invalid"))
        if cleaned.get("reasons") and is_attack and not kind and "fpa_case_type" not in self.errors:
            self.add_error("fpa_case_type", forms.ValidationError("Say of which kind these are.", code="required"))


def _answer(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=(("yes", "Yes"), ("no", "No")),
        widget=forms.RadioSelect,
        error_messages={"required": "Answer yes or no."},
    )


class SubmitForm(forms.Form):
    """The maker's answers to the four pillars, each with the documents that bear it out.

    Takes `case`; `inputs()` gives what transitions.apply takes.
    """

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = dict(codes.EVIDENCE_KINDS)
        documents = [
            (str(each.number), f"Document {each.number}: {kinds.get(each.kind, each.kind)}")
            for each in sorted(case.evidence.all(), key=lambda each: each.number)
            if each.scan != scanning.INFECTED
        ]
        for number, label in codes.pillars_of(case.fraud_referral.fpa_case_type):
            self.fields[f"pillar_{number}"] = _answer(f"{number}. {label}")
            self.fields[f"evidence_{number}"] = forms.MultipleChoiceField(
                label=f"Documents for pillar {number}",
                choices=documents,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        self.fields["exception"] = forms.ChoiceField(
            label="Exception to pillar 4", choices=codes.PILLAR_4_EXCEPTIONS, required=False
        )

    def inputs(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "pillars": {
                number: {
                    "is_met": cleaned[f"pillar_{number}"] == "yes",
                    "evidence": [int(each) for each in cleaned[f"evidence_{number}"]],
                    "exception": cleaned["exception"] if number == 4 else "",
                }
                for number, _ in codes.PILLARS
            }
        }


class ApproveForm(forms.Form):
    """The checker's own answers to the four pillars, and to who is marked innocent."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, label in codes.pillars_of(case.fraud_referral.fpa_case_type):
            self.fields[f"pillar_{number}"] = _answer(f"{number}. {label}")
        self.fields["exception"] = forms.ChoiceField(
            label="Exception to pillar 4", choices=codes.PILLAR_4_EXCEPTIONS, required=False
        )
        self.fields["has_reviewed_innocent"] = forms.BooleanField(
            label="I reviewed who is marked innocent and who is not",
            error_messages={"required": "Look at who is marked innocent, then tick this."},
        )

    def inputs(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "pillars": {
                number: {
                    "is_met": cleaned[f"pillar_{number}"] == "yes",
                    "exception": cleaned["exception"] if number == 4 else "",
                }
                for number, _ in codes.PILLARS
            },
            "has_reviewed_innocent": cleaned["has_reviewed_innocent"],
        }


def people_of(case: Case) -> list[tuple[str, str]]:
    """Return the people of a case as choices: number and part, no name."""
    roles = dict(codes.ROLES)
    rows = sorted(case.parties.all(), key=lambda each: each.number)
    return [
        (str(each.number), f"Person {each.number}: {roles.get(each.role, each.role).lower()}")
        for each in rows
        if not each.is_detached
    ]


_NOBODY = "nobody"


class DisputeForm(forms.Form):
    """Who says that the filing is wrong, on which grounds, and when that came in."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["grounds"] = Chosen(label="Grounds", choices=codes.GROUNDS)
        self.fields["subject"] = Chosen(
            label="Who disputes it",
            choices=[*people_of(case), (_NOBODY, "Nobody named in the case")],
            help_text="The answer goes to this person.",
        )
        self.fields["received_date"] = forms.DateField(
            label="Came in on",
            required=False,
            widget=_DAY,
            validators=_CENTURY,
            help_text="The month for the answer counts from this day. Empty: today.",
        )

    def inputs(self) -> dict[str, Any]:
        subject = self.cleaned_data["subject"]
        return {**self.cleaned_data, "subject": "" if subject == _NOBODY else subject}


class RemoveForm(forms.Form):
    """Why a filing comes down."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason_code"] = Chosen(label="Why it is removed", choices=codes.REMOVAL_REASONS)

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever looks at it afterwards."""
        code = str(inputs.get("reason_code", ""))
        return [("Why it is removed", dict(codes.REMOVAL_REASONS).get(code, code))]


class PoliceForm(forms.Form):
    """What of our own evidence the police get: which people, which documents, with communications data or without."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ticks = forms.CheckboxSelectMultiple
        people = people_of(case)
        self.fields["people"] = forms.MultipleChoiceField(
            label="People named",
            choices=people,
            widget=ticks,
            required=bool(people) or not case.fraud_referral.event_type,
        )
        self.fields["documents"] = forms.MultipleChoiceField(
            label="Documents held for the police", choices=police.choices(case), widget=ticks
        )
        self.fields["has_communications_data"] = forms.BooleanField(
            label="With telephone numbers, IP addresses, devices, call and device records",
            required=False,
            help_text="That is communications data about a fraud against us: legal counsel agrees before it goes.",
        )
        self.fields["story_holds"] = forms.ChoiceField(
            label=police.QUESTION,
            choices=[("yes", "Yes"), ("no", "No")],
            widget=forms.RadioSelect,
            help_text="Whose number or address it is, who called whom, when, from where. If it does, counsel agrees.",
        )

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what would go to whoever agrees."""
        return [
            ("People", ", ".join(str(each) for each in inputs.get("people", ()))),
            ("Documents", ", ".join(str(each) for each in inputs.get("documents", ()))),
            ("With communications data", "Yes" if inputs.get("has_communications_data") else "No"),
            (police.QUESTION, "Yes" if inputs.get("story_holds") == "yes" else "No"),
        ]


# What somebody may say about one person of the case, and so has to name the person for.
_NAMES_A_PERSON = {"match", "alert_hit", "protective_registration"}


class NoticeForm(forms.Form):
    """What a person decides about one incoming notice, and why. `inputs()` gives what incoming.decide takes."""

    outcome = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    person = forms.ChoiceField(
        label="Person of this case", required=False, help_text="Whom it is about, where it is one of ours."
    )
    agrees_in = forms.MultipleChoiceField(
        label="What else agrees",
        choices=[(code, label) for code, label in codes.MATCHED_ON.items() if code != "address"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Only the address agrees, and others live there too.",
    )
    reason_code = forms.ChoiceField(
        label="Removed because",
        choices=[("", "Not removed"), *codes.REMOVAL_REASONS],
        required=False,
    )
    reason = forms.CharField(label="Reason", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, notice: IncomingNotice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state = notice.case.state
        open_now = [each for each in codes.INCOMING[notice.kind] if incoming.can_be_said(notice, each[0], state=state)]
        self.fields["outcome"].choices = open_now  # type: ignore[attr-defined]  # -- a choice field
        if not notice.is_address_only:
            del self.fields["agrees_in"]
        if notice.kind != "removal_instruction":
            del self.fields["reason_code"]
        if notice.kind not in _NAMES_A_PERSON:
            del self.fields["person"]
            return
        people = [("", "Nobody"), *people_of(notice.case)]
        self.fields["person"].choices = people  # type: ignore[attr-defined]  # -- a choice field

    def inputs(self) -> dict[str, Any]:
        typed = ("person", "agrees_in", "reason_code")
        return {name: self.cleaned_data.get(name) for name in typed if name in self.fields}
