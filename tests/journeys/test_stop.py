"""P-1: a prize-draw entrant texts STOP. It counts at once, goes on by itself, and he complains in the end."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from cases import tasks as work
from cases.api import authentication
from cases.kernel.models import Case, Clock
from tests import requests_of_people as rights
from tests.api.caller import post, signed
from tests.journeys.scene import POST, at

TELEVISION, ADVERTISER = "sandbox-tv", "sandbox-partner-ads"
TEXTED_AT = datetime(2026, 11, 26, 18, 2, tzinfo=UTC)
CAMPAIGN_AT = datetime(2026, 11, 26, 18, 5, tzinfo=UTC)
QUINCE = {
    "forename": "Bartholomew",
    "surname": "Quince",
    "phone": "+447700900654",
    "email": "b.quince@example.org",
    "line_1": "3 Orchard Steps",
    "town": "Norwich",
    "postcode": "NR2 0ZZ",
}
STOP = {
    "schema_version": 1,
    "right": "stop_marketing",
    "came_by": "text_message",
    "received_at": "2026-11-26T18:02:00Z",
    "wording": "STOP",
    "person": QUINCE,
}
COMPLAINT = {
    "schema_version": 1,
    "about": "marketing",
    "came_by": "web_form",
    "received_at": "2026-12-01T10:20:00Z",
    "complaint": "An advertisement followed me after I said stop.",
    "person": QUINCE,
}


@pytest.fixture
def office(scene, monkeypatch):
    """The scene with the house's messaging and website, a company of the group and an advertiser."""
    rights.enter()
    rights.enter(ADVERTISER, "partner", "Sandbox Partner Ads")
    for own in ("own-messaging", "own-website"):
        rights.own(own)
    scene.meet(TELEVISION, ADVERTISER, "own-messaging", "own-website")

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return scene.now

    monkeypatch.setattr(authentication, "datetime", Clock)
    return scene


def ask(office, sender, path, body):
    """Let one of the house's own systems or an agency call, signed at the moment of the scene."""
    raw = json.dumps(body).encode()
    message_id = f"{sender}-{office.now:%d%H%M%S}"
    headers = signed(office.secrets[sender], message_id, raw, at=office.now.timestamp()) | {"webhook-sender": sender}
    return post(path, raw, headers)


def answers(office, code, case, occurred_at):
    """Let a recipient say that it stopped."""
    office.advance(occurred_at)
    message = next(each for each in case.messages.filter(kind="rights_stop") if each.channel.agency.code == code)
    said = {
        "schema_version": 1,
        "type": "rights.stopped",
        "reference": str(message.public_id),
        "occurred_at": f"{occurred_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": {},
    }
    assert ask(office, code, f"/api/v1/agencies/{code}/callbacks/", said).status_code == 202
    work.apply_callbacks()
    case.refresh_from_db()


def may(office, purpose, channel, **person):
    path = "/api/v1/partners/own-messaging/may-contact"
    body = {"schema_version": 1, "purpose": purpose, "channel": channel, "opt_out": "link", "people": [person]}
    (answer,) = ask(office, "own-messaging", path, body).json()["answers"]
    office.advance(timedelta(seconds=1))
    return answer["may_contact"]


def test_stop_by_text_reaches_everybody_and_the_complaint_is_acknowledged_in_time(office):
    office.advance(TEXTED_AT + timedelta(seconds=4))
    taken = ask(office, "own-messaging", "/api/v1/intake/rights-requests/", STOP)
    assert taken.status_code == 201, taken.content
    case = Case.objects.get(kind="rights_request")
    assert case.clocks.get(rule="k10_request").due_date == date(2026, 12, 29)

    # The campaign by e-mail that is queued for 18:05 skips him; a message about the service does not.
    office.advance(CAMPAIGN_AT)
    assert may(office, "own_marketing", "email", email="B.Quince@example.org") is False
    assert may(office, "own_marketing", "post", phone="07700 900654") is False
    assert may(office, "online_ads", "banner", phone="+447700900654") is False
    assert may(office, "service", "sms", phone="+447700900654") is True

    # Nobody has to do anything: it is carried out, and passed on as hashes.
    for minutes in (1, 3):
        office.advance(CAMPAIGN_AT + timedelta(minutes=minutes))
        office.sweep()
    case.refresh_from_db()
    assert case.state == "propagating"
    told = dict(office.told(TELEVISION, ADVERTISER))
    assert sorted(office.kinds(TELEVISION, ADVERTISER)) == ["rights_stop", "rights_stop"]
    assert "Quince" not in json.dumps(told)
    assert "900654" not in json.dumps(told)
    assert case.clocks.get(rule="rights_passed_on").due_date == date(2026, 12, 24)

    # Sandbox TV confirms on 27 November, the advertiser at its weekly sync on 1 December; N16 is posted.
    answers(office, TELEVISION, case, datetime(2026, 11, 27, 9, 0, tzinfo=UTC))
    assert case.state == "propagating"
    answers(office, ADVERTISER, case, datetime(2026, 12, 1, 6, 0, tzinfo=UTC))
    assert (case.state, case.dispose_after_date) == ("closed", date(2029, 12, 1))
    office.deliver()
    assert office.letters(case) == [("n16", 1, "rendered")]
    assert office.posted() == ["Bartholomew Quince, 3 Orchard Steps"]
    letter = office.text_of(case, "n16")
    assert "we told the companies and partners who have to know of it" in letter
    assert "within 28 days" in letter

    # He complains all the same: the acknowledgement is due by Wednesday 30 December and sent the same day.
    office.advance(datetime(2026, 12, 1, 10, 20, 5, tzinfo=UTC))
    assert ask(office, "own-website", "/api/v1/intake/dp-complaints/", COMPLAINT).status_code == 201
    complaint = Case.objects.get(kind="dp_complaint")
    assert complaint.clocks.get(rule="k11_acknowledge").due_date == date(2026, 12, 30)
    office.step(complaint, "acknowledge", "i.sowande")
    assert Clock.objects.get(case=complaint, rule="k11_acknowledge").state == "met"
    office.deliver()
    assert office.letters(complaint) == [("n15", 1, "rendered")]
    assert office.kinds(POST) == ["letter", "letter"]

    # Only the data protection officer decides it.
    status, page = office.read(at("case", complaint), "i.sowande")
    assert status == 200
    assert "This needs the role data protection officer." in page
    office.step(complaint, "close", "j.merriweather", **rights.FOUND)
    assert office.story(complaint)[0] == "case.opened"
    assert complaint.state == "closed"
