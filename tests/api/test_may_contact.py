"""Whoever sends for us asks first: yes or no and why, on record; nobody else learns anything."""

import pytest

from cases.kernel import intake
from cases.rights.models import ContactAnswer
from tests import factories
from tests import requests_of_people as rights
from tests.api.caller import call

pytestmark = pytest.mark.django_db
BODY = {
    "schema_version": 1,
    "purpose": "own_marketing",
    "channel": "post",
    "people": [{"phone": "07700 900654"}, {"phone": "+447700900111"}],
}


def path(code):
    return f"/api/v1/partners/{code}/may-contact"


def test_gate_answers_each_person_keeps_it_and_is_shut_to_others(register):
    people = factories.office()
    facts = {"right": "stop_marketing", "came_by": "phone"}
    intake.open_case("rights_request", actor=people["i.sowande"], at=factories.AT, facts=facts, people=[rights.PERSON])

    said = call(register["own-messaging"], BODY, path=path("own-messaging"))

    assert (said.status_code, said.json()) == (
        200,
        {
            "answers": [
                {"may_contact": False, "reason": "stopped"},
                {"may_contact": True, "reason": "not_objected"},
            ]
        },
    )
    kept = ContactAnswer.objects.order_by("number").values_list("message_id", "may_contact", "reason")
    assert list(kept) == [("msg-1", False, "stopped"), ("msg-1", True, "not_objected")]
    assert call(register["own-messaging"], BODY, path=path("own-messaging")).status_code == 422
    assert call(register["own-billing"], BODY, path=path("own-billing")).status_code == 403
    assert (
        call(register["own-messaging"], {**BODY, "people": []}, path=path("own-messaging"), message_id="m").status_code
        == 422
    )
    assert call(register["own-billing"], BODY, path=path("own-messaging")).status_code == 401
    assert ContactAnswer.objects.count() == 2
