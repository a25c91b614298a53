"""A new installation: nobody, then two people by one-time links, then everybody else."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases.kernel import actors
from cases.kernel.models import RoleGrant, SignInLink, User
from cases.kernel.office import people
from tests.signin.desk import Member, enrol, set_up, sign_in


def _print_links(*names: str) -> dict[str, str]:
    """Run the command; return the token printed for each person."""
    out = StringIO()
    call_command("first_administrators", *names, stdout=out)
    return dict(re.findall(r"^(.+): https?://[^/]+/welcome/([^/]+)/$", out.getvalue(), re.MULTILINE))


def test_fresh_installation_has_nobody(db):
    assert not User.objects.exists()


def test_two_people_set_up_their_sign_in_and_then_add_others(clock):
    tokens = _print_links("Wren Halloran", "Ari Tamura")
    assert list(tokens) == ["Wren Halloran", "Ari Tamura"]
    wren, ari = Client(), Client()

    set_up(wren, tokens["Wren Halloran"], "wren")
    first = Member(User.objects.get(username="wren"), enrol(wren, clock))
    with pytest.raises(people.PeopleRefused, match="Both first administrators have to sign in"):
        people.add_person("Sandy Vale", codes=[], actor=actors.staff(first.user), at=clock.at)
    assert User.objects.count() == 2
    set_up(ari, tokens["Ari Tamura"], "ari")
    enrol(ari, clock)
    clock.tick(30)
    wren.post("/sign-out/")
    sign_in(wren, first, clock)

    assert wren.get("/account/").status_code == 200
    people.add_person("Sandy Vale", codes=["fraud_analyst"], actor=actors.staff(first.user), at=clock.at)
    assert User.objects.count() == 3
    with pytest.raises(CommandError, match="has its administrators"):
        _print_links()


def test_link_is_dead_after_use_and_after_a_day(client, clock):
    tokens = _print_links("Wren Halloran", "Ari Tamura")
    set_up(Client(), tokens["Wren Halloran"], "wren")
    used = client.get(f"/welcome/{tokens['Wren Halloran']}/")
    clock.tick(timedelta(hours=24).total_seconds())
    late = client.get(f"/welcome/{tokens['Ari Tamura']}/")

    assert (used.status_code, late.status_code, client.get("/welcome/nonsense/").status_code) == (404, 404, 404)
    assert used.content == late.content


def test_command_prints_new_links_for_who_has_not_finished(clock):
    tokens = _print_links("Wren Halloran", "Ari Tamura")
    wren = Client()
    set_up(wren, tokens["Wren Halloran"], "wren")
    enrol(wren, clock)

    again = _print_links()

    assert list(again) == ["Ari Tamura"] and again["Ari Tamura"] != tokens["Ari Tamura"]
    assert Client().get(f"/welcome/{tokens['Ari Tamura']}/").status_code == 404
    assert Client().get(f"/welcome/{again['Ari Tamura']}/").status_code == 200


@pytest.mark.parametrize("names", [("Wren Halloran",), ("Wren Halloran", "wren halloran"), ("a", "b", "c")])
def test_command_wants_two_different_people(db, names):
    with pytest.raises(CommandError, match="two different people"):
        _print_links(*names)

    assert (User.objects.count(), RoleGrant.objects.count(), SignInLink.objects.count()) == (0, 0, 0)


def test_weak_or_taken_choices_are_refused_with_the_field_named(client, clock):
    tokens = _print_links("Wren Halloran", "Ari Tamura")
    set_up(Client(), tokens["Wren Halloran"], "wren")
    address = f"/welcome/{tokens['Ari Tamura']}/"

    short = client.post(address, {"username": "ari", "password": "short", "again": "short"})
    taken = client.post(
        address, {"username": "WREN", "password": "gravel tide lantern", "again": "gravel tide lantern"}
    )
    unlike = client.post(address, {"username": "ari", "password": "gravel tide lantern", "again": "gravel tide"})

    assert list(short.context["form"].errors) == ["password"]
    assert taken.context["form"].errors == {"username": ["Somebody else has that user name."]}
    assert unlike.context["form"].errors == {"again": ["The two passwords are not the same."]}
    assert client.get(address).status_code == 200
