"""L-1 in a browser with its own dates: the portal's request, a number that changed hands, an excess day, a sheet that
says too much, 412 rows under a manifest, the receipt, and a subject access request that shows nothing of it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from cases.agencies.provision import new_inbound_key
from cases.api import authentication
from cases.disclosure.models import DisclosureError
from cases.kernel import intake
from cases.kernel.models import Case, OutboxMessage
from cases.ledger import sealing
from cases.rights import access
from tests import disclosures, factories
from tests import requests_of_people as rights
from tests.api.caller import post, signed
from tests.browser import crawl

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MONDAY = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
NUMBER = "+447700900789"
ASKED = {
    "schema_version": 1,
    "request_type": "cd_authorised",
    "authority_kind": "police",
    "urn": "SBX/2026/118834",
    "grade": 3,
    "gateway": "ipa_60a",
    "purpose": "crime_applicable",
    "is_serious_crime": True,
    "granted_date": "2026-11-30",
    "items": ["subscriber_name", "outgoing_calls"],
    "begins_at": "2026-11-01T00:00Z",
    "ends_at": "2026-11-14T23:59Z",
    "asked_by": "DC R. Hallworth",
    "authoriser": "Office of the Commissioner",
    "is_compliance_required": True,
    "about": [{"phone": NUMBER}],
}


class Watch:
    """The clock of the office, in the hand of the scenario."""

    def __init__(self, monkeypatch) -> None:
        self.now = MONDAY
        watch = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return watch.now

        monkeypatch.setattr(authentication, "datetime", Clock)
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)


def pdf(words: str) -> bytes:
    return b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n% " + words.encode() + b"\ntrailer <</Root 1 0 R>>\n%%EOF\n"


def rows_of(start: datetime, count: int, *more: str) -> str:
    text = io.StringIO()
    lines = [f"{start + timedelta(minutes=10) * place:%Y-%m-%dT%H:%M:%SZ}" for place in range(count)]
    table = [("outgoing_calls", NUMBER, at, "+447700900111") for at in (*lines, *more)]
    csv.writer(text, lineterminator="\n").writerows([("item", "address", "at", "to"), *table])
    return text.getvalue()


class Desk:
    """One person at the pages of the request."""

    def __init__(self, page, url: str, case: Case) -> None:
        self.page, self.at = page, f"{url}/cases/{case.uid}/"
        page.set_default_timeout(10_000)
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def step(self, name: str, **typed) -> None:
        """Take a step at the case's page: texts are filled in, lists and True are ticked."""
        self.page.goto(self.at)
        self.page.evaluate(crawl.OPEN_ALL)
        form = self.page.locator(f"#decision form[action$='/steps/{name}/']")
        for field, value in typed.items():
            box = form.locator(f"[name='{field}']")
            if value is True:
                box.check()
            elif isinstance(value, list):
                for each in value:
                    form.locator(f"[name='{field}'][value='{each}']").check()
            elif box.evaluate("each => each.tagName") == "SELECT":
                box.select_option(value)
            else:
                box.fill(value)
        self._press(form.get_by_role("button").last)

    def _press(self, button) -> None:
        with self.page.expect_navigation():
            button.click()

    def stands(self, label: str) -> None:
        self.page.goto(self.at)
        expect(self.page.locator(".head .tag").first).to_have_text(label)

    def opens_each(self) -> None:
        """Open every file of the package that the page links to."""
        links = self.page.locator("main a[href*='/package/files/']").evaluate_all("all => all.map(each => each.href)")
        for link in dict.fromkeys(links):
            assert self.page.request.get(link).ok

    def says(self, sentence: str) -> None:
        expect(self.page.locator("main")).to_contain_text(sentence)

    def package(self, tail: str, **typed: str) -> None:
        """Send one form of the package's page."""
        self.page.goto(f"{self.at}package/")
        form = self.page.locator(f"form[action$='/package/{tail}']")
        for field, value in typed.items():
            box = form.locator(f"[name='{field}']").first
            if box.evaluate("each => each.tagName") == "SELECT":
                box.select_option(value)
            elif box.get_attribute("type") == "checkbox":
                form.locator(f"[name='{field}'][value='{value}']").check()
            else:
                box.fill(value)
        self._press(form.get_by_role("button"))

    def reasons(self, item: str) -> None:
        self.package(f"reasons/{item}/", **disclosures.TEXTS, minimised="only_items")

    def table(self, rows: str, subject: str = "") -> None:
        self.package("files/", item="outgoing_calls", media_type="text/csv", content=rows, subject=subject)

    def sheet(self, words: str, subject: str) -> None:
        """Take a PDF in as a document, have it scanned, and put it in."""
        self.page.goto(f"{self.at}documents/")
        self.page.locator("select[name='kind']").select_option("extract")
        upload = {"name": f"subscriber-{subject}.pdf", "mimeType": "application/pdf", "buffer": pdf(words)}
        self.page.locator("input[type='file']").set_input_files(upload)
        self._press(self.page.locator("form[enctype]").get_by_role("button", name="Attach"))
        factories.scan()
        number = str(Case.objects.get(kind=disclosures.KIND).evidence.latest("number").number)
        self.package("documents/", document=number, item="subscriber_name", subject=subject)

    def take_out(self, number: int) -> None:
        self.page.goto(f"{self.at}package/")
        button = self.page.locator(f"form[action$='/package/files/{number}/remove/'] button")
        expect(button).to_be_hidden()  # one slip of the mouse destroys nothing
        self.page.locator("details", has=button).locator("summary").click()
        self._press(button)


def test_l_1_from_the_portal_to_the_receipt_by_the_pages(live_server, browser, monkeypatch):
    watch = Watch(monkeypatch)
    people = factories.office()
    disclosures.enter(people)
    disclosures.desk(people, at=factories.AT, code="portal", method="portal_identity")
    secret = new_inbound_key(disclosures.AUTHORITY, actor=factories.job(), at=factories.AT)
    body = json.dumps(ASKED).encode()
    headers = signed(secret, "portal-1", body, at=MONDAY.timestamp()) | {"webhook-sender": disclosures.AUTHORITY}
    assert post("/api/v1/intake/disclosure-requests/", body, headers).status_code == 202
    case = Case.objects.get(kind=disclosures.KIND)
    assert case.opened_at == MONDAY

    def context():
        return browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")

    mine, other = context(), context()
    with crawl.cookie_of(mine, live_server.url, "k.mistry"), crawl.cookie_of(other, live_server.url, "e.hallam"):
        officer = Desk(mine.new_page(), live_server.url, case)
        approver = Desk(other.new_page(), live_server.url, case)

        # Authenticated by the portal's own signature; valid to the end of Tuesday 29 December.
        watch.now = MONDAY + timedelta(minutes=15)
        officer.step("verify", contact="portal")
        assert case.clocks.get(rule="k01_authorisation").due_date == date(2026, 12, 29)
        officer.step("validate", is_ours=True)
        officer.step("extract")
        officer.stands("Being taken out")

        # The number was assigned anew on 6 November.
        watch.now = MONDAY + timedelta(hours=1)
        for item in ("subscriber_name", "outgoing_calls"):
            officer.reasons(item)
        officer.package(
            "holders/", address=NUMBER, subject="A", begins_at="2024-05-02T00:00Z", ends_at="2026-11-06T00:00Z"
        )
        officer.package("holders/", address=NUMBER, subject="B", begins_at="2026-11-06T00:00Z")
        officer.sheet("Subscriber A", "A")
        officer.sheet("Subscriber B, and how B pays", "B")

        # One file for both is refused; so is the day that nobody asked for.
        officer.table(rows_of(datetime(2026, 11, 2, tzinfo=UTC), 4))
        officer.step("submit", checked=disclosures.CHECKED)
        officer.says("the address changed hands. Make a file for each subscriber, and say whose it is.")
        officer.take_out(3)
        officer.table(rows_of(datetime(2026, 11, 1, tzinfo=UTC), 150), "A")
        mine_of_b = datetime(2026, 11, 6, 8, tzinfo=UTC)
        officer.table(rows_of(mine_of_b, 262, "2026-11-15T07:00:00Z"), "B")
        officer.step("submit", checked=disclosures.CHECKED)
        officer.says("1 row too many. The file holds days outside the period: 15 November 2026.")
        officer.stands("Being taken out")
        officer.take_out(5)
        officer.table(rows_of(mine_of_b, 262), "B")
        officer.step("submit", checked=disclosures.CHECKED)
        officer.stands("With a second person")

        # No guard reads a PDF. The second person does: recordable error 1 of this case.
        approver.step("return", fault="excess_data", difference="The sheet of B says how B pays. Nobody asked.")
        error = DisclosureError.objects.get(case=case)
        assert (error.number, error.kind, error.is_ours) == (1, "recordable", True)
        officer.take_out(2)
        officer.sheet("Subscriber B", "B")
        officer.step("submit", checked=disclosures.CHECKED)

        # The approver compares and releases 412 rows under one manifest.
        watch.now = MONDAY + timedelta(hours=3)
        approver.page.goto(f"{approver.at}package/")
        approver.says("412 rows that a machine can read")
        approver.opens_each()
        approver.step("release", compared=disclosures.COMPARED)
        approver.stands("Released")
        sent = factories.body_of(OutboxMessage.objects.get(case=case, kind="le_result"))
        assert sorted(part["rows"] or 0 for part in sent["manifest"]["parts"]) == [0, 0, 150, 262]
        assert re.fullmatch("[0-9a-f]{64}", sent["manifest"]["sha256"])

    # Receipt on Tuesday 1 December. A page left open asks by itself, and its answer would bring Monday's session back.
    officer.page.close()
    approver.page.close()
    watch.now = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    with crawl.cookie_of(mine, live_server.url, "k.mistry"):
        tuesday = Desk(mine.new_page(), live_server.url, case)
        tuesday.step("confirm_receipt", how="Portal, SPoC 4417.")
        tuesday.stands("Received by them")
    assert officer.faults + approver.faults + tuesday.faults == []
    mine.close()
    other.close()
    _nothing_is_shown_to_subscriber_a(people, case)


def _nothing_is_shown_to_subscriber_a(people, case) -> None:
    """On 3 December A asks what we hold: the pack says nothing of the request."""
    at = datetime(2026, 12, 3, 10, 0, tzinfo=UTC)
    person = {"role": "person", "values": {"forename": "Osian", "surname": "Marchbanks", "phone": NUMBER}}
    officer = people[rights.OFFICER]
    facts = {"right": "access", "came_by": "letter"}
    asked = intake.open_case(rights.REQUEST, actor=officer, at=at, facts=facts, people=[person])
    reader = sealing.Reader(actor=officer.label, verb="report", purpose="subject_access", streams=(asked.uid,))
    said = str(access.write(asked, reader, at))
    assert NUMBER in said
    for word in (case.reference, "118834", "Constabulary", "Hallworth", "disclosure", "police"):
        assert word not in said
