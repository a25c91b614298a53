"""The mail of the morning, against a real mail server: numbers alone, to whoever chose it, once at most."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.conf import settings as live
from django.db import connection

from backoffice.env import BASE_DIR
from cases.agencies import digests as sending
from cases.kernel.models import Digest, User
from cases.kernel.personal import digests
from tests import factories, suspicions
from tests.agencies.test_on_call import Mailbox, mail  # noqa: F401 -- the mail server is a fixture
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
# A Wednesday, half past eight in London.
MORNING = datetime(2026, 11, 18, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def people():
    return factories.office()


def wants(username: str, days: str = "working_days", at: datetime = MORNING - DAY) -> User:
    user = User.objects.get(username=username)
    digests.choose(user, days, address=f"{username}@example.org", domain="example.org", at=at)
    return user


def send(at: datetime = MORNING) -> int:
    return sending.send_due(clock=lambda: at)


def told() -> list[str]:
    """Return what the mails say, without their heads."""
    return [letter.split("\r\n\r\n", 1)[1].split("\r\n\r\nThis mail")[0] for letter in Mailbox.letters]


def test_it_says_how_much_waits_in_numbers_alone_and_comes_once_a_morning(people, mail):  # noqa: F811
    case = factories.ready(people)
    wants("d.osei")

    assert [send(), send(), send(MORNING + timedelta(hours=5))] == [1, 0, 0]

    (letter,) = mail.letters
    assert "To: d.osei@example.org" in letter and f"Subject: {digests.SUBJECT}" in letter
    assert "Auto-Submitted: auto-generated" in letter and "<digest-" in letter
    assert told() == ["1 decision waits for you."]
    for private in (case.reference, "Tregaskis", "Morwenna", "Fraud", str(case.uid)):
        assert private not in letter
    assert Digest.objects.get().state == "sent"
    assert send(MORNING + DAY) == 1 and len(mail.letters) == 2


@pytest.mark.parametrize(
    ("days", "at", "count"),
    [
        ("working_days", MORNING, 1),
        ("working_days", MORNING.replace(hour=7, minute=29), 0),
        ("working_days", datetime(2026, 11, 21, 9, tzinfo=UTC), 0),  # a Saturday
        ("working_days", datetime(2026, 12, 25, 9, tzinfo=UTC), 0),
        ("weekly", MORNING, 0),
        ("weekly", datetime(2026, 11, 23, 9, tzinfo=UTC), 1),
        ("weekly", datetime(2027, 3, 29, 9, tzinfo=UTC), 0),  # Easter Monday
        ("weekly", datetime(2027, 3, 30, 9, tzinfo=UTC), 1),
    ],
)
def test_it_comes_on_the_mornings_that_were_chosen(people, mail, days, at, count):  # noqa: F811
    factories.ready(people)
    wants("d.osei", days)
    assert send(at) == count == len(mail.letters)


def test_nothing_restricted_is_counted_and_nothing_comes_where_nothing_waits(people, mail):  # noqa: F811
    hidden = suspicions.referred(people)
    assert hidden is not None
    for username in ("h.castellan", "c.adebayo"):
        wants(username)
    assert send() == 0 and mail.letters == []
    assert set(Digest.objects.values_list("state", flat=True)) == {"nothing"}


def test_what_the_server_did_not_take_is_tried_again_and_given_up_for_the_day(people, mail):  # noqa: F811
    factories.ready(people)
    wants("d.osei")
    mail.is_refusing = True
    assert send() == 0
    row = Digest.objects.get()
    assert (row.state, row.tries, row.error) == ("pending", 1, "mail_SMTPRecipientsRefused")
    assert send(MORNING + timedelta(minutes=9)) == 0 and Digest.objects.get().tries == 1
    mail.is_refusing = False
    assert send(MORNING + timedelta(minutes=10)) == 1
    mail.is_refusing = True
    for turn in range(7):
        send(MORNING + DAY + timedelta(minutes=10 * turn))
    row.refresh_from_db()
    assert (row.state, row.tries) == ("failed", 5)
    mail.is_refusing = False
    assert send(MORNING + 2 * DAY) == 1


def test_a_server_that_is_away_leaves_the_others_for_later(people, mail, settings):  # noqa: F811
    factories.ready(people)
    for username in ("d.osei", "p.nair", "a.byrne"):
        wants(username)
    settings.EMAIL_PORT = 1
    assert send() == 0
    assert Digest.objects.filter(tries=1).count() <= 1 + Digest.objects.filter(state="nothing").count()


def test_whoever_left_is_told_nothing_more(people, mail):  # noqa: F811
    factories.ready(people)
    user = wants("d.osei")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert send() == 0
    assert digests.forget(user.pk) == 1
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert send() == 0 and mail.letters == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("place", "heard"), [("after_digest_claim", 0), ("after_digest_sent", 1)])
def test_a_worker_killed_with_it_sends_it_once_at_most(people, mail, place, heard):  # noqa: F811
    factories.ready(people)
    wants("d.osei")
    assert _work(place) == -signal.SIGKILL
    assert (Digest.objects.get().state, len(mail.letters)) == ("sending", heard)
    assert [_work(""), send(), len(mail.letters)] == [0, 0, heard]
    assert send(MORNING + DAY) == 1 and len(mail.letters) == heard + 1


def _work(failpoint: str) -> int:
    """Run a whole worker process once, with the mail server of the test; return its exit code."""
    place = connection.settings_dict
    script = (
        "import django; django.setup(); from django.conf import settings as s; s.EMAIL_USE_TLS = False;"
        "from datetime import datetime; from cases.agencies import digests;"
        f"digests.send_due(clock=lambda: datetime.fromisoformat('{MORNING.isoformat()}'))"
    )
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "EMAIL_HOST": live.EMAIL_HOST,
        "EMAIL_PORT": str(live.EMAIL_PORT),
        "BACKOFFICE_TEST_MODE": "1",
        "BACKOFFICE_FAILPOINT": failpoint,
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def test_it_is_chosen_under_preferences_for_an_address_of_the_firm(people):
    client, user = desk.client_of("d.osei"), User.objects.get(username="d.osei")

    def refused(**typed) -> str:
        with nothing_written():
            answer = client.post("/preferences/", typed)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert answer.context["typed"] == typed and f'value="{typed["address"]}"' in answer.content.decode()
        (problem,) = answer.context["problems"]
        return str(problem.sentence)

    elsewhere = "Type an address of the firm: it ends in @example.org."
    assert refused(digest="hourly", address="d.osei@example.org") == "Choose when the mail comes."
    assert refused(digest="weekly", address="nobody") == "Type an e-mail address."
    assert refused(digest="weekly", address="d.osei@example.org.elsewhere.example") == elsewhere
    assert refused(digest="weekly", address="d.osei@sub.example.org") == elsewhere

    client.post("/preferences/", {"digest": "weekly", "address": " d.osei@example.org "})
    page = client.get("/preferences/").content.decode()
    kept = digests.chosen(user)
    assert kept is not None and (kept.days, kept.address) == ("weekly", "d.osei@example.org")
    assert '<option value="weekly" selected>' in page and 'value="d.osei@example.org"' in page
    client.post("/preferences/", {"digest": "", "address": "d.osei@example.org"})
    assert digests.chosen(user) is None


def test_the_mail_of_the_day_on_which_it_is_chosen_does_not_come(people, mail):  # noqa: F811
    factories.ready(people)
    wants("d.osei", at=MORNING)
    assert [send(), send(MORNING + DAY)] == [0, 1]


def test_what_is_overdue_and_due_today_is_told_apart_and_a_full_count_is_not_said(people, mail, monkeypatch):  # noqa: F811
    case = factories.investigating(people)
    assert case.due_at is not None and case.assignee is not None
    wants(case.assignee.username)
    morning = next(case.due_at + number * DAY for number in range(1, 9) if (case.due_at + number * DAY).weekday() < 5)
    send(morning.replace(hour=9))
    assert told()[0].startswith("1 case is overdue.")
    assert digests._line(501, "case", "cases") == "More than 500 cases."
    assert digests._line(2, "task waits", "tasks wait") == "2 tasks wait."
