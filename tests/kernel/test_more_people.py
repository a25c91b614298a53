"""Whether a case takes one more person is asked where a person is written, not on the page alone."""

import pytest

from cases.kernel import edits
from cases.kernel.models import CaseParty
from tests import breaches, checks, factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

REFUSED = "Nobody more can be added to this case."
# Whose page of a case in this state could be changed, and a person whom the kind would know.
KINDS = {
    "check": (
        checks.referred,
        checks.OFFICER,
        {"role": "associate", "values": {"forename": "Ada", "surname": "Quill"}},
    ),
    "breach": (breaches.suspected, breaches.OFFICER, {"role": "affected", "values": {"surname": "Quill"}}),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_takes_nobody_more_refuses_one_who_is_written_and_one_who_is_typed(kind):
    build, username, person = KINDS[kind]
    people = factories.office()
    case = build(people)
    refused = pytest.raises(edits.EditRefused, match=REFUSED)
    with nothing_written(), refused, edits.change(case.pk, actor=people[username], at=AT) as edit:
        edit.add_party(person)
    typed = {"role": person["role"], **person["values"]}
    before = CaseParty.objects.filter(case=case).count()
    answer = desk.client_of(username).post(f"/cases/{case.uid}/people/new/", {**typed, "version": case.version})
    assert REFUSED in answer.content.decode()
    assert CaseParty.objects.filter(case=case).count() == before


@pytest.mark.django_db
def test_request_of_a_person_takes_whoever_acts_for_them_once():
    people = factories.office()
    case = rights.asked(people)
    acting = {"role": "representative", "values": {"forename": "Ada", "surname": "Quill"}}
    with edits.change(case.pk, actor=people[rights.OFFICER], at=AT) as edit:
        edit.add_party(acting)
    refused = pytest.raises(edits.EditRefused, match=REFUSED)
    with nothing_written(), refused, edits.change(case.pk, actor=people[rights.OFFICER], at=AT) as edit:
        edit.add_party(acting)
