"""POST /api/v1/agencies/<code>/callbacks/: what is stored, what is refused, and that refusals tell nothing."""

import json
import time
from datetime import UTC, datetime

import pytest

from cases.agencies.provision import new_inbound_key
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import Callback, RateBucket, Task
from cases.ledger.models import DataKey, SecurityEvent
from tests.api.caller import CALLBACKS, call, callback, post, signed

UNAUTHORISED = b'{"type":"about:blank","title":"The signature is not valid.","status":401}'
BODY = json.dumps(callback()).encode()


def assert_nothing_was_stored() -> None:
    assert Callback.objects.count() == 0
    assert DataKey.objects.filter(scope="inbox").count() == 0


def problem(response, status: int) -> dict:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    document = json.loads(response.content)
    assert document["status"] == status
    return document


def test_a_callback_is_stored_sealed_and_answered(secret):
    response = call(secret, callback())

    row = Callback.objects.get()
    assert (response.status_code, response["Content-Type"]) == (202, "application/json")
    assert response.content == b'{"id":"%s","status":"accepted"}' % str(row.uid).encode()
    assert "Idempotent-Replayed" not in response
    assert (row.state, row.type, row.agency_sequence) == ("received", "fpa.filed", 3)
    assert row.occurred_at == datetime(2026, 11, 16, 10, 12, tzinfo=UTC)
    assert b"fpa.filed" not in bytes(row.sealed_body)
    assert row.key.label == f"{row.received_at:%Y-%m-%d}"
    assert "Set-Cookie" not in response


def test_a_repeat_is_answered_with_the_same_bytes_and_stored_once(secret):
    first = call(secret, callback())
    again = call(secret, callback())

    assert (again.status_code, again.content) == (202, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert Callback.objects.count() == 1


def test_the_same_id_with_another_body_is_refused_and_noted(secret):
    call(secret, callback())

    document = problem(call(secret, callback(agency_sequence=4)), 422)

    assert document["errors"][0]["code"] == "webhook_id_reused"
    assert Callback.objects.get().agency_sequence == 3
    assert SecurityEvent.objects.get(kind="callback_id_reused").actor == "agency:sandbox-fraud-register"


def test_two_agencies_may_use_one_id(register):
    call(register["sandbox-fraud-register"], callback())
    other = call(register["sandbox-bank"], callback(), path=CALLBACKS.replace("fraud-register", "bank"))

    assert other.status_code == 202
    assert Callback.objects.count() == 2


def test_an_older_secret_counts_until_it_is_revoked(secret):
    channel = agencies.channel_of(agencies.get("sandbox-fraud-register"), "in")
    (old,) = agencies.live_keys(channel, at=datetime.now(UTC))
    new = new_inbound_key("sandbox-fraud-register", actor=actors.system("tests"), at=datetime.now(UTC))

    assert call(secret, callback(), message_id="by-old").status_code == 202
    assert call(new, callback(), message_id="by-new").status_code == 202
    agencies.revoke_key(old, actor=actors.system("tests"), at=datetime.now(UTC))
    assert call(secret, callback(), message_id="by-revoked").status_code == 401


def test_every_flipped_bit_of_body_and_headers_is_refused_in_the_same_words(secret):
    headers = signed(secret, "msg-1", BODY)
    wrong = [bytes([*BODY[:i], BODY[i] ^ (1 << (i % 8)), *BODY[i + 1 :]]) for i in range(len(BODY))]
    calls = [(body, headers) for body in wrong]
    for name, value in headers.items():
        for position in range(len(value)):
            flipped = chr(ord(value[position]) ^ 1)
            calls.append((BODY, headers | {name: value[:position] + flipped + value[position + 1 :]}))

    answers = {(r.status_code, r.content) for r in (post(CALLBACKS, body, given) for body, given in calls)}

    assert answers == {(401, UNAUTHORISED)}
    assert_nothing_was_stored()


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(secret, missing):
    headers = signed(secret, "msg-1", BODY)
    del headers[missing]

    response = post(CALLBACKS, BODY, headers)

    assert (response.status_code, response.content) == (401, UNAUTHORISED)
    assert response["WWW-Authenticate"].startswith("Signature")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_doubled_header_is_refused(secret, name):
    headers = signed(secret, "msg-1", BODY)

    response = post(CALLBACKS, BODY, headers | {name: f"{headers[name]},{headers[name]}"})

    assert (response.status_code, response.content) == (401, UNAUTHORISED)


@pytest.mark.parametrize("seconds", [-301, 301, -86400])
def test_a_stale_or_early_call_is_refused(secret, seconds):
    headers = signed(secret, "msg-1", BODY, at=time.time() + seconds + (1 if seconds > 0 else -1))

    assert post(CALLBACKS, BODY, headers).content == UNAUTHORISED
    assert_nothing_was_stored()


def test_wrong_secret_unknown_agency_and_another_agencys_secret_are_told_the_same(register):
    answers = {
        call("whsec_" + "A" * 43 + "=", callback()).content,
        call(register["sandbox-fraud-register"], callback(), path=CALLBACKS.replace("register", "nobody")).content,
        call(register["sandbox-bank"], callback()).content,
    }

    assert answers == {UNAUTHORISED}
    assert set(SecurityEvent.objects.filter(kind="signature_refused").values_list("act", flat=True)) == {
        "no_secret_fits",
        "unknown_sender",
    }
    assert_nothing_was_stored()


def test_bad_signatures_of_one_address_fill_no_log_and_hide_none_of_another(register, settings):
    """What is never removed takes the first, the tenth and the hundredth of a minute (S50, T5)."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for _ in range(12):
        assert call("whsec_" + "A" * 43 + "=", callback()).status_code == 401
    call("whsec_" + "A" * 43 + "=", callback(), **{"x-forwarded-for": "192.0.2.7"})

    noted = SecurityEvent.objects.filter(kind="signature_refused").order_by("id")
    assert [row.detail["count"] for row in noted] == [1, 10, 1]
    assert len({row.detail["address"] for row in noted}) == 2
    assert_nothing_was_stored()


def test_our_own_outgoing_message_cannot_be_reflected_to_us(secret):
    channel = agencies.channel_of(agencies.get("sandbox-fraud-register"), "in")

    assert agencies.live_keys(channel, at=datetime.now(UTC))[0].key_name.startswith("in-")


def test_a_body_signed_before_it_was_written_anew_is_refused(secret):
    headers = signed(secret, "msg-1", BODY)

    problem(post(CALLBACKS, json.dumps(callback(), indent=1).encode(), headers), 401)
    assert_nothing_was_stored()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_other_types_are_not_read(secret, content_type):
    problem(post(CALLBACKS, BODY, signed(secret, "msg-1", BODY), content_type), 415)
    assert_nothing_was_stored()


def test_an_encoded_body_is_not_read(secret):
    problem(post(CALLBACKS, BODY, signed(secret, "msg-1", BODY) | {"content-encoding": "gzip"}), 415)
    assert_nothing_was_stored()


def test_a_body_without_length_is_not_read(secret, rf):
    from cases.api.views import AgencyCallback

    request = rf.post(CALLBACKS, BODY, content_type="application/json", headers=signed(secret, "msg-1", BODY))
    del request.META["CONTENT_LENGTH"]

    problem(AgencyCallback.as_view()(request, code="sandbox-fraud-register"), 411)
    assert_nothing_was_stored()


def test_a_body_over_64_kib_is_not_read(secret):
    padded = callback(data={"x": "y" * 64 * 1024})

    problem(call(secret, padded), 413)
    assert_nothing_was_stored()


def test_a_body_of_exactly_64_kib_is_read(secret):
    room = 64 * 1024 - len(json.dumps(callback(data={"x": ""})))

    assert call(secret, callback(data={"x": "y" * room})).status_code == 202


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_other_methods_are_refused(client, register, method):
    response = getattr(client, method)(CALLBACKS)

    problem(response, 405)
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b" ", "not_json"),
        (b"{bad", "not_json"),
        (b'{"schema_version":1,"schema_version":1}', "duplicate_key"),
        (b'{"a":NaN}', "not_finite"),
        (b'{"a":1e999}', "not_finite"),
        (b"[" * 21 + b"]" * 21, "too_deep"),
        (b"[" * 60_000, "too_deep"),
        (b'{"a":"\\u0000"}', "forbidden_character"),
        (b'{"a":"\xff"}', "not_utf8"),
    ],
)
def test_an_authentic_body_that_cannot_be_read_is_kept_as_failed_with_a_task(secret, body, code):
    document = problem(call(secret, body), 400)

    assert document["code"] == code
    assert (Callback.objects.get().state, Callback.objects.get().reason) == ("failed", "unreadable")
    assert Task.objects.get().kind == "callback_unreadable"
    assert problem(call(secret, body), 400) == document
    assert Callback.objects.count() == Task.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"schema_version": 2}, "/schema_version", "invalid"),
        ({"schema_version": True}, "/schema_version", "invalid"),
        ({"schema_version": ...}, "/schema_version", "missing"),
        ({"type": ...}, "/type", "missing"),
        ({"type": "filed"}, "/type", "invalid"),
        ({"type": "fpa.filed\n"}, "/type", "invalid"),
        ({"occurred_at": ...}, "/occurred_at", "missing"),
        ({"occurred_at": "2026-11-16T10:12:00"}, "/occurred_at", "invalid"),
        ({"occurred_at": "2026-13-16T10:12:00Z"}, "/occurred_at", "invalid"),
        ({"occurred_at": 5}, "/occurred_at", "invalid"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at", "invalid"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "/occurred_at", "invalid"),
        ({"reference": 7}, "/reference", "invalid"),
        ({"reference": "x" * 81}, "/reference", "invalid"),
        ({"agency_reference": ""}, "/agency_reference", "invalid"),
        ({"agency_sequence": -1}, "/agency_sequence", "invalid"),
        ({"agency_sequence": 1.5}, "/agency_sequence", "invalid"),
        ({"agency_sequence": True}, "/agency_sequence", "invalid"),
        ({"data": []}, "/data", "invalid"),
        ({"extra": 1}, "/extra", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
    ],
)
def test_a_body_of_another_form_is_refused_by_pointer(secret, changes, pointer, code):
    document = problem(call(secret, callback(**changes)), 422)

    assert [(error["pointer"], error["code"]) for error in document["errors"]] == [(pointer, code)]
    assert Callback.objects.get().state == "failed"


def test_a_caller_who_calls_too_often_waits(secret):
    RateBucket.objects.create(name="agency:sandbox-fraud-register", began_at=datetime.now(UTC), count=600)

    response = call(secret, callback())

    problem(response, 429)
    assert 1 <= int(response["Retry-After"]) <= 60
    assert_nothing_was_stored()


def test_the_answer_is_the_same_for_a_known_and_an_unknown_reference(secret):
    known = call(secret, callback(), message_id="one")
    unknown = call(secret, callback(reference="nothing"), message_id="two")

    assert (known.status_code, len(known.content)) == (unknown.status_code, len(unknown.content))


def test_problems_say_nothing_of_us(secret):
    for response in (call("whsec_AAAA", callback()), call(secret, b"{"), call(secret, callback(x=1), message_id="m2")):
        text = response.content.decode() + str(response.headers)
        assert not any(word in text for word in ("Traceback", "Django", "psycopg", "cases.", "sandbox-fraud-register"))
