"""What is kept of where a request comes from."""

import pytest
from django.test import RequestFactory

from cases.web import asking

CLAIMED, SEEN = "198.51.100.9", "203.0.113.7"


def _token(settings, *, trusted: int, **headers: str) -> str:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    return asking.info(RequestFactory().get("/", **headers)).ip_token


def test_address_behind_our_proxy_is_the_one_it_saw(settings):
    direct = _token(settings, trusted=0, REMOTE_ADDR=SEEN)

    assert _token(settings, trusted=1, REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=SEEN) == direct
    assert _token(settings, trusted=1, REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=f"{CLAIMED}, {SEEN}") == direct


@pytest.mark.parametrize("trusted", [0, 3])
def test_what_a_caller_says_of_itself_is_not_believed(settings, trusted):
    direct = _token(settings, trusted=0, REMOTE_ADDR=SEEN)

    assert _token(settings, trusted=trusted, REMOTE_ADDR=SEEN, HTTP_X_FORWARDED_FOR=CLAIMED) == direct
