"""Ringing the people on call: against a real mail server and a real pager over TLS, which fail and come back."""

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.env import BASE_DIR
from cases import tasks
from cases.agencies import oncall
from cases.agencies.sandbox import ca
from cases.kernel import edits
from cases.kernel.errors import NotAllowed
from cases.kernel.models import OnCallAlert, OnCallRing, OnCallRoute
from cases.kernel.office import proposals
from cases.kernel.oncall import alerts, reading, ringing
from cases.ledger.models import LedgerEvent
from tests import disclosures, emergencies, factories
from tests.agencies.test_https import Peer, serve
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ADDRESS = {"team": "disclosure", "label": "Duty desk", "method": "e_mail", "address": "duty@example.org"}


class Mailbox(socketserver.StreamRequestHandler):
    """Enough of SMTP to take a letter."""

    letters: list[str] = []
    is_refusing = False

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 mail.example.org")
        while line := self.rfile.readline().decode():
            verb = line.split()[0].upper()
            if verb == "RCPT" and type(self).is_refusing:
                self.say("450 try again later")
            elif verb == "DATA":
                self.say("354 go on")
                text = ""
                while (more := self.rfile.readline().decode()) != ".\r\n":
                    text += more
                self.letters.append(text)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 goodbye")
                return
            else:
                self.say("250 fine")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def mail(settings):
    server = Server(("127.0.0.1", 0), Mailbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
    settings.EMAIL_USE_TLS = False
    Mailbox.letters, Mailbox.is_refusing = [], False
    yield Mailbox
    server.shutdown()
    server.server_close()


@pytest.fixture
def pager(settings, tmp_path):
    ca.ensure(tmp_path, now=datetime.now(UTC))
    server = serve(tmp_path, ca.CERTIFICATE_FILE, ca.KEY_FILE)
    settings.ON_CALL_CIDRS, settings.ON_CALL_CA_FILE = ["127.0.0.0/8"], str(tmp_path / ca.CA_FILE)
    Peer.seen.clear()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def people():
    return factories.office()


def route(people, position=1, **said):
    """Enter an address by its two people."""
    payload = {**ADDRESS, "position": position, "is_rung": True, **said}
    row = proposals.propose("on_call_route", payload, actor=people["o.thackray"], at=AT, reason="The rota.")
    assert row.state == "open" and row.needs
    proposals.decide(row.uid, "agreed", actor=people["j.merriweather"], at=AT, reason="As in the rota.")


def urgent(people, **facts):
    return disclosures.received(people, **{"grade": 1, **facts})


def correct(people, case, **said):
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        facts = edit.case.disclosure_request
        for name, value in said.items():
            setattr(facts, name, value)
        facts.save(update_fields=[*said])


def let_tries_be_due():
    OnCallRing.objects.filter(state="pending").update(due_at=timezone.now() - MINUTE)


def rings():
    rows = OnCallRing.objects.order_by("step", "route__position")
    return [(row.step, row.route.position, row.state) for row in rows]


def test_what_is_urgent_rings_and_tells_a_short_code_alone(people, mail, pager):
    route(people)
    route(people, 2, label="Pager", method="https", address=f"{pager}/fine")
    urgent(people, grade=3)
    assert not OnCallAlert.objects.exists()
    case = urgent(people)
    alert = OnCallAlert.objects.get()
    assert alerts.escalate(now=AT + 5 * MINUTE) == 1
    assert oncall.ring_due() == 2  # the first has not gone out, so it is not promised twice
    text = f"Urgent item {alert.code} waiting"
    (letter,) = mail.letters
    head, _, said = letter.partition("\r\n\r\n")
    assert said.strip() == f"{text}." and f"Subject: {text}" in head and "To: duty@example.org" in head
    ((path, headers, body),) = Peer.seen
    assert (path, json.loads(body)) == ("/fine", {"text": text})
    outside = letter + body.decode() + json.dumps(headers)
    for secret in (case.reference, str(case.uid), "SBX/2026", "Hallworth", "disclosure", "Constabulary", "7700900789"):
        assert secret not in outside
    assert rings() == [(1, 1, "delivered"), (2, 2, "delivered")]
    assert oncall.ring_due() == 0


def test_a_fault_of_the_test_page_keeps_nobody_from_being_rung(people, mail, monkeypatch):
    route(people)
    urgent(people)
    monkeypatch.setattr(alerts, "ring_tests", Mock(side_effect=RuntimeError))
    with pytest.raises(RuntimeError):
        tasks.ring_on_call()
    assert mail.letters


def test_it_is_repeated_and_goes_one_further_until_somebody_has_it(people, mail):
    route(people)
    route(people, 2, address="second@example.org")
    case = urgent(people)
    oncall.ring_due()
    assert alerts.escalate(now=AT + 4 * MINUTE) == 0
    for step in (1, 2):
        assert alerts.escalate(now=AT + step * 5 * MINUTE) == 1
        assert alerts.escalate(now=AT + step * 5 * MINUTE) == 0
        oncall.ring_due()
    done = "delivered"
    assert rings() == [(1, 1, done), (2, 1, done), (2, 2, done), (3, 1, done), (3, 2, done)]
    alert = OnCallAlert.objects.get()
    alerts.escalate(now=AT + 15 * MINUTE)
    assert alerts.acknowledge(alert.uid, actor=people["n.okonjo"], at=AT + 16 * MINUTE)[1]
    assert not alerts.acknowledge(alert.uid, actor=people["k.mistry"], at=AT + 17 * MINUTE)[1]
    assert alerts.escalate(now=AT + 60 * MINUTE) == 0
    assert oncall.ring_due() == 0 and len(mail.letters) == 5
    event = LedgerEvent.objects.get(stream=case.uid, action="case.on_call_acknowledged")
    assert event.actor == people["n.okonjo"].label
    assert event.content()["detail"] == {"alert": alert.code, "why": "grade_one"}


def test_mail_that_is_down_is_tried_again_and_shown(people, mail):
    route(people)
    mail.is_refusing = True
    urgent(people)
    assert oncall.ring_due() == 1
    row = OnCallRing.objects.get()
    assert (row.state, row.tries, row.error) == ("pending", 1, "mail_SMTPRecipientsRefused")
    (shown,) = reading.waiting(people["k.mistry"])
    assert (shown.rung, shown.delivered, shown.error) == (1, 0, "mail_SMTPRecipientsRefused")
    mail.is_refusing = False
    let_tries_be_due()
    oncall.ring_due()
    row.refresh_from_db()
    assert (row.state, row.tries, row.error) == ("delivered", 2, "")


def test_what_cannot_be_reached_never_stops_the_others(people, mail, settings):
    route(people, 1, label="Pager", method="https", address="https://pager.invalid/page")
    route(people, 2)
    urgent(people)
    alerts.escalate(now=AT + 5 * MINUTE)
    oncall.ring_due()
    assert [(row.state, row.error) for row in OnCallRing.objects.order_by("pk")] == [
        ("pending", "name_not_resolved"),
        ("delivered", ""),
    ]
    settings.EMAIL_HOST = ""
    alerts.escalate(now=AT + 10 * MINUTE)
    oncall.ring_due()
    assert OnCallRing.objects.order_by("pk").last().error == "no_mail_server"


def test_urgent_words_and_a_followed_up_emergency_ring_once_each(people):
    said = {"request_type": "cd_urgent", "oral_given_at": AT - MINUTE, "grade": 1}
    case = urgent(people, **said)
    correct(people, case, is_compliance_required=True)
    emergencies.after(emergencies.checked(people), "refuse_more", people["n.okonjo"], reason_code="more_than_needed")
    assert sorted(OnCallAlert.objects.values_list("why", flat=True)) == ["emergency_follow_up", "urgent_oral"]
    corrected = urgent(people, grade=3)
    correct(people, corrected, grade=1)
    assert OnCallAlert.objects.get(case=corrected).why == "grade_one"


def test_nobody_outside_the_team_learns_of_it_or_answers(people):
    case = urgent(people)
    alert = OnCallAlert.objects.get()
    assert [each.row for each in reading.waiting(people["k.mistry"])] == [alert]
    for outsider in ("a.byrne", "h.castellan", "j.merriweather", "o.thackray"):
        assert reading.waiting(people[outsider]) == []
        with pytest.raises(Exception) as refused:
            alerts.acknowledge(alert.uid, actor=people[outsider], at=AT)
        assert type(refused.value).__name__ in ("NotVisible", "NotAllowed")
    officer, mistry = people["j.merriweather"], people["k.mistry"]
    inside = replace(officer, team_ids=officer.team_ids | mistry.team_ids)
    with nothing_written(), pytest.raises(NotAllowed):  # who cannot see to it would silence it for all who can
        alerts.acknowledge(alert.uid, actor=inside, at=AT)
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
    disclosures.after(case, "refuse", people["k.mistry"], reason_code="no_gateway")
    assert reading.waiting(people["k.mistry"]) == [] and alerts.escalate(now=AT + 9 * MINUTE) == 0


def test_the_test_page_of_the_day_is_sent_once_and_its_silence_is_seen(people, mail):
    assert reading.state_of_tests(now=AT).word == "Not set up"
    route(people)
    route(people, 2, address="second@example.org")
    early, morning = datetime(2026, 11, 16, 9, 29, tzinfo=UTC), datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
    assert reading.state_of_tests(now=early).word == "No test page came"
    assert [alerts.ring_tests(now=at) for at in (early, morning, morning + MINUTE)] == [0, 1, 0]
    assert reading.state_of_tests(now=morning + 6 * MINUTE).word == "A test page was not delivered"
    oncall.ring_due()
    alert = OnCallAlert.objects.get()
    assert len(mail.letters) == 2 and all(f"Test {alert.code}: nothing waits" in each for each in mail.letters)
    assert reading.state_of_tests(now=morning + 6 * MINUTE).is_well
    assert alerts.escalate(now=morning + 60 * MINUTE) == 0
    assert reading.state_of_tests(now=morning + 61 * MINUTE).word == "Nobody answered a test page"
    alerts.acknowledge(alert.uid, actor=people["e.hallam"], at=morning + 61 * MINUTE)
    assert reading.state_of_tests(now=morning + 62 * MINUTE).is_well
    assert reading.state_of_tests(now=morning + timedelta(hours=27)).word == "No test page came"
    assert alerts.ring_tests(now=morning + timedelta(hours=24)) == 1


def test_a_team_that_is_rung_and_has_no_address_is_seen_where_another_has_one(people):
    route(people, team="financial_crime")
    state = reading.state_of_tests(now=AT)
    assert (state.word, state.is_well) == ("A team that is rung at night has no address", False)
    route(people)
    assert reading.state_of_tests(now=AT).word == "No test page came"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"team": "fraud"}, "team"),
        ({"address": "nobody"}, "address"),
        ({"method": "https", "address": "http://pager.example.org/"}, "address"),
        ({"method": "https", "address": "https://10.0.0.7/"}, "address"),
        ({"method": "telex"}, "method"),
        ({"is_rung": False}, "is_rung"),
    ],
)
def test_an_address_that_is_none_is_refused_in_words(people, said, field):
    payload = {**ADDRESS, "position": 1, "is_rung": True, **said}
    with pytest.raises(proposals.ProposalRefused) as refused:
        proposals.propose("on_call_route", payload, actor=people["o.thackray"], at=AT, reason="The rota.")
    assert field in refused.value.errors
    assert not OnCallRoute.objects.exists()


@pytest.mark.parametrize("ended", ["answered", "address", "case"])
def test_a_ring_in_flight_is_not_tried_again_once_nobody_needs_it(people, mail, ended):
    route(people)
    case = urgent(people)
    lease = uuid.uuid4()
    (held,) = ringing.claim(lease)
    if ended == "answered":
        alerts.acknowledge(OnCallAlert.objects.get().uid, actor=people["e.hallam"], at=AT)
    elif ended == "address":
        route(people, is_rung=False)
    else:
        disclosures.after(case, "cancel", people["k.mistry"], notice="Letter of today.")
    ringing.finish(lease, held.ring_id, error="refused")
    OnCallRing.objects.update(due_at=timezone.now() - MINUTE)
    assert oncall.ring_due() == 0
    assert rings() == [(1, 1, "dropped")] and mail.letters == []


def test_an_address_that_is_taken_away_rings_no_more(people, mail):
    route(people)
    urgent(people)
    route(people, is_rung=False)
    assert oncall.ring_due() == 0 and rings() == [(1, 1, "dropped")]
    assert alerts.escalate(now=AT + 5 * MINUTE) == 1 and len(rings()) == 1


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_or_after_it_rang_loses_no_ring(people, mail):
    route(people)
    urgent(people)
    for place, heard in (("after_ring_claim", 0), ("after_ring_sent", 1)):
        assert _work(place) == -signal.SIGKILL
        row = OnCallRing.objects.get()
        assert (row.state, len(mail.letters)) == ("sending", heard)
        assert oncall.ring_due() == 0  # its lease has not ended
        OnCallRing.objects.update(lease_until=timezone.now() - MINUTE)
    assert oncall.ring_due() == 1
    row = OnCallRing.objects.get()
    assert (row.state, row.tries) == ("delivered", 3)
    assert len({letter.split("Message-ID: ")[1].split("\r\n")[0] for letter in mail.letters}) == 1


def _work(failpoint):
    """Run a whole worker process once, with the mail server of the test; return its exit code."""
    from django.conf import settings  # noqa: PLC0415 -- as the fixture has set them

    place = connection.settings_dict
    script = (
        "import django; django.setup(); from django.conf import settings as s; s.EMAIL_USE_TLS = False;"
        "from cases.agencies import oncall; oncall.ring_due()"
    )
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "EMAIL_HOST": settings.EMAIL_HOST,
        "EMAIL_PORT": str(settings.EMAIL_PORT),
        "BACKOFFICE_TEST_MODE": "1",
        "BACKOFFICE_FAILPOINT": failpoint,
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode
