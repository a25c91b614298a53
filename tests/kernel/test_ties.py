"""A conflict of interest: the case does not exist for whoever has a tie to it, and is never given to them."""

import pytest
from django.urls import reverse

from cases.kernel import actors, edits, policy
from cases.kernel.errors import NotAllowed
from cases.kernel.models import StaffTie, User
from cases.kernel.office import proposals
from cases.kernel.reading.worklist import counts
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

AT = factories.APPROVED_AT
pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.office()


def fresh(username):
    return actors.staff(User.objects.get(username=username))


def declare(office, case, username="a.byrne", *, by=None):
    payload = {"user": office[username].user_id, "case": str(case.uid)}
    return proposals.propose("tie_add", payload, actor=office[by or username], at=AT, reason="My brother-in-law.")


def test_case_is_gone_for_whoever_declares_a_tie_and_back_in_the_queue(office):
    case, other = factories.investigating(office), factories.investigating(office)

    declare(office, case)

    actor = fresh("a.byrne")
    case.refresh_from_db()
    assert case.assignee is None
    assert list(policy.visible_to(actor)) == [other]
    assert counts(actor, at=AT)["view.open"] == 1 and counts(fresh("p.nair"), at=AT)["view.open"] == 2
    assert policy.can(actor, "note", case=case).sentence == "You declared a conflict of interest."
    page = desk.client_of("a.byrne").get(reverse("web:case", args=[case.uid]))
    assert page.status_code == 404


def test_tied_person_is_never_given_the_case(office):
    case = factories.investigating(office)
    declare(office, case, "p.nair")

    with nothing_written(), pytest.raises(edits.EditRefused, match="That person cannot be given this case."):
        edits.assign(case.pk, factories.user("p.nair"), actor=office["a.byrne"], at=AT)
    with nothing_written(), pytest.raises(NotAllowed, match="You declared a conflict of interest."):
        edits.assign(case.pk, factories.user("p.nair"), actor=fresh("p.nair"), at=AT)


def test_one_declares_for_oneself_and_the_officer_for_others(office):
    case = factories.investigating(office)
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="You declare your own ties"):
        declare(office, case, "p.nair", by="a.byrne")

    declare(office, case, "p.nair", by="j.merriweather")

    assert StaffTie.objects.get().user_id == office["p.nair"].user_id
    assert not policy.visible_to(fresh("p.nair")).exists()


def test_case_one_does_not_see_is_as_unknown_as_none(office):
    case = factories.investigating(office)
    client = desk.client_of("m.achterberg")
    form = {"user": office["m.achterberg"].user_id, "reason": "Neighbour."}

    pages = [
        client.post("/office/changes/new/tie_add/", {**form, "reference": text}) for text in (case.reference, "X-1")
    ]

    assert {page.status_code for page in pages} == {422}
    assert all(b"You see no case with that reference." in page.content for page in pages)
    assert not StaffTie.objects.exists()


def test_tie_ends_by_two_people_and_never_by_its_own(office):
    declare(office, factories.investigating(office))
    tie = StaffTie.objects.get()
    row = proposals.propose("tie_end", {"tie": str(tie.uid)}, actor=office["j.merriweather"], at=AT, reason="Mistake.")
    assert (row.state, policy.visible_to(fresh("a.byrne")).exists()) == ("open", False)

    proposals.decide(row.uid, "agreed", actor=office["v.tranter"], at=AT, reason="Checked.")

    assert policy.visible_to(fresh("a.byrne")).count() == 1


def test_register_names_people_and_no_case(office):
    case = factories.investigating(office)
    row = declare(office, case)

    for username in ("j.merriweather", "b.lacombe"):
        client = desk.client_of(username)
        for path in ("/office/conflicts/", f"/office/changes/{row.uid}/", "/office/changes/?view=past"):
            page = client.get(path)
            assert page.status_code == 200
            assert case.reference not in page.content.decode() and str(case.uid) not in page.content.decode()
    assert desk.client_of("o.thackray").get(f"/office/changes/{row.uid}/").status_code == 404
