"""What the pages do in a browser: by keyboard alone, without script, and with what was revealed."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cases.kernel.background import jobrun, several
from cases.kernel.models import Case, Draft
from cases.ledger.models import AccessEvent
from tests import factories
from tests.browser import crawl

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = "+447700900123"
LOST = "What you typed in another part of this page is not kept yet. Go on and lose it?"


def case_page(case: Case) -> str:
    return reverse("web:case", args=[case.uid])


def test_decision_is_reached_and_a_note_sent_by_keyboard_alone(browser, live_server, people):
    case = factories.ready(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "d.osei", found) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{case_page(case)}")
        page.keyboard.press("d")
        expect(page.locator("#decision")).to_be_focused()
        page.keyboard.press("m")
        page.keyboard.type("I read the call recording, j k n included.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("Note added.")).to_be_visible()
        page.keyboard.press("Control+k")
        page.keyboard.type("approvals")
        page.keyboard.press("Enter")
        page.wait_for_url("**/approvals/")
    assert case.notes.count() == 1
    assert found.complaints == []


def test_shortcuts_can_be_turned_off(browser, live_server, people):
    factories.referred(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.goto(f"{live_server.url}/preferences/")
        page.get_by_label("Single keys act as shortcuts").uncheck()
        page.get_by_role("region", name="How it looks and acts").get_by_role("button", name="Keep").click()
        page.goto(f"{live_server.url}/cases/")
        page.keyboard.press("n")
        page.keyboard.press("j")
        assert page.url.endswith("/cases/")
        assert page.locator(".row.cursor").count() == 0


def test_revealed_value_is_nowhere_before_and_gone_after(browser, live_server, people):
    case = factories.referred(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(live_server.url + case_page(case))
        assert PHONE not in page.content()
        row = page.locator(".pii > div", has_text="Telephone")
        for hide in (_by_button, _by_leaving, _by_printing):
            row.get_by_role("button", name="Reveal Telephone").click()
            row.get_by_label("Why do you need to see this: Telephone?").select_option("verify_identity")
            row.get_by_role("button", name="Show it for a minute").click()
            expect(row.get_by_text(PHONE)).to_be_focused()
            expect(row.locator("[data-left]")).to_have_text(re.compile(r"hides in (1:00|0:5\d)"))
            hide(page)
            expect(row.get_by_text(PHONE)).to_have_count(0)
            assert PHONE not in page.content()
    looked = AccessEvent.objects.filter(verb="reveal", streams=[case.uid])
    assert [event.fields for event in looked] == 3 * [["person-2-phone"]]
    assert found.complaints == []


def _by_button(page) -> None:
    page.get_by_role("button", name="Hide Telephone").click()


def _by_leaving(page) -> None:
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("delete document.hidden")


def _by_printing(page) -> None:
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


def test_work_is_done_without_script(browser, live_server, people):
    case = factories.ready(people)
    context = browser.new_context(java_script_enabled=False)
    with crawl.cookie_of(context, live_server.url, "d.osei"):
        page = context.new_page()
        page.goto(f"{live_server.url}/cases/")
        page.locator("#q").fill(case.reference)
        page.locator("#q").press("Enter")
        assert page.url == live_server.url + case_page(case)
        page.locator("#id_note").fill("Read without script.")
        page.get_by_role("button", name="Add note").click()
        expect(page.get_by_text("Read without script.")).to_be_visible()
        page.get_by_role("button", name="Reveal Telephone").click()
        page.locator("select[name=purpose]").select_option("compare_evidence")
        page.get_by_role("button", name="Show it for a minute").click()
        expect(page.get_by_text(PHONE)).to_be_visible()
        page.goto(live_server.url + case_page(case))
        page.locator("summary", has_text="Approve and file").click()
        form = page.locator("form[action*='/steps/approve/']")
        for number in (1, 2, 3, 4):
            form.locator(f"[name=pillar_{number}][value=yes]").check()
        form.get_by_label("I reviewed who is marked innocent").check()
        form.get_by_role("button", name="Approve and file").click()
        expect(page.get_by_text(f"{case.reference}: approved.")).to_be_visible()
    context.close()
    assert Case.objects.get(pk=case.pk).state == "approved"


def test_whoever_acts_goes_on_where_they_were(browser, live_server, people):
    for _ in range(3):
        factories.referred(people)
    case = factories.investigating(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/?view=unassigned")
        second = page.locator("main tbody tr").nth(1)
        taken = second.locator("code").inner_text()
        second.locator("button.take").press("Enter")
        page.wait_for_selector("text=is yours.")
        assert taken not in page.locator("main tbody").inner_text()
        assert page.locator("main tbody tr").nth(1).locator("a").evaluate("each => each === document.activeElement")
        page.goto(f"{live_server.url}/cases/{case.uid}/")
        assert page.evaluate("document.activeElement === document.body")
        page.locator(".composer textarea").fill("Rang back.")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**#tl-h")
        assert page.locator(".tl", has_text="Rang back.").first.evaluate(
            "each => each.getBoundingClientRect().top < innerHeight"
        )
        page.get_by_role("button", name="Reveal").first.press("Enter")
        page.wait_for_selector("dd select")
        page.keyboard.press("Escape")
        page.wait_for_selector("dd select", state="detached")
        assert page.evaluate("document.activeElement.textContent").startswith("Reveal")


def test_filter_stays_in_the_address_and_back_returns_to_it(browser, live_server, people):
    case = factories.referred(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        page.locator("summary", has_text="Amount").click()
        page.locator("#f-amount").select_option(label="£500 to £5,000")
        page.locator("details[open]").get_by_role("button", name="Filter").click()
        page.wait_for_url("**/cases/?amount=50000-500000")
        page.locator("#rows a").first.click()
        page.wait_for_url(f"**{case_page(case)}")
        page.go_back()
        expect(page.locator(".chip.on")).to_have_text(re.compile("Amount: £500 to £5,000"))


def test_what_is_typed_in_one_form_is_not_lost_by_sending_another_or_by_leaving(browser, live_server, people):
    case = factories.referred(people)
    found, said = crawl.Findings(), []
    answers = iter([False, False, True])

    def answer(dialog) -> None:
        said.append((dialog.type, dialog.message))
        dialog.accept() if next(answers) else dialog.dismiss()

    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(live_server.url + case_page(case))
        page.on("dialog", answer)
        note = page.locator("#id_note")
        note.click()
        page.keyboard.type("The shop confirms it.")
        page.evaluate(crawl.OPEN_ALL)
        other = page.locator("#decision form button:visible").first

        with page.expect_event("dialog"):  # dismissed: the page and what was typed stay
            page.locator("#side a[href='/approvals/']").click()
        expect(note).to_have_value("The shop confirms it.")
        other.click()
        expect(note).to_have_value("The shop confirms it.")
        expect(other).to_be_enabled()
        assert [kind for kind, _ in said] == ["beforeunload", "confirm"]
        assert Case.objects.get(pk=case.pk).state == "referred"
        other.click()
        expect(page.locator(".head .tag").first).not_to_have_text("Referred")
        assert (
            said[1:]
            == [("confirm", "What you typed in another part of this page is not kept yet. Go on and lose it?")] * 2
        )

        # What is sent itself is not asked about, nor is a page on which nothing was typed.
        page.locator("#id_note").fill("The shop confirms it.")
        page.get_by_role("button", name="Add note").click()
        expect(page.get_by_text("Note added.")).to_be_visible()
        page.locator("#side a[href='/approvals/']").click()
        page.wait_for_url("**/approvals/")
    assert (len(said), case.notes.count()) == (3, 1)
    assert found.complaints == []


def test_what_is_there_already_shows_while_a_new_case_is_typed_and_moves_nobody(browser, live_server, people):
    case = factories.referred(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/new/fraud_referral/")
        similar = page.locator("#similar")
        page.locator("[name=people-0-phone]").fill("07700 900123")
        page.locator("[name=people-0-phone]").press("Tab")
        expect(similar.get_by_role("link", name=case.reference)).to_be_visible()
        here = page.evaluate("document.activeElement.name")
        assert here.startswith("people-0-") and here != "people-0-phone"
        person.judge()
        page.locator("[name=people-0-phone]").fill("07700 900999")
        page.locator("[name=people-0-phone]").press("Tab")
        expect(similar.get_by_role("link")).to_have_count(0)
    assert found.complaints == []


def test_typing_counts_as_use_and_an_open_page_does_not(browser, live_server, people):
    """Whoever writes a long note is not signed out in the middle of it; a page that is left open is."""
    case = factories.referred(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.clock.install()
        page.goto(f"{live_server.url}{case_page(case)}")
        rail = page.locator("#rail")

        def settled() -> None:
            # It asks every thirty seconds from when the last answer is in the page. One whose figures nobody has yet
            # asks once as it opens.
            expect(rail).to_have_attribute("hx-trigger", "every 30s")
            expect(page.locator("#rail[data-old]")).to_have_count(0)
            page.clock.run_for(100)

        def asks() -> bool:
            settled()
            rail.evaluate("each => { each.dataset.old = '1' }")
            with page.expect_response("**/counts/") as answered:
                page.clock.run_for(31_000)
            return "x-background" in answered.value.request.headers

        alone = asks()
        page.evaluate(crawl.OPEN_ALL)
        page.locator("#id_note").press_sequentially("He")
        assert (alone, asks(), asks()) == (True, False, True)


def test_a_command_that_there_is_not_is_said_to_be_searched_for(browser, live_server, people):
    factories.referred(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        page.keyboard.press("Control+k")
        page.keyboard.type("Tregaskis")
        expect(page.locator(".palette")).to_contain_text("No command is called so. Enter searches for Tregaskis.")
        page.keyboard.press("Control+a")
        page.keyboard.type("tasks")
        expect(page.locator(".palette .none")).to_be_hidden()
        expect(page.get_by_role("option", name="Go to tasks")).to_be_visible()
        page.keyboard.press("Control+a")
        page.keyboard.type("go to fraud")
        expect(page.get_by_role("option", name="Go to fraud referral")).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{live_server.url}/cases/?kind=fraud_referral")
    assert found.complaints == []


def test_a_reveal_is_cancelled_without_script_too(browser, live_server, people):
    case = factories.referred(people)
    context = browser.new_context(java_script_enabled=False)
    with crawl.cookie_of(context, live_server.url, "a.byrne"):
        page = context.new_page()
        page.goto(live_server.url + case_page(case))
        page.get_by_role("button", name="Reveal Telephone").click()
        page.get_by_role("button", name="Cancel").click()
        assert page.url == live_server.url + case_page(case)
    context.close()
    assert not AccessEvent.objects.filter(verb="reveal").exists()


def test_rows_are_ticked_by_key_by_range_and_all_at_once_and_given_away(browser, live_server, people):
    """Opening a case while rows are ticked asks nothing: nothing was typed. Boxes and bar are not printed."""
    cases = [factories.referred(people) for _ in range(4)]
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        boxes, ticked = page.locator("input[name=case]"), page.locator("[data-ticked]")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(ticked).to_have_text("1 ticked")
        boxes.nth(2).click(modifiers=["Shift"])
        expect(ticked).to_have_text("3 ticked")
        page.emulate_media(media="print")
        expect(boxes.first).not_to_be_visible()
        expect(page.locator("#several")).not_to_be_visible()
        page.emulate_media(media="screen")
        page.locator("tbody a").first.click()
        page.wait_for_url("**/cases/*/")
        page.goto(f"{live_server.url}/cases/")
        page.get_by_role("button", name="All on this page").click()
        expect(ticked).to_have_text("4 ticked")
        page.get_by_label("go to").select_option(label="P. Nair")
        page.get_by_role("button", name="Give", exact=True).click()
        expect(page.get_by_text("4 cases given to P. Nair.")).to_be_visible()
    assert {each.assignee_id for each in Case.objects.filter(pk__in=[case.pk for case in cases])} == {
        people["p.nair"].user_id
    }
    assert found.complaints == []


def test_what_a_page_asks_for_and_does_not_get_is_seen_until_it_works_again(browser, live_server, people):
    factories.referred(people)
    ask = "htmx.ajax('GET', '/counts/', {target: '#rail', swap: 'none'})"
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        trouble = page.locator("#trouble")
        expect(trouble).not_to_be_visible()
        page.context.set_offline(True)
        page.evaluate(f"{ask}.catch(() => 0); 0")
        expect(trouble).to_contain_text("The office does not answer.")
        page.context.set_offline(False)
        page.evaluate(f"{ask}; 0")
        expect(trouble).not_to_be_visible()
        page.evaluate("htmx.ajax('GET', '/cases/take-next/', {target: '#rail', swap: 'none'}).catch(() => 0); 0")
        expect(trouble).to_contain_text("That did not work (405).")


def test_all_of_a_view_is_given_by_keys_in_the_background_and_its_page_says_how_far_it_is(
    browser, live_server, people, monkeypatch
):
    """The panel of an act opens above the bar and Escape closes it; the pages on the way have no axe violation."""
    monkeypatch.setattr(several, "MOST", 2)
    monkeypatch.setattr("cases.web.context.ROWS", ("2",))
    cases = [factories.referred(people) for _ in range(5)]
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(f"{live_server.url}/cases/")
        page.get_by_label("All 5 in this view").check()
        expect(page.locator("[data-ticked]")).to_have_text("The whole view")
        aside = page.locator(".bulk summary", has_text="Put aside")
        aside.press("Enter")
        page.get_by_label("until").press("Escape")
        expect(page.locator(".bulk details[open]")).to_have_count(0)
        expect(aside).to_be_focused()
        page.get_by_label("go to").select_option(label="P. Nair")
        page.get_by_role("button", name="Give", exact=True).press("Enter")
        expect(page.get_by_role("heading", name="5 cases: given to P. Nair")).to_be_visible()
        person.judge()
        page.get_by_label("Reason").fill("Her desk has the shops now.")
        page.get_by_role("button", name="Give 5 cases").press("Enter")
        expect(page.get_by_text("0 of 5").or_(page.get_by_text("Finding out what there is to do"))).to_be_visible()
        jobrun.work(clock=timezone.now, seconds=60)
        expect(page.get_by_text("5 of 5")).to_be_visible()
        person.judge()
    assert {each.assignee_id for each in Case.objects.filter(pk__in=[case.pk for case in cases])} == {
        people["p.nair"].user_id
    }
    assert found.complaints == []


def test_what_was_typed_is_there_after_the_browser_was_closed_and_goes_once_it_is_sent(browser, live_server, people):
    """Kept while one types, for the typist alone; put back by keyboard into the form it was typed into."""
    case = factories.referred(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.clock.install()
        page.goto(live_server.url + case_page(case))
        page.locator("#id_note").press_sequentially("She rang at noon.")
        with page.expect_response("**/drafts/") as answered:
            page.clock.run_for(4_100)
        assert answered.value.status == 204
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        page.goto(live_server.url + case_page(case))
        person.judge()
        page.get_by_role("button", name="Put it back").press("Enter")
        expect(page.locator("#id_note")).to_have_value("She rang at noon.")
        expect(page.locator("#id_note")).to_be_focused()
        expect(page.locator("#draft")).to_have_count(0)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("Note added.")).to_be_visible()
        expect(page.locator("#draft")).to_have_count(0)
    assert case.notes.count() == 1 and not Draft.objects.exists()
    assert found.complaints == []


def test_single_keys_open_holds_and_assigning_go_back_in_the_queue_and_two_go_to_a_page(browser, live_server, people):
    first, second = sorted((factories.referred(people) for _ in range(2)), key=lambda case: (case.due_at, case.pk))
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as person:
        page = person.page
        for key, lands in (
            ("h", f"{case_page(second)}holds/"),
            ("i", f"{case_page(second)}assign/"),
            ("[", case_page(first)),
        ):
            page.goto(live_server.url + case_page(second))
            page.keyboard.press(key)
            page.wait_for_url(live_server.url + lands)
        page.keyboard.press("g")
        page.keyboard.press("a")
        page.wait_for_url("**/approvals/")
        page.keyboard.press("a")
        page.keyboard.press("g")
        page.keyboard.press("m")
        page.wait_for_url(f"{live_server.url}/")
    assert found.complaints == []
