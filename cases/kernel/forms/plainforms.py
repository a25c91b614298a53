"""What the forms of several families share: no card number is ever taken, and a person is typed in one way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from cases.kernel import calendars, formats
from cases.kernel.formats import BadFormat
from cases.kernel.forms.choosing import Chosen
from cases.kernel.forms.lightforms import LightForm
from cases.kernel.models import Case
from cases.kernel.office import datasources
from cases.kernel.office.codelists import CodeField

__all__ = [
    "CARD",
    "DAY",
    "IN_ADDRESS",
    "PLACE",
    "Chosen",
    "GroupedTicks",
    "PersonForm",
    "PlainForm",
    "StepForm",
    "faults_of",
    "has_come",
    "is_recent",
    "needed_when",
]

CARD = "This looks like a payment card number. Card numbers are never kept."
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_LIVING = (
    MinValueValidator(date(1900, 1, 1), "Enter a day from 1900 on."),
    MaxValueValidator(date(2099, 12, 31), "Enter a day before 2100."),
)


def has_come(day: date) -> None:
    """Refuse a day of somebody's life that is still to come, in London."""
    today = calendars.london_date(timezone.now())  # noqa: TID251 -- a form is where a face reads what was typed
    if day > today:
        raise forms.ValidationError("That day is still to come.", code="future")


def is_recent(day: date) -> None:
    """Refuse a day on which something cannot have come in: one still to come, or before last year, in London."""
    has_come(day)
    if day.year < calendars.london_date(timezone.now()).year - 1:  # noqa: TID251 -- as above
        raise forms.ValidationError("That is too long ago.", code="past")


PLACE = ("line_1", "line_2", "town", "postcode", "country")
# Where a body tells a place, which a form has beside the person.
IN_ADDRESS = {name: f"address/{name}" for name in PLACE}
_HERE = {"", "GB", "UK", "UNITED KINGDOM"}


class GroupedTicks(forms.CheckboxSelectMultiple):
    """Check boxes under the headings of their groups: in a list that is picked from, one plain click drops all else."""

    is_grouped = True

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        groups = super().optgroups(name, value, attrs)
        for heading, options, _ in groups:
            for option in options:
                option["heading"] = heading
        return groups

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the id of one box; the first one has the id to which a refusal leads."""
        return super().id_for_label(id_, "0" if index == "0_0" else index)


def needed_when(form: forms.BaseForm, words: str, *names: str) -> None:
    """Have fields that may be left empty say when they may not, instead of that they are optional."""
    for name in names:
        vars(form.fields[name])["needed_when"] = words


def faults_of(
    form: forms.BaseForm, prefix: str = "", *, told_as: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, str, str]]:
    """Return what a form refuses of a body as (JSON pointer, code, sentence). `told_as` says where a field of the form
    stands in the body, where it has another name there; what is wrong with the whole has the pointer of the whole."""
    return [
        (prefix if name == NON_FIELD_ERRORS else f"{prefix}/{told_as.get(name, name)}", code, sentence)
        for name, listed in form.errors.get_json_data().items()
        for code, sentence in ((each["code"] or "invalid", each["message"]) for each in listed)
    ]


class PlainForm(LightForm):
    """Refuses card numbers in whatever is typed."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in [*cleaned.items()]:  # a fault takes its value out
            if isinstance(value, str) and formats.has_card_number(value):
                self.add_error(name, forms.ValidationError(CARD, code="card_number"))
        return cleaned


class StepForm(PlainForm):
    """What one step of a case asks for."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        """Return what was typed as transitions.apply takes it."""
        return dict(self.cleaned_data)


class PersonForm(PlainForm):
    """A person and where they live. A family adds `role` and what else it asks for, and says who is innocent."""

    is_innocent: ClassVar[bool] = True
    field_order = (
        *("role", "title", "forename", "middle_name", "surname", "date_of_birth"),
        *("phone", "email", "account_reference", *PLACE, "source"),
    )

    title = forms.CharField(label="Title", max_length=20, required=False)
    forename = forms.CharField(label="First name", max_length=80, required=False)
    surname = forms.CharField(label="Last name", max_length=80, required=False)
    date_of_birth = forms.DateField(label="Date of birth", required=False, widget=DAY, validators=(*_LIVING, has_come))
    phone = forms.CharField(label="Telephone", max_length=24, required=False)
    email = forms.EmailField(label="E-mail", max_length=120, required=False)
    line_1 = forms.CharField(label="Address", max_length=120, required=False)
    line_2 = forms.CharField(label="Address, second line", max_length=120, required=False)
    town = forms.CharField(label="Town", max_length=60, required=False)
    postcode = forms.CharField(label="Postcode", max_length=10, required=False)
    country = forms.CharField(label="Country, if abroad", max_length=60, required=False)
    source = CodeField(codes=datasources.SOURCES, **datasources.ASKED)

    def clean_phone(self) -> str:
        return self._tidy("phone", formats.phone)

    def clean_postcode(self) -> str:
        country = str(self.data.get(self.add_prefix("country")) or "").strip().upper()
        return self._tidy("postcode", formats.postcode) if country in _HERE else str(self.cleaned_data["postcode"])

    def _tidy(self, name: str, tidy: Any) -> str:
        text = self.cleaned_data[name]
        try:
            return tidy(text) if text else ""
        except BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None

    def person(self) -> dict[str, Any]:
        """Return what was typed in the shape parties.add takes."""
        cleaned = dict(self.cleaned_data)
        place = {name: cleaned.pop(name) for name in PLACE}
        source = cleaned.pop("source")
        born = cleaned.get("date_of_birth")
        return {
            "role": cleaned.pop("role"),
            "is_innocent": self.is_innocent,
            "source": source,
            "values": {**cleaned, "date_of_birth": born.isoformat() if born else None},
            "addresses": [{"kind": "current", **place}] if any(place.values()) else [],
        }
