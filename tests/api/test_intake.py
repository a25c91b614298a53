"""POST /api/v1/intake/fraud-referrals/: own systems open cases, once."""

import copy
import json
from datetime import UTC, datetime

import pytest

from cases.fraud.intake import EXAMPLE
from cases.kernel.models import Case, IntakeRequest
from cases.kernel.office import demo_people
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests.api.caller import CALLBACKS, INTAKE, call, post, signed
from tests.api.conftest import AT

SENDER = {"webhook-sender": "own-detection"}


@pytest.fixture
def own(register) -> str:
    demo_people.ensure(AT)
    return register["own-detection"]


def problem(response, status: int) -> dict:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    return json.loads(response.content)


def send(secret: str, document=EXAMPLE, **headers: str):
    message_id = headers.pop("message_id", "det-1")
    return call(secret, document, message_id=message_id, path=INTAKE, **(SENDER | headers))


def test_a_case_is_opened_and_the_act_is_the_systems_own(own):
    response = send(own)

    case = Case.objects.get()
    assert response.status_code == 201
    assert json.loads(response.content) == {"id": str(case.uid), "reference": case.reference, "state": case.state}
    assert case.reference.startswith("FRD-")
    assert LedgerEvent.objects.get(stream=case.uid, seq=1).actor == "agency:own-detection"


def test_an_attack_on_the_network_comes_in_by_the_same_door(own):
    body = {
        "schema_version": 1,
        "event_type": "network_attack",
        "attack": "malware",
        "product": "broadband",
        "sales_channel": "web",
        "discovered_date": "2026-11-14",
    }
    assert send(own, body).status_code == 201
    facts = Case.objects.get().fraud_referral
    assert (facts.event_type, facts.attack, facts.fpa_case_type) == ("network_attack", "malware", "")
    document = problem(send(own, {**body, "attack": "unheard_of"}, message_id="det-2"), 422)
    assert document["errors"][0]["pointer"] == "/attack"
    assert Case.objects.count() == 1


def test_a_repeat_is_answered_with_the_same_bytes_even_after_the_case_moved_on(own):
    first = send(own)
    Case.objects.get()
    again = send(own)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert (Case.objects.count(), IntakeRequest.objects.count()) == (1, 1)


def test_the_same_id_with_another_body_is_refused_and_noted(own):
    send(own)

    document = problem(send(own, EXAMPLE | {"loss_pence": 5}), 422)

    assert document["errors"][0]["code"] == "webhook_id_reused"
    assert Case.objects.count() == 1
    assert SecurityEvent.objects.filter(kind="intake_id_reused").count() == 1


def test_an_idempotency_key_that_equals_the_id_is_fine_and_any_other_is_refused(own):
    assert problem(send(own, **{"idempotency-key": "other"}), 400)["code"] == "idempotency_key_is_not_webhook_id"
    assert send(own, **{"idempotency-key": "det-1"}).status_code == 201


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("fpa_case_type",), "nonsense", "/fpa_case_type"),
        (("discovered_date",), "yesterday", "/discovered_date"),
        (("extra",), 1, "/extra"),
        (("subjects", 0, "role"), "nobody", "/subjects/0/role"),
        (("subjects", 0, "colour"), "blue", "/subjects/0/colour"),
        (("subjects", 0, "addresses", 0, "planet"), "Mars", "/subjects/0/addresses/0/planet"),
    ],
)
def test_field_errors_name_the_field_and_a_corrected_body_may_use_the_same_id(own, path, value, pointer):
    wrong = copy.deepcopy(EXAMPLE)
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    document = problem(send(own, wrong), 422)

    assert pointer in [error["pointer"] for error in document["errors"]]
    assert Case.objects.count() == IntakeRequest.objects.count() == 0
    assert send(own).status_code == 201


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_a_body_that_is_no_object_is_refused(own, body):
    assert problem(send(own, body), 422)["errors"][0]["pointer"] == ""


def test_a_body_that_cannot_be_read_is_refused_and_not_kept(own):
    assert problem(send(own, b'{"a":1,"a":2}'), 400)["code"] == "duplicate_key"
    assert IntakeRequest.objects.count() == 0


def test_a_system_that_does_not_open_such_cases_is_refused(register, own):
    body = json.dumps(EXAMPLE).encode()
    headers = signed(register["own-billing"], "b-1", body) | {"webhook-sender": "own-billing"}

    problem(post(INTAKE, body, headers), 403)
    assert Case.objects.count() == 0


@pytest.mark.parametrize("sender", ["", "nobody", "own-billing", "x" * 500, "own-detection,own-detection"])
def test_a_sender_that_did_not_sign_is_refused(own, sender):
    problem(send(own, **{"webhook-sender": sender}), 401)
    assert Case.objects.count() == 0


def test_an_unknown_kind_is_not_there(own):
    problem(call(own, EXAMPLE, path="/api/v1/intake/parking-tickets/", **SENDER), 404)
    assert Case.objects.count() == 0


def test_a_secret_for_callbacks_of_an_agency_opens_nothing(register, own):
    body = json.dumps(EXAMPLE).encode()
    headers = signed(register["sandbox-bank"], "b-1", body) | {"webhook-sender": "sandbox-bank"}

    problem(post(INTAKE, body, headers), 403)
    assert Case.objects.count() == 0


def test_a_body_between_64_and_256_kib_is_read_and_a_larger_one_is_not(own):
    assert send(own, json.dumps(EXAMPLE).encode() + b" " * 100 * 1024).status_code == 201
    problem(send(own, json.dumps(EXAMPLE).encode() + b" " * 256 * 1024, message_id="det-2"), 413)


def test_an_own_system_may_call_back_too_but_not_as_another(register):
    path = CALLBACKS.replace("sandbox-fraud-register", "own-billing")
    document = {"schema_version": 1, "type": "x.y", "occurred_at": datetime.now(UTC).isoformat()}

    assert call(register["own-billing"], document, path=path).status_code == 202
    assert call(register["own-detection"], document, path=path).status_code == 401
