"""Signatures: what fits, and every way in which one does not."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from cases.agencies import signatures
from cases.agencies.signatures import SignatureRefused

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
STAMP = int(NOW.timestamp())
BODY = b'{"schema_version":1}'


def headers(**changes: str) -> dict[str, str]:
    signed = signatures.sign("msg_1", STAMP, BODY, live_secrets=[SECRET])
    return {"webhook-id": "msg_1", "webhook-timestamp": str(STAMP), "webhook-signature": signed} | changes


def verify(given: dict[str, str], body: bytes = BODY, *, now: datetime = NOW, **secrets: str) -> str:
    return signatures.verify(signatures.read(given), body, live_secrets=secrets or {"k": SECRET}, now=now)


def test_signature_equals_the_published_example_of_the_standard():
    signed = signatures.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        live_secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_name_of_the_fitting_secret_is_returned_among_several():
    assert verify(headers(), old=OTHER, new=SECRET) == "new"


def test_a_list_of_signatures_holds_when_one_of_them_fits():
    both = signatures.sign("msg_1", STAMP, BODY, live_secrets=[OTHER, SECRET])

    assert verify(headers(**{"webhook-signature": "v2,AAAA " + both})) == "k"


def test_every_changed_bit_of_the_body_is_refused():
    for position in range(len(BODY) * 8):
        changed = bytearray(BODY)
        changed[position // 8] ^= 1 << (position % 8)
        with pytest.raises(SignatureRefused, match="no_secret_fits"):
            verify(headers(), bytes(changed))


def test_every_changed_bit_of_the_signature_is_refused():
    digest = base64.b64decode(headers()["webhook-signature"].removeprefix("v1,"))
    for position in range(len(digest) * 8):
        changed = bytearray(digest)
        changed[position // 8] ^= 1 << (position % 8)
        value = "v1," + base64.b64encode(bytes(changed)).decode()
        with pytest.raises(SignatureRefused, match="no_secret_fits"):
            verify(headers(**{"webhook-signature": value}))


@pytest.mark.parametrize("changes", [{"webhook-id": "msg_2"}, {"webhook-timestamp": str(STAMP + 1)}])
def test_id_and_time_are_covered_by_the_signature(changes):
    with pytest.raises(SignatureRefused, match="no_secret_fits"):
        verify(headers(**changes))


def test_no_secret_at_all_is_refused():
    with pytest.raises(SignatureRefused, match="no_secret_fits"):
        signatures.verify(signatures.read(headers()), BODY, live_secrets={}, now=NOW)


@pytest.mark.parametrize("seconds", [301, -301, 86400])
def test_times_beyond_the_window_are_refused(seconds):
    with pytest.raises(SignatureRefused, match="outside_window"):
        verify(headers(), now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [300, -300, 0])
def test_times_within_the_window_are_accepted(seconds):
    assert verify(headers(), now=NOW + timedelta(seconds=seconds)) == "k"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"webhook-id": ""}, "id_malformed"),
        ({"webhook-id": "a.b"}, "id_malformed"),
        ({"webhook-id": "a b"}, "id_malformed"),
        ({"webhook-id": "x" * 129}, "id_malformed"),
        ({"webhook-id": "msg_1\n"}, "id_malformed"),
        ({"webhook-id": "é"}, "id_malformed"),
        ({"webhook-timestamp": ""}, "timestamp_malformed"),
        ({"webhook-timestamp": "-1"}, "timestamp_malformed"),
        ({"webhook-timestamp": "1e9"}, "timestamp_malformed"),
        ({"webhook-timestamp": "١٦١٤"}, "timestamp_malformed"),
        ({"webhook-timestamp": "9" * 13}, "timestamp_malformed"),
        ({"webhook-signature": ""}, "signature_malformed"),
        ({"webhook-signature": "v1,!!!"}, "signature_malformed"),
        ({"webhook-signature": "v1,é"}, "signature_malformed"),
        ({"webhook-signature": "v1," + "A" * 1100}, "signature_malformed"),
        ({"webhook-signature": " ".join(["v1,AAAA"] * 9)}, "too_many_signatures"),
        ({"webhook-signature": "v2,AAAA"}, "no_known_version"),
        ({"webhook-signature": "garbage"}, "no_known_version"),
    ],
)
def test_malformed_headers_are_refused(changes, reason):
    with pytest.raises(SignatureRefused, match=reason):
        signatures.read(headers(**changes))


def test_fresh_secrets_have_32_bytes_and_differ():
    first, second = signatures.new_secret(), signatures.new_secret()

    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
