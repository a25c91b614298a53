"""F-1: a SIM swap takes over a line. Told end to end: maker, checker, agency, correction, victim's letter, report."""

from __future__ import annotations

import re

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Page, expect

from tests.journeys.office import Office
from tests.journeys.steps import step, unfold, wait_for_state

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(900)]  # the office opens first

REGISTER = "sandbox-fraud-register"
PILLARS = (1, 2, 3, 4)


def fill_person(page: Page, number: int, **fields: str | bool) -> None:
    for name, value in fields.items():
        box = page.locator(f"[name='people-{number}-{name}']")
        if isinstance(value, bool):
            box.set_checked(value)
        elif box.evaluate("each => each.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)


def open_referral(page: Page) -> str:
    page.goto("/cases/new/fraud_referral/")
    if page.locator("[name='people-1-role']").count() == 0:
        page.get_by_role("button", name="Add another person").click()
    page.locator("[name$='fpa_case_type']").select_option("facility_takeover")
    page.locator("[name='reasons'][value='unauth_sim_swap']").check()
    page.locator("[name$='product']").select_option("mob_paym")
    page.locator("[name$='sales_channel']").select_option("phone")
    page.locator("[name$='discovered_date']").fill("2026-11-14")
    page.locator("[name$='value_at_risk']").fill("1099.00")
    page.locator("[name$='account_reference']").first.fill("NM-4471")
    page.locator("[name$='notice_version']").fill("2026-02")
    page.locator("[name$='notice_shown_date']").fill("2026-03-02")
    page.locator("[name$='narrative']").fill("Caller passed security, swapped the SIM and ordered a handset.")
    fill_person(
        page,
        0,
        role="third_party_fraudster",
        alias="Morwenna Tregaskis",
        ip_address="203.0.113.45",
        ip_port="51514",
        ip_seen_at="2026-11-13T21:02:00Z",
        address_kind="delivery",
        line_1="Unit 4, 77 Fiction Way",
        town="Leeds",
        postcode="LS1 0ZZ",
    )
    fill_person(
        page,
        1,
        role="victim_of_takeover",
        is_innocent=True,
        forename="Morwenna",
        surname="Tregaskis",
        phone="+447700900123",
        email="m.tregaskis@example.org",
        address_kind="current",
        line_1="12 Harbour Row",
        town="Penzance",
        postcode="TR18 0ZZ",
    )
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    return page.url


def attach(page: Page, case: str, kind: str, name: str, text: str) -> None:
    page.goto(f"{case}documents/")
    page.locator("select[name='kind']").select_option(kind)
    upload = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    page.locator("input[type='file']").set_input_files(upload)
    page.locator("form[enctype]").get_by_role("button", name="Attach").click()
    expect(page.locator(".files")).to_contain_text(name)


def send_for_approval(page: Page, case: str) -> None:
    page.goto(case)
    unfold(page, "Send for approval")
    for pillar in PILLARS:
        page.locator(f"[name='pillar_{pillar}'][value='yes']").check()
        page.locator(f"[name='evidence_{pillar}']").first.check()
    step(page, "Send for approval")
    expect(page.locator(".head")).to_contain_text("Awaiting approval")


def approve(page: Page, case: str) -> None:
    page.goto(case)
    unfold(page, "Approve and file")
    for pillar in PILLARS:
        page.locator(f"[name='pillar_{pillar}'][value='yes']").check()
    page.locator("[name='has_reviewed_innocent']").check()
    step(page, "Approve and file")
    if page.get_by_role("heading", name="Confirm that it is you").count():
        page.get_by_role("button", name=re.compile("^Confirm")).click()
        page.get_by_role("button", name="Go on with what I was doing").click()
    page.wait_for_url(case)
    expect(page.locator(".head")).not_to_contain_text("Awaiting approval")


def test_sim_swap_takeover_is_filed_after_the_agencys_correction(office: Office, desk) -> None:
    office.order(REGISTER, occurred_at="2026-11-16T11:00:00Z")
    byrne = desk("A. Byrne")
    case = open_referral(byrne)
    reference = re.search(r"FRD-\d{4}-\d{6}", byrne.locator(".head").text_content() or "")
    assert reference is not None

    # The maker prepares, and is refused as checker although she holds that role as well.
    step(byrne, "Take into triage")
    step(byrne, "Accept for investigation")
    attach(byrne, case, "call_recording", "call.txt", "Recording of 13 November.")
    attach(byrne, case, "document", "courier-log.txt", "Stopped in transit.")
    attach(byrne, case, "device_log", "ip-log.txt", "203.0.113.45")
    send_for_approval(byrne, case)
    byrne.goto(case)
    assert byrne.locator("#decision").get_by_role("button", name="Approve and file", exact=True).count() == 0
    expect(byrne.locator("#decision")).to_contain_text("You prepared this case. Another person must decide.")

    # A second person approves; the agency names a field; the correction voids the approval.
    osei = desk("D. Osei")
    approve(osei, case)
    wait_for_state(office, osei, case, "Returned by agency")
    expect(osei.locator("main")).to_contain_text("SUBJECT_2_MISSING_DOB_FORMAT")
    byrne.goto(case)
    step(byrne, "Correct the filing")
    byrne.goto(f"{case}people/2/")
    byrne.locator("[name$='date_of_birth']").fill("1984-03-09")
    byrne.locator("main form").get_by_role("button").first.click()
    byrne.wait_for_load_state()
    send_for_approval(byrne, case)
    approve(osei, case)

    # Filed: reference, expiry of each marker, a letter to the victim and to nobody else.
    wait_for_state(office, osei, case, "Filed")
    expect(osei.locator("main")).to_contain_text("SFR-2026-0004417")
    expect(osei.locator("main")).to_contain_text("16 November 2032")
    expect(osei.locator("main")).to_contain_text("16 December 2027")
    sent = office.order(REGISTER)["received"]
    people = [(row["status"], row["body"]["data"].get("subjects") or [0]) for row in sent]
    mine = [(status, first) for status, (first, *_) in people if isinstance(first, dict)]
    mine = [status for status, first in mine if first.get("alias") == "Morwenna Tregaskis"]
    assert mine == [422, 202]

    def letters() -> list[dict]:
        posted = [row["body"]["data"]["addressee"] for row in office.order("sandbox-post")["received"]]
        return [each for each in posted if each["line_1"] in {"12 Harbour Row", "Unit 4, 77 Fiction Way"}]

    office.wait_for(letters, seconds=240, what="the letter to the victim")
    assert [(each["name"], each["postcode"]) for each in letters()] == [("Morwenna Tregaskis", "TR18 0ZZ")]

    # The story is printed and the ledger verifies.
    osei.goto(case)
    osei.get_by_role("link", name="Report").or_(osei.get_by_role("button", name="Report")).first.click()
    expect(osei.locator("#report")).to_contain_text("Ready", timeout=90_000)
    printed = office.home.parent / "report.pdf"
    command = office.manage("audit_report", reference.group(), "-o", str(printed))
    assert command.returncode == 0, command.stderr
    assert printed.read_bytes().startswith(b"%PDF-1.7")
    story = extract_text(printed)
    assert "Became void" in story
    assert "SUBJECT_2_MISSING_DOB_FORMAT" in story
    verified = office.manage("verify_ledger", reference.group())
    assert verified.returncode == 0, verified.stdout
