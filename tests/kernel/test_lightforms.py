"""A form that copies its fields its own way does what Django's own way does."""

import copy

import pytest
from django import forms

from cases.kernel.forms.lightforms import LightForm


def _all(kind=LightForm):
    found = []
    for each in kind.__subclasses__():
        found += [each, *_all(each)]
    return found


def _known():
    return [form for form in dict.fromkeys(_all()) if form.base_fields and form.__module__.startswith("cases.")]


def _takes_a_body(form):
    """Say whether a form is made of a body alone; some ask for the row they change."""
    return form.__init__ is LightForm.__init__ or form.__name__ in ("FactsForm", "PartyForm")


def _django(form, body):
    """Return what Django's own loop makes of a body."""
    made = form(body)
    made._clean_fields = lambda: forms.Form._clean_fields(made)
    return made


def test_there_are_such_forms_in_every_family():
    families = {form.__module__.split(".")[1] for form in _known()}

    assert families >= {"association", "credit", "debt", "disclosure", "fraud", "kernel", "rights"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "form", [*filter(_takes_a_body, _known())], ids=lambda form: f"{form.__module__}.{form.__name__}"
)
def test_what_a_body_leaves_out_is_worth_what_django_says(form):
    bodies = [{}, *({name: "7"} for name in form.base_fields)]

    for body in bodies:
        light, plain = form(dict(body)), _django(form, dict(body))
        assert light.errors.get_json_data() == plain.errors.get_json_data(), body
        assert light.cleaned_data == plain.cleaned_data, body


@pytest.mark.parametrize("form", _known(), ids=lambda form: f"{form.__module__}.{form.__name__}")
def test_no_form_changes_the_fields_of_another(form):
    made = copy.deepcopy(LightForm({}).base_fields.__class__(form.base_fields))

    for name, field in form.base_fields.items():
        own = made[name]
        assert type(own) is type(field)
        assert own is not field
        assert own.widget is not field.widget
        assert own.widget.attrs is not field.widget.attrs
        assert own.validators is not field.validators
        assert own.error_messages is not field.error_messages
        assert vars(own).keys() == vars(field).keys()
        assert vars(own.widget).keys() == vars(field.widget).keys()
        if isinstance(getattr(field, "choices", None), list):
            assert own.choices is not field.choices
            assert own.choices == field.choices
