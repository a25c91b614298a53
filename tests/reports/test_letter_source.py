"""A new wording begins with the words in force; previews have no holes; a sign-off never stands alone."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from cases.kernel.exchange import letters
from cases.kernel.office import lettertexts
from cases.reports import lettertext, press
from tests import factories
from tests.factories import AT
from tests.reports.reading import text_of
from tests.web import desk

pytestmark = pytest.mark.django_db
HOLES = re.compile(r" [.,;:]( |$)|\b(On|on|from|dated|until|by|of|is:) (?=[.,;]|</)|<b></b>|\bOn\s+(you|we|somebody)\b")


@pytest.fixture(autouse=True)
def people():
    return factories.office()


@pytest.mark.parametrize("code", sorted(letters.TEMPLATES))
def test_the_preview_of_a_letter_has_no_hole_where_a_value_stands(code):
    html = lettertext.paper(code, None, now=AT).html
    text = " ".join(re.sub(r"<(?!/?b>)[^>]*>", "\n", html.partition("<body>")[2]).split(" "))
    assert [line for line in text.splitlines() if HOLES.search(line.strip())] == []


def test_a_new_wording_begins_with_the_words_in_force():
    client = desk.client_of("o.thackray")
    page = client.get(reverse("web:propose", args=["letter_text"]), {"code": "n11"})

    body = page.context["form"]["body"].value()

    assert body.startswith("# Somebody took control of your account.")
    assert "\n\nDear {name},\n\n" in body
    assert "On {filed_date} we told {agency} what happened." in body
    assert "- {told};" in body
    assert [body.count(each) for each in ("{contact}", "{agency_contact}", "{complaints}")] == [1, 1, 1]
    assert body.endswith("Yours sincerely,\n\n{desk}\n\n{firm}\n")
    assert "Tregaskis" not in body
    assert lettertexts.faults("n11", body) == []


@pytest.mark.parametrize("code", sorted(letters.TEMPLATES))
def test_what_only_the_built_in_wording_can_say_is_marked_and_never_taken_over(code):
    body = lettertext.source(code, now=AT)
    invented = ("Tregaskis", "EXAMPLE-", "£", "ORD-2026", "2026", "Sandbox", "8001234567")
    assert [each for each in invented if each in body] == []
    assert lettertexts.faults(code, body) == ([lettertexts.OPEN_WORDS] if "{?}" in body else [])


def test_whom_to_pay_is_the_buyer_and_not_the_agency_told():
    """Where no agency was told, a line that names one is left out: whom to pay would be missing."""
    body = lettertext.source("sale_n7_eaw", now=AT)
    assert "Please pay {buyer}, and nothing more to us." in body
    assert "On {assigned_date} we assigned to {buyer} what you owe" in body
    assert ": {owed_words} (their reference {line_reference})." in body
    assert "{agency}" not in body


@pytest.mark.parametrize("code", ["n2", "n2_again", "n3"])
def test_a_wording_about_a_decision_can_name_all_that_the_built_in_one_names(code):
    body = lettertext.source(code, now=AT)
    assert "{?}" not in body and "{decided_at}" in body and "{outcome_said}" in body and "{application_id}" in body
    assert ("{reason_words}" in body) == (code != "n2_again")
    assert ("{searched_words}" in body, "{trigger_words}" in body) == (code == "n2", code == "n3")


def test_a_moment_is_written_as_its_day_in_london():
    assert lettertext.written(datetime(2027, 6, 30, 23, 30, tzinfo=UTC)) == "1 July 2027"


@pytest.mark.parametrize("code", ["n12_other", "n19"])
def test_no_sheet_begins_with_the_sign_off(code):
    printed = press.press(lettertext.paper(code, None, now=AT))
    sheets = [sheet.strip() for sheet in text_of(printed.data).split("\f") if sheet.strip()]
    assert len(sheets) == 2
    assert [sheet for sheet in sheets if sheet.startswith("Yours sincerely")] == []
