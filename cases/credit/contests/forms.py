"""What people type about a contest, and what the website may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.credit import codes
from cases.credit.forms import PartyForm as Applicant
from cases.credit.intake import faults_of, schema_of_person
from cases.kernel import formats
from cases.kernel.casetypes import Intake
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Case, User

__all__ = ["INTAKE", "AssignForm", "DecideForm", "FactsForm", "IdentityForm", "PartyForm", "WithdrawForm"]

_CHOOSE = ("", "Choose")
_AREA = forms.Textarea(attrs={"rows": 4})


class FactsForm(forms.Form):
    """Which decision is contested, how that reached us, and the person's own words."""

    check_reference = forms.CharField(
        label="Reference of the check", max_length=20, help_text="As in the letter, for example CHK-2026-000018."
    )
    came_by = forms.ChoiceField(label="Reached us by", choices=codes.CAME_BY)
    wording = forms.CharField(label="In their words", max_length=4000, widget=_AREA)

    def clean_wording(self) -> str:
        text = str(self.cleaned_data["wording"])
        if formats.has_card_number(text):
            raise forms.ValidationError("This looks like a payment card number. Leave it out.", code="card_number")
        return text


class PartyForm(Applicant):
    """The person whose decision it is, or whoever acts for them."""

    role = forms.ChoiceField(label="Role", choices=codes.CONTEST_ROLES)


class _StepForm(forms.Form):
    """What one step asks for. Takes `case`; `inputs()` gives what transitions.apply takes."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class IdentityForm(_StepForm):
    """How the person showed who they are."""

    how = forms.ChoiceField(label="How", choices=[_CHOOSE, *codes.IDENTITY])


class AssignForm(_StepForm):
    """Who looks at it afresh."""

    reviewer = forms.ChoiceField(label="Reviewer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holders = User.objects.filter(
            is_active=True, role_grants__role="credit_reviewer", role_grants__revoked_at=None
        ).order_by("display_name")
        field: Any = self.fields["reviewer"]
        field.choices = [_CHOOSE, *((str(row.pk), row.display_name) for row in holders)]


class DecideForm(_StepForm):
    """What came of it. Nothing is chosen beforehand, and nothing proposed."""

    outcome = forms.ChoiceField(label="What came of it", choices=[_CHOOSE, *codes.CONTEST_OUTCOMES])
    findings = forms.CharField(label="What you looked at, and what you found", max_length=4000, widget=_AREA)
    answer = forms.CharField(label="Answer to the person", max_length=4000, widget=_AREA)


class WithdrawForm(_StepForm):
    """The person's own words."""

    words = forms.CharField(label="In their words", max_length=2000, widget=_AREA)


EXAMPLE = {
    "schema_version": 1,
    "check_reference": "CHK-2026-000018",
    "came_by": "web_form",
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
            "wording": text,
            "person": schema_of_person(),
        },
    }


def parse(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (facts, people) from a body whose shape the schema has accepted. Raises FieldErrors with JSON pointers."""
    form = FactsForm({name: value for name, value in data.items() if name not in {"schema_version", "person"}})
    said = dict(data["person"])
    place = dict(said.pop("address", None) or {})
    person = PartyForm({"role": "person", **said, **place})
    if errors := [*faults_of(form, ""), *faults_of(person, "/person")]:
        raise FieldErrors(errors)
    return form.cleaned_data, [{**person.person(), "source": "api"}]


INTAKE = Intake(path="contests", senders=frozenset({"own-website"}), parse=parse, example=EXAMPLE, schema=schema)
