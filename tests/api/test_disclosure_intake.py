"""POST /api/v1/intake/disclosure-requests/: an authority's own system hands in a request, signed, once."""

import json
from datetime import timedelta

import pytest

from cases.agencies.provision import new_inbound_key
from cases.disclosure.intake import EXAMPLE
from cases.kernel import actors, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests import disclosures, factories
from tests.api.caller import call
from tests.api.conftest import AT

PATH = "/api/v1/intake/disclosure-requests/"
SENDER = {"webhook-sender": "sandbox-constabulary"}


@pytest.fixture
def people(register):
    made = factories.office()
    disclosures.enter(made)
    disclosures.desk(made, at=AT - timedelta(days=2), method="portal_identity")
    return made


@pytest.fixture
def authority(people) -> str:
    return new_inbound_key("sandbox-constabulary", actor=actors.system("tests"), at=AT)


def send(secret: str, document=EXAMPLE, **headers: str):
    message_id = headers.pop("message_id", "le-1")
    return call(secret, document, message_id=message_id, path=PATH, **(SENDER | headers))


def test_a_request_is_taken_in_hidden_and_no_reference_is_given_out(authority, people):
    answer = send(authority)

    case = Case.objects.get(kind="le_disclosure")
    assert answer.status_code == 202
    assert json.loads(answer.content) == {"id": str(case.uid), "status": "accepted"}
    assert (case.is_restricted, case.state) == (True, "received")
    facts = case.disclosure_request
    assert (facts.authority_code, facts.came_by, facts.grade) == ("sandbox-constabulary", "portal", 3)
    assert facts.items == ["subscriber_name", "outgoing_calls"]
    assert LedgerEvent.objects.get(stream=case.uid, seq=1).content()["actor"] == "agency:sandbox-constabulary"
    assert send(authority).content == answer.content
    assert Case.objects.filter(kind="le_disclosure").count() == 1


def test_that_an_authority_used_an_id_again_stays_within_the_unit(authority, people):
    send(authority)
    assert send(authority, EXAMPLE | {"urn": "SBX/2026/118835"}).status_code == 422
    assert Case.objects.filter(kind="le_disclosure").count() == 1
    noted = SecurityEvent.objects.get(kind="intake_id_reused")
    assert noted.detail["compartment"] == Case.objects.get(kind="le_disclosure").team_id


def test_the_signature_of_the_portal_verifies_whoever_asks(authority, people):
    send(authority)
    case, at = Case.objects.get(kind="le_disclosure"), AT + timedelta(hours=1)
    transitions.apply(case.pk, "verify", actor=people["k.mistry"], at=at, inputs={"contact": "spoc"})
    assert Case.objects.get(pk=case.pk).state == "authenticated"


def test_a_desk_that_is_called_back_is_called_back_all_the_same(authority, people):
    disclosures.desk(people, at=AT - timedelta(days=1), method="call_back")
    send(authority)
    case, at = Case.objects.get(kind="le_disclosure"), AT + timedelta(hours=1)
    with pytest.raises(CaseError, match="Say when you called the desk back"):
        transitions.apply(case.pk, "verify", actor=people["k.mistry"], at=at, inputs={"contact": "spoc"})


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"authority_code": "sandbox-fiu"}, "/authority_code"),
        ({"request_type": "interception"}, "/request_type"),
        ({"items": ["everything"]}, "/items/0"),
        ({"begins_at": "2026-11-01T00:00"}, "/begins_at"),
        ({"begins_at": "2026-11-01T00:00Z", "ends_at": "2026-10-31T23:59Z"}, "/ends_at"),
        ({"about": [{"ip_address": "203.0.113.45"}]}, "/about/0/ip_address"),
        ({"about": []}, "/about"),
        ({"particulars": "4111 1111 1111 1111"}, "/particulars"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(authority, people, changes, pointer):
    before = LedgerEvent.objects.count()
    answer = send(authority, EXAMPLE | changes)
    assert answer.status_code == 422
    assert pointer in {each["pointer"] for each in json.loads(answer.content)["errors"]}
    assert not Case.objects.filter(kind="le_disclosure").exists()
    assert LedgerEvent.objects.count() == before


def test_nobody_else_hands_one_in(register, people):
    for code in ("own-billing", "sandbox-fraud-register"):
        answer = send(register[code], **{"webhook-sender": code})
        assert answer.status_code == 403
    assert send("x" * 32).status_code == 401
    assert not Case.objects.filter(kind="le_disclosure").exists()
