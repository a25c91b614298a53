"""N-1: fourteen withheld calls are traced to a line, the police are told, and whoever complained learns no name."""

from __future__ import annotations

import base64
import io
import re

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Page, expect

from tests.journeys.office import Office
from tests.journeys.steps import step, unfold, wait_for_state

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(900)]  # the office opens first

TRANSIT, POLICE = "sandbox-transit", "sandbox-constabulary"
CALLER = "+441632960222"
HOME = "8 Saltmarsh Road"


def take_in(page: Page) -> str:
    """Wilhelmina Strake rings and reads her log out: 14 withheld calls of 20 to 22 November."""
    page.goto("/cases/new/trace/")
    if page.locator("[name='people-0-role']").count() == 0:
        page.get_by_role("button", name="Add another person").click()
    page.locator("[name$='line']").first.fill("01632 960111")
    page.locator("[name$='calls']").first.fill(
        "14 calls, number withheld, 20 to 22 November 2026, all after 22:00 GMT."
    )
    page.locator("[name$='call_count']").fill("14")
    page.locator("[name$='harm']").fill("She does not sleep and is afraid.")
    page.locator("[name$='police_reference']").fill("SBX-NC-9")
    said = {"forename": "Wilhelmina", "surname": "Strake", "line_1": HOME, "town": "Truro", "postcode": "TR1 0ZZ"}
    page.locator("[name='people-0-role']").select_option("complainant")
    for name, value in said.items():
        page.locator(f"[name='people-0-{name}']").fill(value)
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    return page.url


def test_withheld_calls_are_traced_and_only_the_police_learn_who_called(office: Office, desk) -> None:
    nair = desk("P. Nair")
    case = take_in(nair)

    # Another person than whoever asked finds it necessary and expedient.
    osei = desk("D. Osei")
    osei.goto(case)
    unfold(osei, "Accept")
    osei.locator("[name='is_expedient']").check()
    step(osei, "Accept")
    nair.goto(case)
    unfold(nair, "Ask the first provider")
    nair.locator("[name='agency']").select_option(TRANSIT)
    step(nair, "Ask the first provider")

    # The provider is told line and times, and answers by a signed call.
    wait_for_state(office, nair, case, "Result held")
    (asked,) = [row["body"]["data"] for row in office.order(TRANSIT)["received"] if row["body"]["type"] == "traceback"]
    assert (asked["to"], asked["from"], asked["hop"]) == ("+441632960111", "withheld", 1)
    expect(nair.locator("main")).to_contain_text("The line that called is found")
    expect(nair.locator("main")).not_to_contain_text("Strake")
    expect(nair.locator("main")).not_to_contain_text(CALLER)

    # The police have it under their reference; nobody else can be chosen but providers.
    osei.goto(case)
    unfold(osei, "Pass the result on")
    offered = osei.locator("[name='recipient'] option").evaluate_all("all => all.map(each => each.value)")
    assert sorted(offered) == ["", POLICE, TRANSIT]
    osei.locator("[name='recipient']").select_option(POLICE)
    osei.locator("[name='interest']").fill("They investigate these calls under SBX-NC-9.")
    step(osei, "Pass the result on")
    if osei.get_by_role("heading", name="Confirm that it is you").count():
        osei.get_by_role("button", name=re.compile("^Confirm")).click()
        osei.get_by_role("button", name="Go on with what I was doing").click()
    osei.wait_for_url(case)
    expect(osei.locator(".head")).to_contain_text("Passed on")

    def told() -> list[dict]:
        received = office.order(POLICE)["received"]
        return [row["body"]["data"] for row in received if row["body"]["type"] == "trace_result"]

    def is_told() -> bool:
        return any(data.get("police_reference") == "SBX-NC-9" and data["to"] == "+441632960111" for data in told())

    office.wait_for(is_told, seconds=60, what="the police to have the result")
    (mine,) = [data for data in told() if data["to"] == "+441632960111"]
    assert (mine["result"], mine["provider"]) == (f"The calls came from {CALLER}.", "Sandbox Transit")

    # Her letter says that it was traced, and nobody's name or number.
    def letters() -> list[dict]:
        posted = [row["body"]["data"] for row in office.order("sandbox-post")["received"]]
        return [each for each in posted if each["addressee"]["line_1"] == HOME]

    office.wait_for(letters, seconds=240, what="the letter to whoever complained")
    (letter,) = letters()
    text = " ".join(extract_text(io.BytesIO(base64.b64decode(letter["content_base64"]))).split())
    assert "We have traced the calls you told us of." in text
    assert "960222" not in text.replace(" ", "")
    assert "Transit" not in text

    reference = re.search(r"TRC-\d{4}-\d{6}", osei.locator(".head").text_content() or "")
    assert reference is not None
    nair.goto(case)
    step(nair, "Close")
    expect(nair.locator(".head")).to_contain_text("Closed")
    verified = office.manage("verify_ledger", reference.group())
    assert verified.returncode == 0, verified.stdout
