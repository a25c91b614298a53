"""What of the office can be proposed from the page of changes, and what is begun beside the thing that it changes."""

import pytest
from django.forms import RadioSelect, Select
from django.urls import reverse

from cases.kernel import actors, policy
from cases.kernel.office import demo_people, proposals
from cases.web.administration import office
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


def test_every_form_that_only_a_list_can_fill_is_begun_at_that_list(people):
    actor = people["o.thackray"]
    lacking = {
        kind.code
        for kind in proposals.all_kinds()
        if kind.form and any(field.field.required for field in kind.form(initial={}, actor=actor).hidden_fields())
    }
    assert lacking == {"code_entry", "letter_text", "team_change", "tie_end"}
    assert office.BEGUN_AT.keys() == lacking | {"clock_rule", "retention_class"}


def test_nothing_is_chosen_in_a_form_before_somebody_chooses(people):
    """What stands first in a list is chosen by nobody: the wrong agency, team or rule would be changed."""
    for kind in (each for each in proposals.all_kinds() if each.form):
        form = kind.form(initial={}, actor=people["o.thackray"])
        for field in form.visible_fields():
            if isinstance(field.field.widget, Select):
                first = field.field.choices and list(field.field.choices)[0][0]
                assert (first, field.value()) == ("", None), (kind.code, field.name)
            elif isinstance(field.field.widget, RadioSelect):
                assert field.value() is None, (kind.code, field.name)


@pytest.mark.parametrize("person", demo_people.PEOPLE, ids=str)
def test_everything_offered_on_the_page_of_changes_leads_to_a_page(people, person):
    actor, client = actors.staff(factories.user(person.username)), desk.client_of(person.username)
    if not policy.can(actor, "view_changes").is_allowed:
        return
    for label, address in client.get("/office/changes/").context["kinds"]:
        assert client.get(address).status_code == 200, label


@pytest.mark.parametrize(
    ("kind", "username", "page"),
    [
        ("code_entry", "o.thackray", "codes"),
        ("letter_text", "o.thackray", "letters"),
        ("team_change", "o.thackray", "teams"),
        ("tie_end", "j.merriweather", "ties"),
    ],
)
def test_a_form_that_says_of_nothing_what_changes_leads_to_the_list(people, kind, username, page):
    client, path = desk.client_of(username), reverse("web:propose", args=[kind])
    with nothing_written():
        answer = client.get(path, follow=True)
    assert answer.redirect_chain == [(reverse(f"web:{page}"), 302)]
    assert "Choose in this list what is to change." in answer.content.decode()


def test_a_change_is_called_by_what_it_changes_so_that_whoever_agrees_reads_whose_it_is():
    """An address, a key, a number to call back: agreed to for the wrong agency, data goes to somebody else."""
    assert [kind.code for kind in proposals.all_kinds() if kind.title is None] == []


def test_the_second_person_reads_of_which_agency_the_address_is(people):
    payload = {"code": "sandbox-fraud-register", "address": "https://moved.example.org/"}
    row = proposals.propose("agency_address", payload, actor=people["k.mistry"], at=factories.AT, reason="They moved.")

    page = desk.client_of("e.hallam").get(reverse("web:change", args=[row.uid])).content.decode()

    assert "<h1>Change the address of sandbox-fraud-register</h1>" in page


def test_the_form_says_who_has_to_agree(people):
    page = desk.client_of("k.mistry").get(reverse("web:propose", args=["agency_address"])).content.decode()
    assert "It happens when another person agrees: disclosure approver." in page
