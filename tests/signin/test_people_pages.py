"""The pages of people: only administrators, only after confirmation, never about oneself."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from cases.kernel import actors
from cases.kernel.models import Proposal, RoleGrant, User
from cases.kernel.office import demo_people, people, proposals
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written

AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


@pytest.fixture
def roster(db, settings) -> dict[str, User]:
    settings.DEMO = True
    factories.office()
    return {user.username: user for user in demo_people.ensure(AT)}


def _enter(username: str, *, confirmed: bool = True) -> Client:
    client = Client()
    client.post(f"/sign-in/demo/{username}/")
    if confirmed:
        client.post("/step-up/", {"demo": "1"})
    return client


def test_list_shows_everybody_with_roles_and_teams(roster):
    page = _enter("o.thackray").get("/people/")

    assert page.status_code == 200
    assert [row["person"].user for row in page.context["rows"]] == sorted(
        roster.values(), key=lambda user: user.display_name
    )


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries_for_more_people(roster, django_assert_num_queries, count):
    client = _enter("o.thackray")
    for number in range(count):
        people.add_person(f"New {number}", codes=["fraud_analyst"], actor=actors.staff(roster["o.thackray"]), at=AT)
    client.get("/people/")

    # session, person, rights of the reader; then people, roles, teams; what is left for the counts is cached
    with django_assert_num_queries(6):
        client.get("/people/")


READERS = {"data_protection_officer", "auditor"}


@pytest.mark.parametrize(
    "person", [each for each in demo_people.PEOPLE if "system_administrator" not in each.roles], ids=str
)
def test_nobody_else_changes_people_and_few_see_them(roster, person):
    client = _enter(person.username)
    target = roster["p.nair"].pk
    before = RoleGrant.objects.count()

    seen = {client.get(path).status_code for path in ("/people/", f"/people/{target}/", "/office/teams/")}
    refused = [
        client.get("/people/new/"),
        client.post("/people/new/", {"display_name": "X"}),
        client.post(f"/people/{target}/grant/", {"role": "fraud_approver", "reason": "X"}),
        client.post(f"/people/{target}/link/"),
        client.post("/office/changes/new/leaver/", {"user": target, "reason": "X"}),
        client.post("/office/changes/new/team_member/", {"user": target, "reason": "X"}),
    ]

    assert seen == ({200} if READERS & set(person.roles) else {403})
    assert {answer.status_code for answer in refused} == {403}
    assert (RoleGrant.objects.count(), User.objects.get(pk=target).is_active) == (before, True)


def test_people_are_found_by_name_and_user_name_without_either_in_an_address(roster):
    client = _enter("b.lacombe")

    found = {text: client.post("/people/", {"q": text}) for text in ("osei", "d.OSEI", "nobody at all")}

    names = {text: [row["person"].user.username for row in page.context["rows"]] for text, page in found.items()}
    assert names == {"osei": ["d.osei"], "d.OSEI": ["d.osei"], "nobody at all": []}
    assert b"No name and no user name holds" in found["nobody at all"].content


def test_list_goes_on_by_id_and_keeps_its_order(roster):
    client = _enter("o.thackray")
    for number in range(10):
        people.add_person(f"New {number}", codes=[], actor=actors.staff(roster["o.thackray"]), at=AT)

    first = client.get("/people/")
    second = client.get(first.context["page"].next_url)
    back = client.get(second.context["page"].previous_url)

    rows = [row["person"].user.display_name for page in (first, second) for row in page.context["rows"]]
    assert rows == sorted(User.objects.values_list("display_name", flat=True))
    assert [row["person"].user for row in back.context["rows"]] == [row["person"].user for row in first.context["rows"]]
    assert first.context["page"].next_url.partition("?")[2].removeprefix("after=").isdecimal()


def test_ordinary_role_is_given_after_confirmation_alone(roster):
    hasty, target = _enter("o.thackray", confirmed=False), roster["p.nair"].pk
    given = {"role": "credit_officer", "reason": "Helps out on Fridays."}

    asked = hasty.post(f"/people/{target}/grant/", given)
    unchanged = RoleGrant.objects.filter(user_id=target, revoked_at=None).count()
    hasty.post("/step-up/", {"demo": "1"})
    done = hasty.post(f"/people/{target}/grant/", given)

    assert (asked.status_code, asked.url, unchanged) == (302, "/step-up/", 1)
    assert (done.status_code, done.url) == (302, f"/people/{target}/")
    grant = RoleGrant.objects.get(user_id=target, role="credit_officer")
    assert grant.granted_by == roster["o.thackray"]


def test_privileged_role_waits_on_the_page_until_another_person_agrees(roster):
    client, target = _enter("o.thackray"), roster["p.nair"].pk

    page = client.post(f"/people/{target}/grant/", {"role": "fraud_approver", "reason": "Promoted."}, follow=True)

    row = Proposal.objects.get()
    assert b"It waits for the data protection officer." in page.content
    assert f"/office/changes/{row.uid}/".encode() in page.content
    assert not RoleGrant.objects.filter(user_id=target, role="fraud_approver").exists()
    own = client.post(f"/office/changes/{row.uid}/decide/", {"verdict": "agreed", "reason": "Fine."})
    assert (own.status_code, b"You proposed it" in own.content) == (403, True)
    done = _enter("j.merriweather").post(
        f"/office/changes/{row.uid}/decide/", {"verdict": "agreed", "reason": "Fine."}, follow=True
    )
    assert b"Done: Give fraud approver to P. Nair." in done.content
    assert RoleGrant.objects.filter(user_id=target, role="fraud_approver", revoked_at=None).exists()


def test_own_role_and_toxic_pair_are_refused_in_words_and_keep_what_was_typed(roster):
    client = _enter("o.thackray")

    own = client.post(f"/people/{roster['o.thackray'].pk}/grant/", {"role": "auditor", "reason": "Me."})
    toxic = client.post(f"/people/{roster['b.lacombe'].pk}/grant/", {"role": "fraud_analyst", "reason": "Cover."})

    assert (own.status_code, toxic.status_code) == (422, 422)
    assert b"Nobody changes their own rights" in own.content
    assert b"An auditor does not take part in what is audited." in toxic.content
    assert b"Cover.</textarea>" in toxic.content


def test_added_person_gets_a_link_that_is_shown_once_and_works(roster):
    client = _enter("o.thackray")

    page = client.post(
        "/people/new/", {"display_name": "Sandy Vale", "codes": ["fraud_analyst", "fraud_approver"], "reason": "New."}
    )

    link = re.search(r"http://testserver(/welcome/[^/]+/)", page.content.decode())[1]
    user = User.objects.get(display_name="Sandy Vale")
    assert page["Cache-Control"] == "no-store"
    assert list(RoleGrant.objects.filter(user=user).values_list("role", flat=True)) == ["fraud_analyst"]
    assert actors.staff(user).roles == frozenset()  # it counts once somebody else has confirmed who followed the link
    assert Proposal.objects.get(state="open").payload == {"user": user.pk, "role": "fraud_approver"}
    assert Client().get(link).status_code == 200
    assert link not in client.get(f"/people/{user.pk}/").content.decode()


@pytest.mark.parametrize("name", ["A. Byrne", "a. byrne", "  A.  Byrne "])
def test_nobody_is_added_under_the_name_of_somebody_who_is_here(roster, name):
    client = _enter("o.thackray")
    form = {"display_name": name, "codes": ["fraud_analyst"], "reason": "Asked for by D. Osei."}
    with nothing_written():
        answer = client.post("/people/new/", form)
    assert answer.status_code == 422
    assert "Somebody who is here has that name." in answer.content.decode()


def test_the_name_of_somebody_who_left_is_free(roster):
    User.objects.filter(username="a.byrne").update(is_active=False)
    people.add_person("A. Byrne", codes=["fraud_analyst"], actor=actors.staff(roster["o.thackray"]), at=AT)
    assert User.objects.filter(display_name="A. Byrne", is_active=True).count() == 1


def test_what_is_refused_is_refused_before_anybody_is_asked_for_their_key(roster):
    """An empty reason, oneself, another's decision: said at once; what would be done waits, and nothing of it stays."""
    admin, mine = _enter("o.thackray", confirmed=False), roster["o.thackray"].pk
    path = f"/people/{roster['p.nair'].pk}/grant/"
    for address, said in (
        (path, {"role": "fraud_approver", "reason": ""}),
        (f"/people/{mine}/grant/", {"role": "fraud_analyst", "reason": "For me."}),
    ):
        with nothing_written():
            page = admin.post(address, said, headers={"accept": "text/html"})
        assert page.status_code in {403, 422} and "Location" not in page, address
    with nothing_written():
        page = admin.post(path, {"role": "fraud_approver", "reason": "Second approver."})
    assert (page.status_code, page.url) == (302, "/step-up/")

    row = proposals.propose(
        "role_grant",
        {"user": roster["p.nair"].pk, "role": "fraud_approver"},
        actor=actors.staff(roster["o.thackray"]),
        at=AT,
        reason="Second approver.",
    )
    officer = _enter("j.merriweather", confirmed=False)
    decide, events = f"/office/changes/{row.uid}/decide/", LedgerEvent.objects.count()
    for path in (decide, f"/office/changes/{row.uid}/withdraw/"):
        assert officer.post(path, {"verdict": "agreed", "reason": ""}).status_code in {403, 422}, path
    with nothing_written():
        page = officer.post(decide, {"verdict": "agreed", "reason": "Asked her lead."})
    assert (page.status_code, page.url) == (302, "/step-up/")
    assert Proposal.objects.get(pk=row.pk).state == "open" and LedgerEvent.objects.count() == events


def test_what_was_overtaken_is_superseded_once_it_is_confirmed_and_not_before(roster, monkeypatch):
    given = {"user": roster["p.nair"].pk, "role": "fraud_approver"}
    admin = actors.staff(roster["o.thackray"])
    row = proposals.propose("role_grant", given, actor=admin, at=AT, reason="Second approver.")
    monkeypatch.setattr(proposals, "_digest", lambda *_given, **_more: b"another")
    said = {"verdict": "agreed", "reason": "Asked her lead."}
    officer = _enter("j.merriweather", confirmed=False)
    assert officer.post(f"/office/changes/{row.uid}/decide/", said).url == "/step-up/"
    assert Proposal.objects.get(pk=row.pk).state == "open"
    officer.post("/step-up/", {"demo": "1"})
    assert officer.post(f"/office/changes/{row.uid}/decide/", said).status_code in {409, 422}
    assert Proposal.objects.get(pk=row.pk).state == "superseded"
