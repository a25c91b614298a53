"""What people type about a complaint, and what the website may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.kernel.casetypes import Intake
from cases.kernel.forms.plainforms import DAY, Chosen, StepForm, faults_of, is_recent
from cases.kernel.intake import FieldErrors
from cases.kernel.office.codelists import CodeField
from cases.rights import codes as rights_codes
from cases.rights import intake
from cases.rights.complaints import codes
from cases.rights.forms import FactsForm as RequestForm

__all__ = ["INTAKE", "CloseForm", "FactsForm"]

_TEXT = {"type": "string", "minLength": 1, "maxLength": 4000}


class FactsForm(RequestForm):
    """What the complaint is about, how and when it reached us. The 30 days count from the day it was received."""

    right = channels = purposes = wording_version = wording = None  # type: ignore[assignment]  # -- Django leaves out
    about = Chosen(label="About", choices=codes.ABOUT)
    came_by = CodeField(label="Reached us by", codes=rights_codes.CAME_BY)
    complaint = forms.CharField(
        label="In their words", max_length=8000, required=False, widget=forms.Textarea(attrs={"rows": 5})
    )
    received_date = forms.DateField(
        label="Received on",
        required=False,
        widget=DAY,
        validators=[is_recent],
        help_text="The 30 days count from this day. Empty: today.",
    )
    field_order = ("about", "came_by", "received_date", "complaint")


class CloseForm(StepForm):
    """What was enquired into, what came of it, and the answer to the person."""

    outcome = forms.ChoiceField(label="What came of it", choices=[("", "Choose"), *codes.OUTCOMES])
    enquiries = forms.CharField(
        label="What was enquired into", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    answer = forms.CharField(
        label="Answer to the person",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Printed in the letter to them as you write it. Name nobody else.",
    )


EXAMPLE = {
    "schema_version": 1,
    "about": "marketing",
    "came_by": "web_form",
    "received_at": "2026-12-01T10:20:00Z",
    "complaint": "I asked you to stop and an advertisement followed me.",
    "person": {"forename": "Bartholomew", "surname": "Quince", "phone": "+447700900654"},
}


def schema() -> dict[str, Any]:
    """Return the shape of a body, with the codes that stand in the lists now."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "about", "came_by", "person"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "about": {**_TEXT, "enum": [code for code, _ in codes.ABOUT]},
            "came_by": {**_TEXT, "enum": [code for code, _ in rights_codes.CAME_BY]},
            "received_at": {"type": "string", "format": "date-time"},
            "complaint": {**_TEXT, "maxLength": 8000},
            "person": intake.PERSON,
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = FactsForm({name: data[name] for name in ("about", "came_by", "complaint") if name in data})
    errors = faults_of(form)
    received_at = intake.moment(data, errors)
    people = intake.people_of(data, errors)
    if errors:
        raise FieldErrors(errors)
    return {**form.cleaned_data, "received_at": received_at}, people


INTAKE = Intake(path="dp-complaints", senders=frozenset({"own-website"}), parse=parse, example=EXAMPLE, schema=schema)
