"""The three edge cases that harm most when a page is wrong (domain.md §2.11), told in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from cases.fraud.models import FraudReferral
from cases.kernel.models import Case
from tests.browser import crawl
from tests.journeys.scene import ALERT, FPA, FRAUDSTER, POLICE, VICTIM, Scene, at
from tests.journeys.test_edge_cases import N11, clocks, flags, subjects
from tests.journeys.test_sim_swap import step, unfold

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Sit = Callable[[str, str], Page]


@pytest.fixture
def sit(browser: Any, live_server: Any) -> Iterator[Sit]:
    """Return a way to open a page as somebody; a console error or a policy violation on any of them fails the test."""
    found, seats = crawl.Findings(), dict[str, Any]()
    with ExitStack() as open_seats:

        def open_page(name: str, path: str) -> Page:
            if name not in seats:
                seats[name] = open_seats.enter_context(crawl.person(browser, live_server.url, name, found)).page
            seats[name].goto(live_server.url + path)
            return seats[name]

        yield open_page
    assert found.complaints == []


def fill(page: Page, **typed: str | bool | list[str]) -> None:
    """Fill in fields of the form that is sent by the page's own button."""
    for name, value in typed.items():
        box = page.locator(f"main form [name='{name}']").first
        if isinstance(value, bool):
            box.set_checked(value)
        elif box.evaluate("each => each.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(str(value))


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name).click()
    page.wait_for_load_state()


def may_not(page: Page, name: str, why: str) -> None:
    """The page offers no such step and says why."""
    assert page.locator("#decision").get_by_role("button", name=name, exact=True).count() == 0
    expect(page.locator("#decision .refusals li", has_text=name).first).to_contain_text(why)


def finish_task(page: Page, label: str, reason: str) -> None:
    entry = page.locator(".tasks li", has_text=label)
    entry.locator("summary").click()
    entry.locator("[name='reason']").fill(reason)
    entry.get_by_role("button", name="Close the task").click()
    page.wait_for_load_state()


def forged(scene: Scene, case: Case, name: str, by: str) -> str:
    """Post a step that the page does not offer, and see that nothing is written."""
    with scene.nothing_written():
        answer = scene.client(by).post(reverse("web:step", args=[case.uid, name]), {"reason": "Because."})
    assert answer.status_code == 409
    return str(answer.content.decode())


def test_a_victim_who_was_filed_as_the_principal_is_put_right(scene: Scene, sit: Sit) -> None:
    kind = {"fpa_case_type": "identity_fraud", "reasons": ["current_address_impersonation"]}
    case = scene.filed({**VICTIM, "role": "applicant", "is_innocent": False}, **kind)
    scene.step(case, "report_to_police", "d.osei", people=["1"], documents=["1"], story_holds="no")
    scene.deliver()
    assert (flags(case), scene.posted()) == ([("warning", 1)], [])

    # She objects; the rights officer says why she reads the case and enters it.
    page = sit("i.sowande", at("case", case))
    page.locator("[name='purpose'][value='complaint']").check()
    page.locator(f"form[action='{at('purpose', case)}'] button").click()
    page.wait_for_url(f"**{at('case', case)}")
    unfold(page, "Record a dispute")
    fill(page, grounds="not_me", subject="1")
    step(page, "Record a dispute")
    expect(page.locator(".head")).to_contain_text("Disputed")

    # The caseworker corrects who did what; who approved the filing does not judge it.
    page = sit("p.nair", at("edit_facts", case))
    fill(page, fpa_case_type="victim_of_impersonation")
    press(page, "Save")
    page = sit("p.nair", at("edit_person", case, 1))
    fill(page, role="victim_of_impersonation", is_innocent=True)
    press(page, "Save")
    may_not(sit("d.osei", at("case", case)), "Amend the disputed filing", "You decided on this case before")
    assert "You decided on this case before." in forged(scene, case, "amend_disputed", "d.osei")
    page = sit("a.byrne", at("case", case))
    step(page, "Amend the disputed filing")
    expect(page.locator(".head")).to_contain_text("Filed")
    scene.deliver()

    case.refresh_from_db()
    assert (case.state, flags(case), scene.tasks(case)) == ("filed", [], [])
    assert clocks(case, "k24_adverse") == [(1, "cancelled", date(2032, 11, 16))]
    assert clocks(case, "k24_victim") == [(1, "running", date(2027, 12, 16))]
    assert scene.kinds(FPA) == ["fpa_file", "fpa_dispute", "fpa_amend"]
    assert subjects(scene.told(FPA)[-1][1]) == [(1, "victim_of_impersonation", True)]
    assert scene.kinds(POLICE) == ["report_fraud", "report_fraud", "correction_amended"]
    assert subjects(scene.told(POLICE)[1][1]) == [(1, "victim_of_impersonation", True)]
    assert sorted(scene.letters(case)) == [("n11", 1, "rendered"), ("n18", 1, "rendered")]
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"] * 2
    assert "corrected it." in scene.text_of(case, "n18")
    story = scene.story(case)
    assert story.index("fraud_referral.dispute") < story.index("fraud_referral.amend_disputed")


def test_breathing_space_stops_letters_but_no_filing_and_the_adviser_is_asked(scene: Scene, sit: Sit) -> None:
    customer = {**VICTIM, "role": "account_holder", "is_innocent": False}
    kind = {"fpa_case_type": "misuse_of_facility", "reasons": ["never_pay_handset"], "loss": "1099.00"}
    case = scene.investigated(customer, **kind)
    page = sit("p.nair", at("holds", case))
    fill(page, kind="breathing_space", source="adviser", reference="BS-7731", began="2026-11-16", person="1")
    fill(page, reason="Notice of the moratorium service.")
    press(page, "Hold the case")
    expect(page.locator("main")).to_contain_text("Contact, Recording a default, Enforcement")
    assert clocks(case, "k14_ask_review") == [(1, "running", date(2026, 12, 5))]

    # The hold stops no filing: a debt made by fraud is not eligible.
    scene.approved(case)
    scene.deliver()
    assert scene.say(FPA, "fpa.filed", case, "fpa_file", "SFR-2026-0004417") == "applied"
    scene.dispute(case, grounds="paid", subject="1")
    scene.step(case, "uphold", "a.byrne", reason="Nothing was ever paid.")
    scene.deliver()
    assert scene.kinds(FPA) == ["fpa_file", "fpa_dispute", "fpa_dispute"]
    assert (scene.letters(case), scene.posted()) == ([("n17", 1, "due")], [])
    assert scene.tasks(case) == ["fraud_ask_review", "letter_held"]

    asked = "ask the money adviser to review it"
    page = sit("p.nair", at("case", case))
    expect(page.locator(".tasks li", has_text=asked)).to_contain_text("not eligible")
    with scene.nothing_written():
        finish_task(page, asked, " ")
    expect(page.locator("main")).to_contain_text("Say what was done")
    page = sit("p.nair", at("case", case))
    finish_task(page, asked, "Asked the adviser, BS-7731, for a review: the handset was got by fraud.")
    expect(page.locator("main")).to_contain_text("The task is done.")
    assert clocks(case, "k14_ask_review") == [(1, "met", date(2026, 12, 5))]

    # The adviser ends it; two people release the hold, and the answer goes out.
    page = sit("p.nair", at("holds", case))
    page.get_by_text("Propose to release it").click()
    page.locator("details[open] [name='reason']").fill("The adviser took the debt out.")
    press(page, "Propose release")
    page = sit("d.osei", at("case", case))
    page.locator("#decision button[value='agreed']").click()
    expect(page.locator("main")).to_contain_text("You agreed.")
    scene.deliver()
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"]
    assert {"hold.entered", "letter.held", "task.closed", "letter.rendered"} <= set(scene.story(case))


def test_a_product_given_back_takes_the_filing_down(scene: Scene, sit: Sit) -> None:
    case = scene.filed(FRAUDSTER, VICTIM, alert_code="fraud")
    page = sit("p.nair", at("edit_facts", case))
    fill(page, is_reinstated=True, loss="5.00")
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("The product was given back: the filing must be removed")
    assert FraudReferral.objects.get(case=case).reasons == ["unauth_sim_swap"]  # though two kinds of filing offer it
    task = case.tasks.get(kind="fraud_must_remove")
    assert (task.due_at.date(), task.closed_at) == (date(2026, 11, 17), None)

    # The fourth pillar is gone: nothing but a removal is left.
    page = sit("d.osei", at("case", case))
    assert page.locator("#decision").get_by_role("button", name="Amend the filing", exact=True).count() == 0
    assert "so the fourth pillar does not hold" in forged(scene, case, "amend", "d.osei")
    unfold(page, "Remove the filing")
    fill(page, reason_code="new_evidence")
    step(page, "Remove the filing")
    expect(page.locator(".head")).to_contain_text("Being removed")
    page = sit("d.osei", at("case", case))
    assert page.locator("#decision button[value='confirmed']").count() == 0  # not by who did it
    page = sit("a.byrne", at("case", case))
    page.locator("#decision button[value='confirmed']").click()
    expect(page.locator("main")).to_contain_text("Confirmed.")
    scene.deliver()
    assert clocks(case, "removal_transmission") == [(None, "met", date(2026, 11, 17))]
    assert scene.say(FPA, "fpa.removed", case, "fpa_remove") == "applied"
    assert scene.say(ALERT, "correction.acknowledged", case, "correction_removed") == "applied"
    scene.deliver()

    case.refresh_from_db()
    assert (case.state, flags(case), scene.tasks(case)) == ("removed", [], [])
    assert scene.told(FPA)[-1] == ("fpa_remove", {"filing_reference": "SFR-2026-0004417", "reason": "new_evidence"})
    assert scene.kinds(ALERT) == ["alert_upload", "correction_removed"]
    assert {state for _, state, _ in clocks(case, "k24_adverse") + clocks(case, "k24_victim")} == {"cancelled"}
    assert scene.letters(case) == [N11, ("n19", 2, "rendered")]  # to her who had been written to, and to nobody else
    assert scene.posted() == ["Morwenna Tregaskis, 12 Harbour Row"] * 2
    assert "fraud_referral.confirm_removal" in scene.story(case)
