"""What no form ever sends: a place far too large, a letter that text does not have. The answer is a page."""

import pytest
from django.urls import reverse

from cases.agencies import application
from cases.kernel.models import Callback
from cases.web.administration import office_letters
from tests import factories
from tests.agencies.stage import now
from tests.agencies.test_application import hear
from tests.api.caller import callback
from tests.web import desk

pytestmark = pytest.mark.django_db
FORMS = ("code_entry", "team_change", "agency_terms", "letter_text")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("place", ["0", "10001", "99999999999999999999"])
def test_an_address_of_no_place_is_not_found(people, place, method):
    case = factories.referred(people)
    path = reverse("web:edit_address", args=[case.uid, 1, place])

    assert getattr(desk.client_of("a.byrne"), method)(path).status_code == 404


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_filled_by_an_address_with_a_nul_is_drawn(people, kind):
    client = desk.client_of("k.mistry" if kind == "agency_terms" else "o.thackray")

    answer = client.get(reverse("web:propose", args=[kind]), {"code": "\0", "list_code": "a\0"}, follow=True)

    assert answer.status_code == 200


def test_a_letter_posted_with_a_nul_for_its_code_is_refused_in_words(people):
    client = desk.client_of("o.thackray", is_stepped_up=True)

    answer = client.post(reverse("web:propose", args=["letter_text"]), {"code": "n1\0", "reason": "Plainer."})

    assert answer.status_code == 422
    assert "Null characters are not allowed." in answer.content.decode()


def test_a_callback_matched_to_a_reference_with_a_nul_stays_where_it_is(people):
    factories.referred(people)
    row = hear(callback(type="fpa.enquiry", reference=...))
    application.apply_pending(now=now())
    path = reverse("web:agency_callback_review", args=[row.uid])

    answer = desk.client_of("a.byrne").post(path, {"act": "match", "reference": "\0", "reason": "Same name."})

    assert answer.status_code == 422
    assert "You see no case with this reference." in answer.content.decode()
    assert Callback.objects.get(pk=row.pk).case_id is None


def test_a_wording_that_takes_too_long_to_set_is_shown_with_the_sentence_that_says_so(people, monkeypatch):
    monkeypatch.setattr(office_letters, "PATIENCE_SECONDS", 0.01)

    answer = desk.client_of("o.thackray").post("/office/letters/n11/pdf/", {"body": "# Harbour Row"})

    assert answer.status_code == 422
    assert "The pages took too long to set." in answer.content.decode()
    assert "# Harbour Row" in answer.content.decode()
