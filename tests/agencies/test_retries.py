"""What answers mean, and when the next try is due."""

import json
from datetime import UTC, datetime

import pytest

from cases.agencies.retries import PROFILES, Verdict, judge
from cases.agencies.transports.base import Answer, DeliveryError

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
FIELD_ERRORS = json.dumps(
    {"title": "Mrs Tregaskis is missing", "errors": [{"pointer": "/subjects/1/date_of_birth", "code": "NO_DOB"}]}
).encode()


def no_spread(low: float, high: float) -> float:
    return 1.0


def verdict(result, *, tries=1, profile="standard", spread=no_spread) -> Verdict:
    return judge(result, profile=profile, tries=tries, now=NOW, spread=spread)


def answer(status: int, body: bytes = b"", media_type: str = "application/problem+json", **more: str) -> Answer:
    return Answer(status=status, body=body, media_type=media_type, **more)


@pytest.mark.parametrize(
    ("status", "state", "outcome", "pause", "is_rejection", "is_failure"),
    [
        (200, "delivered", "ok", "", False, False),
        (202, "delivered", "ok", "", False, False),
        (299, "delivered", "ok", "", False, False),
        (301, "dead", "permanent", "redirected", False, False),
        (307, "dead", "permanent", "redirected", False, False),
        (400, "dead", "permanent", "", False, False),
        (401, "pending", "retryable", "", True, True),
        (403, "pending", "retryable", "", True, True),
        (404, "dead", "permanent", "", False, False),
        (408, "pending", "retryable", "", False, True),
        (409, "dead", "permanent", "", False, False),
        (410, "dead", "permanent", "gone", False, False),
        (413, "dead", "permanent", "", False, False),
        (422, "dead", "permanent", "", False, False),
        (425, "pending", "retryable", "", False, True),
        (429, "pending", "retryable", "", False, True),
        (500, "pending", "retryable", "", False, True),
        (503, "pending", "retryable", "", False, True),
        (599, "pending", "retryable", "", False, True),
    ],
)
def test_statuses(status, state, outcome, pause, is_rejection, is_failure):
    got = verdict(answer(status))

    assert (got.state, got.outcome, got.pause, got.is_rejection, got.is_failure) == (
        state,
        outcome,
        pause,
        is_rejection,
        is_failure,
    )


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_problem_with_errors_is_the_agencys_answer_and_keeps_codes_alone(status):
    got = verdict(answer(status, FIELD_ERRORS))

    assert got.state == "refused"
    assert got.errors == [{"pointer": "/subjects/1/date_of_birth", "code": "NO_DOB"}]


@pytest.mark.parametrize(
    ("status", "body", "media_type"),
    [
        (404, FIELD_ERRORS, "application/problem+json"),
        (422, FIELD_ERRORS, "application/json"),
        (422, b"{", "application/problem+json"),
        (422, b"[]", "application/problem+json"),
        (422, b'{"errors":[]}', "application/problem+json"),
        (422, b'{"errors":"no"}', "application/problem+json"),
        (422, b"[" * 100000, "application/problem+json"),
    ],
)
def test_anything_else_in_the_four_hundreds_is_dead(status, body, media_type):
    assert verdict(answer(status, body, media_type)).state == "dead"


def test_prose_where_codes_belong_is_not_kept():
    body = json.dumps({"errors": [{"pointer": "/a/Mrs Tregaskis", "code": "born 9 March"}, "x", {}]}).encode()

    assert verdict(answer(422, body)).errors == [
        {"pointer": "", "code": "unreadable"},
        {"pointer": "", "code": "unreadable"},
    ]


def test_the_standard_profile_waits_as_published_and_then_gives_up():
    waits = [verdict(answer(500), tries=tries).delay_seconds for tries in range(1, 10)]

    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert verdict(answer(500), tries=10).state == "dead"


def test_the_urgent_profile_goes_on():
    assert [verdict(answer(500), tries=n, profile="urgent").delay_seconds for n in (1, 2, 3, 4, 5, 500)] == [
        2,
        5,
        15,
        30,
        60,
        60,
    ]


def test_every_profile_begins_at_once():
    assert {profile.waits[0] for profile in PROFILES.values()} == {0}


def test_jitter_is_drawn_within_a_fifth():
    drawn = []
    verdict(answer(500), spread=lambda low, high: drawn.append((low, high)) or 1.0)

    assert drawn == [(0.8, 1.2)]


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", 120),
        ("999999", 86400),
        ("1", 5),
        ("-5", 5),
        ("soon", 5),
        ("Mon, 16 Nov 2026 10:10:00 GMT", 600),
        ("Mon, 16 Nov 2020 10:10:00 GMT", 5),
        ("9" * 400, 86400),
        ("٣", 5),
    ],
)
def test_retry_after_is_honoured_up_to_a_day(asked, wait):
    assert verdict(answer(429, retry_after=asked)).delay_seconds == wait


def test_no_answer_is_tried_again_and_a_wrong_certificate_counts_against_the_channel():
    assert verdict(DeliveryError("read_timeout")) == Verdict(
        "pending", "retryable", "read_timeout", 5.0, is_failure=True
    )
    assert verdict(DeliveryError("tls_refused", is_rejection=True)).is_rejection
