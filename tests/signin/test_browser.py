"""Signing in with Chromium: passkeys from a virtual authenticator, the code picture, axe, content security."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases.kernel.models import User
from cases.kernel.office import demo_people, people
from cases.ledger.models import SecurityEvent
from tests.signin import totp
from tests.signin.desk import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WATCH = "document.addEventListener('securitypolicyviolation', (e) => console.error('csp ' + e.violatedDirective))"


@pytest.fixture
def watched(page: Page) -> Page:
    """A page that fails the test on a content-security violation, a console error or a page error."""
    faults: list[str] = []
    page.add_init_script(WATCH)
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []


def _add_authenticator(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def _set_up(page: Page, address: str, token: str) -> None:
    page.goto(f"{address}/welcome/{token}/")
    page.get_by_label("User name").fill("wren")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Go on to the second factor").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()


def _press(page: Page, name: str, *, exact: bool = True) -> None:
    """Press this button and wait for the whole page that answers: in one still coming there is nothing to judge."""
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name=name, exact=exact).click()


def _faultless(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour is caught halfway
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page)
            assert found.violations_count == 0, (page.url, scheme, width, found.generate_report())


def test_passkey_is_set_up_signs_in_and_confirms(live_server, watched):
    user, token = people.add_first_administrator("Wren Halloran", at=timezone.now())
    _add_authenticator(watched)
    _set_up(watched, live_server.url, token)

    watched.get_by_role("link", name="Add a key").click()
    watched.get_by_label("Passwordless").check()
    watched.get_by_role("button", name="Add the key").click()
    expect(watched.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert watched.locator(".codes li").count() == 10
    _press(watched, "Sign out")
    watched.goto(f"{live_server.url}/sign-in/")
    watched.get_by_role("button", name="Sign in with a passkey").click()
    watched.wait_for_url(f"{live_server.url}/")
    watched.goto(f"{live_server.url}/step-up/?next=/account/")
    watched.get_by_role("button", name="Use a security key or passkey").click()
    watched.wait_for_url(f"{live_server.url}/account/")

    acts = list(SecurityEvent.objects.filter(actor=f"staff:{user.pk}").order_by("pk").values_list("kind", "act"))
    assert acts == [
        ("link_followed", ""),
        ("sign_in", "password"),
        ("factor_added", "webauthn"),
        ("sign_in", "webauthn"),
        ("step_up", "webauthn"),
    ]


def test_app_is_set_up_from_the_picture_page(live_server, watched):
    _user, token = people.add_first_administrator("Wren Halloran", at=timezone.now())
    _set_up(watched, live_server.url, token)

    watched.get_by_role("link", name="Set up an authenticator app").click()
    picture = watched.locator("img.qr")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    seed = re.sub(r"\s", "", watched.locator(".seed").text_content())
    watched.get_by_label("Authenticator code").fill(totp.code(seed, time.time()))
    watched.get_by_role("button", name="Set it up").click()

    expect(watched.get_by_role("heading", name="Recovery codes")).to_be_visible()


def test_pages_have_no_axe_violation(live_server, watched, settings):
    _user, token = people.add_first_administrator("Wren Halloran", at=timezone.now())
    watched.goto(f"{live_server.url}/sign-in/")
    _faultless(watched)
    watched.get_by_label("User name").fill("wren")
    watched.get_by_label("Password").fill("wrong")
    _press(watched, "Sign in")
    _faultless(watched)
    watched.goto(f"{live_server.url}/welcome/{token}/")
    _faultless(watched)
    _press(watched, "Go on to the second factor")
    _faultless(watched)
    _set_up(watched, live_server.url, token)
    for address in ("/account/", "/account/app/", "/account/keys/add/"):
        watched.goto(f"{live_server.url}{address}")
        _faultless(watched)


def test_demo_pages_have_no_axe_violation(live_server, watched, settings):
    settings.DEMO = True
    demo_people.ensure(timezone.now())
    target = User.objects.get(username="p.nair").pk
    watched.goto(f"{live_server.url}/sign-in/")
    _faultless(watched)
    _press(watched, "O. Thackray", exact=False)
    watched.goto(f"{live_server.url}/step-up/?next=/people/")
    _faultless(watched)
    _press(watched, "Confirm", exact=False)
    for address in (
        "/people/",
        "/people/new/",
        f"/people/{target}/",
        "/account/",
        "/account/sessions/",
        "/account/keys/",
    ):
        watched.goto(f"{live_server.url}{address}")
        _faultless(watched)
