"""Company sign-in is off unless it is set up; set up, it knows people by issuer and subject."""

import pytest
from django.urls import NoReverseMatch, reverse

from backoffice.env import issuer_code, origins


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://login.example.org", "login.example.org"),
        ("https://login.example.org/", "login.example.org"),
        ("https://login.example.org/tenant-7/v2.0", "login.example.org~tenant-7~v2.0"),
        ("https://login.example.org/t/.well-known/openid-configuration", "login.example.org~t"),
    ],
)
def test_accounts_are_kept_by_issuer(url, code):
    assert issuer_code(url) == code


def test_forms_may_lead_on_to_the_issuer_alone():
    assert origins("https://login.example.org/tenant-7/v2.0") == ["https://login.example.org"]
    assert origins("") == []


def test_there_is_no_such_page_unless_it_is_set_up(client, db):
    for name in ("socialaccount_connections", "socialaccount_signup"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert b"Company sign-in" not in client.get("/sign-in/").content
