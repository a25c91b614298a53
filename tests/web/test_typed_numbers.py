"""Numbers are typed and pasted as letters write them, into fields that the mouse wheel does not change."""

from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.urls import get_resolver, reverse

from cases.fraud.models import FraudReferral
from cases.kernel.models import Case
from cases.kernel.numberfields import Number, Pounds, Whole
from tests import factories
from tests.web import desk
from tests.web.test_acts import NEW

TAKEN = [
    (Pounds, "£1,299.50", Decimal("1299.50")),
    (Pounds, " £ 12,345,678 ", Decimal("12345678")),
    (Pounds, "1299.5", Decimal("1299.5")),
    (Number, "9.5", Decimal("9.5")),
    (Whole, "1,000", 1000),
    (Whole, "7", 7),
]
REFUSED = [(Pounds, "1,5"), (Pounds, "12,99.50"), (Pounds, "£12.345"), (Pounds, "££1"), (Pounds, "12 pounds")]
REFUSED += [(Number, "9,5"), (Number, "£9"), (Whole, "£12"), (Whole, "1,00"), (Whole, "12.5")]


@pytest.mark.parametrize(("field", "typed", "kept"), TAKEN)
def test_a_number_is_taken_as_letters_write_it(field, typed, kept):
    assert field().clean(typed) == kept


@pytest.mark.parametrize(("field", "typed"), REFUSED)
def test_what_may_mean_another_number_is_refused(field, typed):
    with pytest.raises(ValidationError):
        field().clean(typed)


def _below(known: type) -> set[type]:
    return {each for kind in known.__subclasses__() for each in (kind, *_below(kind))}


def test_no_form_has_a_field_that_the_mouse_wheel_changes():
    get_resolver().url_patterns  # noqa: B018 -- loads every page and so every form
    fields = [
        (form, name, field)
        for form in _below(forms.BaseForm)
        if form.__module__.startswith("cases.")
        for name, field in form.base_fields.items()
    ]

    assert sum(isinstance(field, Pounds) for _, _, field in fields) >= 8
    assert [(form, name) for form, name, field in fields if isinstance(field.widget, forms.NumberInput)] == []


@pytest.mark.django_db
def test_a_loss_pasted_from_a_letter_is_kept_in_pence():
    factories.office()
    client = desk.client_of("a.byrne")
    path = reverse("web:new_case", args=["fraud_referral"])
    page = client.get(path).content.decode()

    answer = client.post(path, {**NEW, "value_at_risk": "£1,299.50", "loss": "1,5"})

    assert '<input type="text" name="loss" inputmode="decimal" autocomplete="off"' in page
    assert (answer.status_code, Case.objects.count()) == (422, 0)
    assert client.post(path, {**NEW, "value_at_risk": "£1,299.50"}).status_code == 302
    assert FraudReferral.objects.get().value_at_risk_pence == 129_950
