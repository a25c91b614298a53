"""An administrator is trusted with people, roles and links, and with no case: not through a colleague of their own
making either (T13, and the threat model's table of whom we trust)."""

import re

import pytest
from django.test import Client

from cases.kernel import actors, policy
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Task, User
from cases.kernel.office import people, proposals
from cases.ledger.models import SecurityEvent
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.signin.desk import enrol, set_up
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.office()


def fresh(username):
    return actors.staff(User.objects.get(username=username))


def confirm(office, user, *, by):
    payload = {"user": user.pk}
    return proposals.propose("person_confirm", payload, actor=office[by], at=factories.AT, reason="I rang them.")


def seat(office, user):
    payload = {"user": user.pk, "team": "fraud", "standing": "member"}
    proposals.propose("team_member", payload, actor=office["o.thackray"], at=factories.AT, reason="Starts today.")


def puppet(office, clock):
    """An administrator adds a person, follows the link in another browser and seats them."""
    page = client_of("o.thackray", is_stepped_up=True).post(
        "/people/new/", {"display_name": "S. Vance", "codes": ["fraud_analyst"], "reason": "New colleague."}
    )
    other = Client()
    set_up(other, re.search(r"/welcome/([\w-]+)/", page.content.decode())[1], "s.vance")
    enrol(other, clock)
    user = User.objects.get(username="s.vance")
    seat(office, user)
    return other, user


def test_whoever_was_made_by_one_administrator_sees_no_case_until_another_person_confirms_them(office, clock):
    case = factories.investigating(office)
    other, user = puppet(office, clock)

    assert fresh("s.vance").roles | fresh("s.vance").team_ids == frozenset()
    assert not policy.visible_to(fresh("s.vance")).exists()
    assert other.get(f"/cases/{case.uid}/").status_code == 404
    assert b"once a colleague has confirmed" in other.get("/").content
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="You made their link"):
        confirm(office, user, by="o.thackray")
    with nothing_written(), pytest.raises(NotAllowed):
        confirm(office, user, by="d.osei")
    (task,) = Task.objects.filter(kind="person_to_confirm", closed_at=None)
    assert task.detail == {"user": user.pk}
    officer = client_of("j.merriweather", is_stepped_up=True)
    assert f"/people/{user.pk}/" in officer.get("/tasks/", {"view": "all"}).content.decode()
    assert f"person_confirm/?user={user.pk}" in officer.get(f"/people/{user.pk}/").content.decode()

    # Only who waits is offered, and nobody is chosen beforehand.
    form = officer.get("/office/changes/new/person_confirm/").context["form"]
    assert [value for value, _ in form.fields["user"].choices] == ["", user.pk]

    done = officer.post("/office/changes/new/person_confirm/", {"user": user.pk, "reason": "I rang her."})

    assert done.status_code == 302
    assert fresh("s.vance").roles == {"fraud_analyst"}
    assert other.get(f"/cases/{case.uid}/").status_code == 200
    assert not Task.objects.filter(kind="person_to_confirm", closed_at=None).exists()
    assert SecurityEvent.objects.filter(kind="person_confirmed", detail__user=user.pk).count() == 1


def test_a_second_link_before_the_first_sign_in_asks_for_the_same_confirmation_once(office):
    admin = client_of("o.thackray", is_stepped_up=True)
    page = admin.post("/people/new/", {"display_name": "S. Vance", "codes": ["fraud_analyst"], "reason": "New."})
    set_up(Client(), re.search(r"/welcome/([\w-]+)/", page.content.decode())[1], "s.vance")
    user = User.objects.get(username="s.vance")
    page = admin.post(f"/people/{user.pk}/link/")
    set_up(Client(), re.search(r"/welcome/([\w-]+)/", page.content.decode())[1], "s.vance")

    (task,) = Task.objects.filter(kind="person_to_confirm", closed_at=None)
    assert task.detail == {"user": user.pk}


def test_a_new_link_for_somebody_with_a_privileged_role_gives_whoever_follows_it_nothing(office, clock):
    mistry = User.objects.get(username="k.mistry")
    page = client_of("o.thackray", is_stepped_up=True).post(f"/people/{mistry.pk}/link/")
    other = Client()
    set_up(other, re.search(r"/welcome/([\w-]+)/", page.content.decode())[1], "k.mistry")

    assert fresh("k.mistry").roles | fresh("k.mistry").team_ids == frozenset()
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="They have not set up their sign-in yet"):
        confirm(office, mistry, by="j.merriweather")
    enrol(other, clock)
    confirm(office, mistry, by="j.merriweather")
    assert fresh("k.mistry").roles == {"disclosure_officer"}


def test_the_first_two_and_whom_a_named_job_adds_are_confirmed_by_nobody(office, clock):
    """Their links come from the command line of whoever owns the machine, who is outside prevention."""
    user, _ = people.add_person("T. Quill", codes=["system_administrator"], actor=factories.job(), at=factories.AT)
    assert actors.staff(user).roles == {"system_administrator"}
    people.new_link(user.pk, actor=None, at=factories.AT)
    assert fresh(user.username).roles == {"system_administrator"}
