"""Roles, toxic pairs and who may change them; a refusal leaves nothing written."""

import csv
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from cases.kernel import actors, roles
from cases.kernel.models import RoleGrant, SignInLink, TeamMembership, User
from cases.kernel.office import demo_people, grants, leaving, people
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests.signin.desk import PASSWORD

AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
JOB = actors.system("test")
DATA = Path(__file__).parents[1] / "data"


def _person(username: str, *codes: str) -> User:
    user = User.objects.create(username=username, display_name=username.title())
    for code in codes:
        grants.grant(user.pk, code, actor=JOB, at=AT)
    return user


def _written() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (RoleGrant, RoleGrant.history.model, LedgerEvent, SecurityEvent))


@pytest.fixture
def administrator(db) -> actors.Actor:
    return actors.staff(_person("morgan", roles.SYSTEM_ADMINISTRATOR))


def test_roles_are_the_twenty_of_the_design():
    wanted = (DATA / "roles.txt").read_text().split()

    assert list(roles.ROLES) == wanted
    assert len(roles.HUMAN) == 19


def test_toxic_pairs_are_those_of_the_design():
    with (DATA / "toxic_pairs.csv").open() as file:
        wanted = {frozenset(row) for row in csv.reader(file)}

    assert set(roles.TOXIC_PAIRS) == wanted


def test_privileged_roles_are_those_of_the_design():
    assert set((DATA / "privileged_roles.txt").read_text().split()) == roles.PRIVILEGED


def test_grant_is_one_event_and_one_security_event(db):
    user = _person("sandy")
    before = LedgerEvent.objects.filter(stream=people.SYSTEM_STREAM).count()

    grants.grant(user.pk, "fraud_analyst", actor=JOB, at=AT)

    event = LedgerEvent.objects.filter(stream=people.SYSTEM_STREAM).latest("seq")
    assert LedgerEvent.objects.filter(stream=people.SYSTEM_STREAM).count() == before + 1
    assert (event.action, event.actor) == ("role.granted", JOB.label)
    note = SecurityEvent.objects.latest("pk")
    assert (note.kind, note.detail) == ("role_granted", {"user": user.pk, "role": "fraud_analyst"})


@pytest.mark.parametrize("pair", sorted(map(sorted, roles.TOXIC_PAIRS)))
def test_toxic_pair_is_refused_and_leaves_nothing(db, pair):
    user = _person("sandy", pair[0])
    before = _written()

    with pytest.raises(people.PeopleRefused, match=roles.TOXIC_PAIRS[frozenset(pair)]):
        grants.grant(user.pk, pair[1], actor=JOB, at=AT)

    assert _written() == before


@pytest.mark.parametrize("role", ["agency", "superuser", ""])
def test_role_of_no_person_is_refused(db, role):
    user = _person("sandy")
    before = _written()

    with pytest.raises(people.PeopleRefused, match="There is no such role for a person"):
        grants.grant(user.pk, role, actor=JOB, at=AT)

    assert _written() == before


def test_maker_and_checker_may_be_one_person(db):
    user = _person("sandy", "fraud_analyst")

    grants.grant(user.pk, "fraud_approver", actor=JOB, at=AT)

    assert actors.staff(User.objects.get(pk=user.pk)).roles == {"fraud_analyst", "fraud_approver"}


def test_revoked_role_is_gone_and_may_be_granted_again(db):
    user = _person("sandy", "fraud_analyst")

    grants.revoke(user.pk, "fraud_analyst", actor=JOB, at=AT)

    assert actors.staff(User.objects.get(pk=user.pk)).roles == frozenset()
    grants.grant(user.pk, "fraud_analyst", actor=JOB, at=AT + timedelta(days=1))
    assert RoleGrant.objects.filter(user=user).count() == 2


def test_deactivation_ends_roles_teams_and_links(administrator):
    user, token = people.add_person("Sandy Vale", codes=["fraud_analyst"], actor=administrator, at=AT)

    leaving.leave(user.pk, actor=JOB, at=AT)

    assert not RoleGrant.objects.filter(user=user, revoked_at=None).exists()
    assert not TeamMembership.objects.filter(user=user, ended_at=None).exists()
    with pytest.raises(people.LinkRefused):
        people.find_link(token, at=AT)


def test_administrator_adds_nobody_with_a_privileged_role_alone(administrator):
    before = User.objects.count(), *_written()

    with pytest.raises(people.PeopleRefused, match="A privileged role is proposed; another person decides."):
        people.add_person("Sandy Vale", codes=["fraud_approver"], actor=administrator, at=AT)

    assert (User.objects.count(), *_written()) == before


def test_link_works_once_and_for_a_day_and_only_its_hash_is_kept(administrator):
    user, token = people.add_person("Sandy Vale", codes=[], actor=administrator, at=AT)
    link = SignInLink.objects.get(user=user)

    assert token.encode() not in bytes(link.token_sha256) and len(bytes(link.token_sha256)) == 32
    assert people.find_link(token, at=AT + timedelta(hours=23, minutes=59)).user == user
    with pytest.raises(people.LinkRefused):
        people.find_link(token, at=AT + timedelta(hours=24))
    people.follow_link(token, username="sandy", password=PASSWORD, at=AT)
    with pytest.raises(people.LinkRefused):
        people.follow_link(token, username="sandy", password=PASSWORD, at=AT)


def test_demo_people_hold_every_role_and_no_toxic_pair(db):
    users = demo_people.ensure(AT)
    again = demo_people.ensure(AT)

    held = {user.username: actors.staff(user).roles for user in users}
    assert frozenset().union(*held.values()) == frozenset(roles.HUMAN)
    assert all(roles.conflict(one, [other]) == "" for codes in held.values() for one, other in combinations(codes, 2))
    assert held["a.byrne"] == {"fraud_analyst", "fraud_approver"}
    assert again == users and not any(user.has_usable_password() for user in users)
    assert LedgerEvent.objects.filter(stream=people.SYSTEM_STREAM).count() == 1
