"""What a person is told of their own access."""

from datetime import timedelta

import pytest

from cases.kernel.office import proposals, securitynotices
from cases.ledger import security
from tests import factories
from tests.web import desk

AT = factories.AT


@pytest.fixture
def office(db):
    return factories.office()


def sentences(office, name):
    return [notice.sentence for notice in securitynotices.told(office[name], since=AT - timedelta(days=1))]


def test_person_is_told_of_rights_factors_and_sessions_and_nobody_else_is(office):
    byrne = office["a.byrne"]
    payload = {"user": byrne.user_id, "role": "credit_officer"}
    proposals.propose("role_grant", payload, actor=office["o.thackray"], at=AT, reason="Cover.")
    for minute, kind in enumerate(("factor_added", "sessions_ended", "new_browser"), 1):
        security.note(kind, actor=byrne.label, at=AT + timedelta(minutes=minute))
    security.note("sign_in", actor=byrne.label, at=AT + timedelta(minutes=4), act="password+recovery_codes")
    security.note("sign_in", actor=byrne.label, at=AT + timedelta(minutes=5), act="password+totp")
    security.note("transition_refused", actor=byrne.label, at=AT + timedelta(minutes=6), act="approve")

    assert sentences(office, "a.byrne") == [
        "A recovery code was used to sign in",
        "A browser that had not been seen before signed in as you",
        "Your other sessions were ended",
        "A second factor was added",
        "You were given the role Credit officer",
    ]
    assert sentences(office, "p.nair") == sentences(office, "o.thackray") == []


def test_notices_stand_on_the_home_page_for_a_week_and_under_preferences_for_longer(office, monkeypatch):
    security.note("factor_removed", actor=office["a.byrne"].label, at=AT, act="totp")
    client = desk.client_of("a.byrne")
    pages = {}
    for days in (6, 8):
        monkeypatch.setattr("cases.web.asking.now", lambda days=days: AT + timedelta(days=days))
        pages[days] = [b"A second factor was removed" in client.get(path).content for path in ("/", "/preferences/")]

    assert pages == {6: [True, True], 8: [False, True]}
