"""Views of the queue that somebody keeps, for themselves or for a team of theirs."""

import pytest
from django.db import transaction

from cases.kernel.models import SavedView, Team, TeamMembership, User
from cases.kernel.personal import views
from cases.ledger import api as ledger
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


def save(client, name, query, **more):
    return client.post("/cases/views/", {"name": name, "query": query, **more})


def seen(username: str) -> list[str]:
    return [place.label for place in desk.client_of(username).get("/cases/").context["shell"].views]


def fraud() -> Team:
    return Team.objects.get(code="fraud")


def seat(username: str, team: Team, *, is_lead: bool) -> None:
    user = User.objects.get(username=username)
    with ledger.action(team.uid, "tests.seated", actor="system:tests", at=factories.AT):
        row = TeamMembership.objects.filter(team=team, user=user, ended_at=None).first() or TeamMembership(
            team=team, user=user
        )
        row.is_lead = is_lead
        row.save()


def test_a_view_is_kept_stands_in_the_rail_of_every_browser_and_is_removed(people):
    client = desk.client_of("a.byrne")
    answer = save(client, " Large  ones ", "amount=500000-&view=unassigned&after=2026~1&zip=1")
    assert answer["location"] == "/cases/?view=unassigned&amount=500000-"

    page = desk.client_of("a.byrne").get(answer["location"])

    (place,) = page.context["shell"].views
    assert (place.label, place.url, place.is_current) == ("Large ones", answer["location"], True)
    assert "Remove view “Large ones”" in page.content.decode()
    assert seen("d.osei") == []
    client.post("/cases/views/", {"drop": str(SavedView.objects.get().pk), "query": "view=unassigned"})
    assert seen("a.byrne") == [] and not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", "view=overdue", "A view has a name, and a filter, a tab or an order."),
        ("Mine", "", "A view has a name, and a filter, a tab or an order."),
        ("Mine", "q=FRD-2026", "A view has a name, and a filter, a tab or an order."),
        ("Mine", "//evil.example.org", "A view has a name, and a filter, a tab or an order."),
        ("M" * 41, "view=overdue", "A name has at most 40 letters, and what is asked 400."),
        ("Mine", f"kind={'x' * 400}", "A name has at most 40 letters, and what is asked 400."),
        ("Mi\0ne", "view=overdue", "A name has at most 40 letters, and what is asked 400."),
    ],
)
def test_what_is_no_view_is_not_kept(people, name, query, sentence):
    client = desk.client_of("a.byrne")
    with nothing_written():
        answer = save(client, name, query)
    assert answer["location"].startswith("/cases/")
    assert sentence in client.get("/cases/").content.decode()
    assert "Save view" not in client.get("/cases/").content.decode()


def test_at_most_twelve_are_kept_and_one_of_the_same_name_is_replaced(people):
    client = desk.client_of("a.byrne")
    for number in range(13):
        save(client, f"View {number:02}", f"assignee={number + 1}")
    save(client, "View 07", "view=overdue", pinned="yes")
    shown = client.get("/cases/").context["shell"].views
    assert [place.label for place in shown] == [f"View {number:02}" for number in range(12)]
    assert shown[7].url == "/cases/?view=overdue"


def test_a_view_of_a_team_is_seen_by_its_people_alone_and_one_beside_the_tabs_stands_there(people):
    query, team = "state=referred&due=week", fraud()
    save(desk.client_of("a.byrne"), "<b>New</b> this week", query, team=str(team.pk), pinned="yes")
    for who in ("a.byrne", "d.osei", "p.nair"):
        assert seen(who) == ["<b>New</b> this week"]
    for who in ("c.adebayo", "b.lacombe", "o.thackray", "j.merriweather"):
        assert seen(who) == []
    page = desk.client_of("p.nair").get(f"/cases/?{query}")
    current = [tab.label for tab in page.context["tabs"] if tab.is_current]
    assert current == ["<b>New</b> this week"]
    text = page.content.decode()
    assert "&lt;b&gt;New&lt;/b&gt; this week" in text and "<b>New" not in text
    assert "of Fraud" in text and "Remove view" not in text


def test_no_view_is_kept_for_a_team_of_others_nor_for_one_that_there_is_not(people):
    client = desk.client_of("a.byrne")
    for team in (Team.objects.exclude(pk=fraud().pk).filter(is_restricted=False).first().pk, 999999, "x"):
        with nothing_written():
            save(client, "Ours", "view=overdue", team=str(team))
        assert "Choose yourself, or a team of yours." in client.get("/cases/").content.decode()


def test_a_view_of_a_team_is_changed_and_removed_by_whoever_made_it_or_leads_the_team(people):
    team = fraud()
    save(desk.client_of("a.byrne"), "Late", "view=overdue", team=str(team.pk))
    view = SavedView.objects.get()
    colleague, lead = desk.client_of("p.nair"), desk.client_of("d.osei")
    seat("p.nair", team, is_lead=False)
    with nothing_written():
        save(colleague, "Late", "view=today", team=str(team.pk))
        assert "A colleague keeps a view of this name for the team." in colleague.get("/cases/").content.decode()
        colleague.post("/cases/views/", {"drop": str(view.pk)})
        assert "is not yours to remove" in colleague.get("/cases/").content.decode()
    seat("d.osei", team, is_lead=True)
    lead.post("/cases/views/", {"drop": str(view.pk), "query": ""})
    assert not SavedView.objects.exists()


def test_a_view_that_is_not_there_or_is_anothers_is_not_removed(people):
    save(desk.client_of("a.byrne"), "Late", "view=overdue")
    view, other = SavedView.objects.get(), desk.client_of("d.osei")
    with nothing_written():
        for number in (str(view.pk), "0", "x", "9" * 30):
            other.post("/cases/views/", {"drop": number})
            assert "is not there any more" in other.get("/cases/").content.decode()


def test_a_view_gives_no_sight(people):
    """Whoever opens a view of their team sees what they may see of it."""
    hidden = suspicions.referred(people)
    save(desk.client_of("a.byrne"), "Suspicious", "kind=suspicion_report", team=str(fraud().pk))
    page = desk.client_of("p.nair").get("/cases/?kind=suspicion_report")
    assert page.context["lines"] == [] and hidden.reference not in page.content.decode()


def test_what_somebody_who_leaves_kept_for_themselves_goes_and_what_they_shared_stays(people):
    actor = people["a.byrne"]
    with transaction.atomic():
        views.keep("Mine", "view=overdue", actor=actor, at=factories.AT)
        views.keep("Ours", "view=today", team=fraud().pk, actor=actor, at=factories.AT)
    assert views.forget(actor.user_id) == 1
    assert seen("p.nair") == ["Ours"]
