"""The page of links: both ends show one, a refusal keeps what was typed, and a compartment's page says who sees it."""

import pytest

from cases.kernel.linking import links
from cases.kernel.models import CaseLink
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web import desk
from tests.web.desk import at, text

pytestmark = pytest.mark.django_db


def test_a_link_is_made_shown_at_both_ends_and_removed(people):
    case, other = factories.investigating(people), factories.referred(people)
    client = desk.client_of("a.byrne")
    assert "Linked with no other case" in text(client.get(at("linked", case)))

    page = client.post(at("linked", case), {"kind": "arose_from", "reference": other.reference.lower()}, follow=True)

    assert "The cases are linked." in text(page)
    assert f'Arose from <a class="mono" href="{at("case", other)}">{other.reference}</a>' in text(page)
    assert f'Led to <a class="mono" href="{at("case", case)}">{case.reference}</a>' in text(
        client.get(at("linked", other))
    )
    assert f'<dt>Led to</dt><dd><a class="mono" href="{at("case", case)}">' in text(client.get(at("case", other)))
    link = CaseLink.objects.get()
    refused = client.post(at("unlink", other, link.uid), {"reason": " "})
    assert refused.status_code == 422 and "Give a reason." in text(refused) and "<details open>" in text(refused)
    client.post(at("unlink", other, link.uid), {"reason": "Typed wrongly."})
    assert "Linked with no other case" in text(client.get(at("linked", case)))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"kind": "related", "reference": "FRD-2026-999999"}, "You see no case with that reference."),
        ({"kind": "cousin", "reference": "FRD-2026-000001"}, "Select a valid choice."),
        ({"kind": "related", "reference": ""}, "This field is required."),
    ],
)
def test_a_refusal_keeps_what_was_typed(people, typed, sentence):
    case = factories.referred(people)
    page = desk.client_of("a.byrne").post(at("linked", case), {**typed, "reason": "They belong together."})
    assert page.status_code == 422
    assert sentence in text(page) and "They belong together.</textarea>" in text(page)
    assert not CaseLink.objects.exists()


def test_a_reader_who_may_not_link_has_no_form(people):
    case, other = factories.referred(people), factories.referred(people)
    link = links.make(case.pk, "related", other.reference, actor=people["a.byrne"], at=factories.AT)
    client = desk.client_of("h.castellan")
    page = text(client.get(at("linked", case)))
    assert other.reference in page and "Link with another case" not in page and "Remove the link" not in page
    with nothing_written():
        assert client.post(at("unlink", case, link.uid), {"reason": "No."}).status_code == 403


def test_the_compartments_page_says_that_the_link_is_seen_from_there_only(people):
    case, report = factories.referred(people), suspicions.referred(people)
    officer = desk.client_of("h.castellan")
    officer.post(at("linked", report), {"kind": "arose_from", "reference": case.reference})
    page = text(officer.get(at("linked", report)))
    assert "Seen from here only" in page and case.reference in page
    for client in (officer, desk.client_of("a.byrne")):
        assert report.reference not in text(client.get(at("linked", case)))
        assert report.reference not in text(client.get(at("case", case)))
