"""What people type about a contest, and what the website may send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms

from cases.credit import codes
from cases.credit.forms import PartyForm as Applicant
from cases.credit.intake import schema_of_person
from cases.credit.models import CheckDecision
from cases.kernel import calendars
from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import DAY, IN_ADDRESS, Chosen, PlainForm, StepForm, faults_of, is_recent
from cases.kernel.intake import FieldErrors
from cases.kernel.models import User

__all__ = ["INTAKE", "AssignForm", "DecideForm", "FactsForm", "IdentityForm", "PartyForm", "UNKNOWN", "WithdrawForm"]

UNKNOWN = "No decision has this reference."
_EARLIEST = 2018
_CHOOSE = ("", "Choose")
_AREA = forms.Textarea(attrs={"rows": 4})


class FactsForm(PlainForm):
    """Which decision is contested, how and when that reached us, and the person's own words. A correction that names
    another check gives its newest decision as `decision`."""

    check_reference = forms.CharField(
        label="Reference of the check", max_length=20, help_text="As in the letter, for example CHK-2026-000018."
    )
    came_by = Chosen(label="Reached us by", choices=codes.CAME_BY)
    received_date = forms.DateField(
        label="Received on",
        required=False,
        widget=DAY,
        validators=[is_recent],
        help_text="The month counts from this day. Empty: today.",
    )
    wording = forms.CharField(label="In their words", max_length=4000, widget=_AREA)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = CheckDecision.objects.filter(pk=self.initial.get("decision") or 0)
        self._decision = named.select_related("case").first()
        if self._decision is not None:
            self.initial["check_reference"] = self._decision.case.reference
        received = self.initial.get("received_at")
        self._received = calendars.london_date(received) if received else None
        if self._received is not None:
            self.initial["received_date"] = self._received
            self.fields["received_date"].help_text = "The month counts from this day."

    def clean_check_reference(self) -> str:
        reference = str(self.cleaned_data["check_reference"]).strip().upper()
        if self._decision is not None and reference != self._decision.case.reference:
            self._decision = CheckDecision.of_reference(reference)
            if self._decision is None:
                raise forms.ValidationError(UNKNOWN, code="unknown")
        return reference

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.pop("received_date", None)
        if day and day != self._received:
            cleaned["received_at"] = calendars.end_of_day(day)
        return cleaned | ({} if self._decision is None else {"decision": self._decision})


class PartyForm(Applicant):
    """The person whose decision it is, or whoever acts for them. Wherever they say that they live, they are heard."""

    is_searched = False
    role = forms.ChoiceField(label="Role", choices=codes.CONTEST_ROLES)


class IdentityForm(StepForm):
    """How the person showed who they are."""

    how = forms.ChoiceField(label="How", choices=[_CHOOSE, *codes.IDENTITY])


class AssignForm(StepForm):
    """Who looks at it afresh."""

    reviewer = forms.ChoiceField(label="Reviewer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holders = User.objects.filter(
            is_active=True, role_grants__role="credit_reviewer", role_grants__revoked_at=None
        ).order_by("display_name")
        field: Any = self.fields["reviewer"]
        field.choices = [_CHOOSE, *((str(row.pk), row.display_name) for row in holders)]


class DecideForm(StepForm):
    """What came of it. Nothing is chosen beforehand, and nothing proposed."""

    outcome = forms.ChoiceField(label="What came of it")
    findings = forms.CharField(label="What you looked at, and what you found", max_length=4000, widget=_AREA)
    answer = forms.CharField(
        label="Answer to the person",
        max_length=4000,
        widget=_AREA,
        help_text="Printed in the letter to them as you write it. Name nobody else.",
    )

    harm = forms.MultipleChoiceField(
        label="What the decision did to them besides",
        choices=codes.HARMS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="As they tell it. Where the decision does not stand, somebody looks what can be put right.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        without = {codes.NOT_AUTOMATED} if self.case.contest.decision.automated_level == "solely" else set()
        field: Any = self.fields["outcome"]
        field.choices = [_CHOOSE, *(row for row in codes.CONTEST_OUTCOMES if row[0] not in without)]


class WithdrawForm(StepForm):
    """The person's own words."""

    words = forms.CharField(label="In their words", max_length=2000, widget=_AREA)


EXAMPLE = {
    "schema_version": 1,
    "check_reference": "CHK-2026-000018",
    "came_by": "web_form",
    "received_at": "2026-11-29T18:00:00Z",
    "wording": "I am the victim. Somebody else applied in my name.",
    "person": {
        "forename": "Idris",
        "surname": "Fenwick-Okafor",
        "date_of_birth": "1991-07-30",
        "address": {"line_1": "5 Cobbler's Yard", "town": "Norwich", "postcode": "NR2 0ZZ"},
    },
}


def schema() -> dict[str, Any]:
    """Return the shape of a body."""
    text = {"type": "string", "minLength": 1, "maxLength": 4000}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "check_reference", "came_by", "wording", "person"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "check_reference": {**text, "maxLength": 20},
            "came_by": {"type": "string", "enum": [code for code, _ in codes.CAME_BY]},
            "received_at": {"type": "string", "format": "date-time"},
            "wording": text,
            "person": schema_of_person(),
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = FactsForm({name: data[name] for name in ("check_reference", "came_by", "wording")})
    said = dict(data["person"])
    place = dict(said.pop("address", None) or {})
    person = PartyForm({"role": "person", **said, **place})
    errors = [*faults_of(form, ""), *faults_of(person, "/person", told_as=IN_ADDRESS)]
    received_at = _moment(data, errors)
    if errors:
        raise FieldErrors(errors)
    return {**form.cleaned_data, "received_at": received_at}, [person.person()]


def _moment(data: Mapping[str, Any], errors: list[tuple[str, str, str]]) -> datetime | None:
    """Return when it was received, UTC; a moment without its offset, or from before the UK GDPR, is a fault."""
    if (text := data.get("received_at")) is None:
        return None
    try:
        said = datetime.fromisoformat(str(text))
        found = said.astimezone(UTC) if said.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found.year < _EARLIEST:
        errors.append(("/received_at", "invalid", "Write the moment with its offset: 2026-11-29T18:00:00Z."))
        return None
    return found


INTAKE = Intake(path="contests", senders=frozenset({"own-website"}), parse=parse, example=EXAMPLE, schema=schema)
