"""What the forms of all families share."""

from datetime import date, timedelta

import pytest
from django import forms
from django.utils import timezone

from cases.kernel import calendars, casetypes
from cases.kernel.forms.plainforms import CARD, PlainForm, is_recent

CARD_NUMBER = "4000 0000 0000 0002"


def test_no_step_of_any_kind_in_which_something_is_written_takes_the_number_of_a_payment_card():
    steps = [(each.code, name, form) for each in casetypes.all_types() for name, form in each.transition_forms.items()]
    written = [
        (kind, name, form)
        for kind, name, form in steps
        if any(isinstance(field, forms.CharField) for field in form.base_fields.values())
    ]

    assert len(written) >= 30
    assert [(kind, name) for kind, name, form in written if not issubclass(form, PlainForm)] == []


def test_a_field_in_which_the_number_of_a_payment_card_is_written_says_that_none_is_kept():
    class Told(PlainForm):
        answer = forms.CharField()

    assert Told({"answer": f"We took {CARD_NUMBER} off."}).errors == {"answer": [CARD]}
    assert Told({"answer": "We took 4000 0000 0000 0003 off."}).errors == {}


def test_a_day_on_which_something_came_in_is_of_this_year_or_the_last_and_has_come():
    today = calendars.london_date(timezone.now())
    last_year = date(today.year - 1, 1, 1)

    is_recent(today)
    is_recent(last_year)
    with pytest.raises(forms.ValidationError, match="^\\['That day is still to come.'\\]$"):
        is_recent(today + timedelta(days=1))
    with pytest.raises(forms.ValidationError, match="^\\['That is too long ago.'\\]$"):
        is_recent(last_year - timedelta(days=1))
