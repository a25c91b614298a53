"""How pages look where only a browser knows: on paper, and two things side by side."""

from io import BytesIO

import pytest

from cases.kernel import actors, record, tasks
from tests import factories, placements
from tests.browser import crawl
from tests.browser.test_accessibility import _redacted
from tests.fraud.told import hear_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A4_WIDTH = 794  # points of a page 210 mm wide, as browsers print
EDGES = "each => each.map(one => Math.round(one.getBoundingClientRect().{}))"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_icon_is_seen_in_the_colour_of_its_text_and_nothing_is_heard_of_it(browser, live_server, scheme):
    from PIL import Image

    factories.office()
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        person.page.emulate_media(color_scheme=scheme)
        person.page.goto(f"{live_server.url}/cases/")
        place = person.page.locator(".item[href='/cases/']")
        picture = Image.open(BytesIO(place.locator("i").screenshot())).convert("L")
        ground, (darkest, lightest) = picture.getpixel((0, 0)), picture.getextrema()
        assert lightest - darkest > 60, "its lines are seen"
        assert 0.05 < sum(picture.histogram()[each] for each in range(256) if abs(each - ground) > 60) / 18**2 < 0.5
        assert place.aria_snapshot() == '- link "Team queue 0":\n  - /url: /cases/'


def test_a_wide_table_is_whole_on_paper(browser, live_server):
    people = factories.office()
    placements.active(people)
    with crawl.person(browser, live_server.url, placements.MANAGER, crawl.Findings()) as person:
        page = person.page
        page.set_viewport_size({"width": A4_WIDTH, "height": 1123})
        page.goto(f"{live_server.url}/debt/performance/")
        cells = page.locator(".scroll th")
        assert max(cells.evaluate_all(EDGES.format("right"))) > A4_WIDTH
        page.emulate_media(media="print")
        assert max(cells.evaluate_all(EDGES.format("right"))) <= A4_WIDTH
        assert page.evaluate("document.documentElement.scrollHeight") <= 1123


def test_a_redacted_copy_and_its_original_are_equally_wide(browser, live_server):
    people = factories.office()
    address = _redacted(people)
    with crawl.person(browser, live_server.url, "k.mistry", crawl.Findings()) as person:
        person.page.goto(f"{live_server.url}{address}")
        (one, other) = person.page.locator(".beside > section").evaluate_all(EDGES.format("width"))
        assert abs(one - other) <= 1
        person.page.set_viewport_size({"width": 400, "height": 900})
        assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_messages_of_an_agency_fit_beside_its_terms(browser, live_server):
    factories.filed(factories.office())
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        person.page.goto(f"{live_server.url}/agencies/sandbox-fraud-register/")
        table = person.page.locator(".scroll:has(caption)").first
        assert table.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert "Filing to the fraud prevention agency" in table.inner_text()


@pytest.mark.parametrize("path", ["/cases/", "/tasks/?view=all", "case"])
def test_a_page_on_paper_begins_on_its_first_sheet_and_shows_nothing_to_press(browser, live_server, path):
    people = factories.office()
    case = factories.ready(people)
    for _ in range(30):
        factories.investigating(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.set_viewport_size({"width": 700, "height": 1000})
        page.goto(f"{live_server.url}/cases/{case.uid}/" if path == "case" else f"{live_server.url}{path}")
        page.emulate_media(media="print")
        shown = page.locator("main :is(button, a.btn, textarea, summary, .composer, .quietly)").evaluate_all(
            "each => each.filter(one => one.getClientRects().length).map(one => one.outerHTML.slice(0, 80))"
        )
        assert shown == []
        kept = page.locator(".card").evaluate_all(
            "each => each.filter(one => one.querySelector('table')).map(one => getComputedStyle(one).breakInside)"
        )
        assert "avoid" not in kept
        assert page.locator("main").evaluate("each => each.scrollWidth <= innerWidth")


def test_a_queue_on_paper_names_the_agency_and_no_title_is_cut(browser, live_server):
    people = factories.office()
    factories.filed(people)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.set_viewport_size({"width": 700, "height": 1000})
        page.goto(f"{live_server.url}/cases/?view=waiting")
        page.emulate_media(media="print")
        assert page.locator("td.opt2", has_text="Sandbox Fraud Register").is_visible()
        title = page.locator(".queue .subject a").first
        assert title.evaluate("each => each.scrollWidth <= each.clientWidth")
        size = "each => parseFloat(getComputedStyle(each).fontSize)"
        assert page.locator(".queue .tag").first.evaluate(size) <= title.evaluate(size)


def test_what_agencies_told_is_read_on_a_telephone_with_due_and_decision(browser, live_server):
    people = factories.office()
    hear_of(
        factories.filed(people), "fpa.match", their_reference="M-1", member="Fictional Bank", matched_on=["address"]
    )
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{live_server.url}/incoming/")
        table = page.locator(".scroll:has(caption)")
        assert table.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert page.get_by_text("To decide").last.is_visible()
        assert page.locator("th .mono").first.evaluate("each => each.getClientRects().length") == 1
        page.goto(f"{live_server.url}/agencies/")
        assert page.locator(".scroll:has(caption)").evaluate("each => each.scrollWidth <= each.clientWidth")


def test_no_task_looks_chosen_and_asides_do_not_come_before_the_case(browser, live_server):
    people = factories.office()
    case = factories.investigating(people)
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=factories.AT):
        tasks.raise_task("fraud_enquiry", case=case, at=factories.AT)
    with crawl.person(browser, live_server.url, "a.byrne", crawl.Findings()) as person:
        page = person.page
        page.goto(f"{live_server.url}/tasks/?view=all")
        assert (
            page.locator(".row td").first.evaluate("each => getComputedStyle(each).backgroundColor")
            == "rgba(0, 0, 0, 0)"
        )
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{live_server.url}/cases/{case.uid}/")
        top = "each => each.getBoundingClientRect().top"
        assert page.locator(".quietly").first.evaluate(top) > page.locator("#tl-h").evaluate(top)


def tasks_of(case):
    """Have people asked to do something about a case."""
    with record.act(case, "tests.asked", actor=actors.system("tests"), at=factories.AT):
        tasks.raise_task("message_dead", case=case, at=factories.AT, agency="sandbox-fraud-register")


@pytest.mark.parametrize("width", [1440, 1100, 400])
@pytest.mark.parametrize("path", ["/cases/", "/approvals/", "/tasks/?view=all"])
def test_no_title_of_a_list_is_cut_and_its_rows_begin_one_below_the_other(browser, live_server, path, width):
    people = factories.office()
    for _ in range(2):
        factories.ready(people)
        tasks_of(factories.filed(people))
    with crawl.person(browser, live_server.url, "d.osei", crawl.Findings()) as person:
        person.page.set_viewport_size({"width": width, "height": 900})
        person.page.goto(f"{live_server.url}{path}")
        titles = person.page.locator(".queue .subject a")
        assert titles.count() > 1
        assert titles.evaluate_all("each => each.every(one => one.scrollHeight - one.clientHeight <= 1)")
        assert titles.evaluate_all("each => each.every(one => one.scrollWidth <= one.clientWidth)")
        assert len(set(titles.evaluate_all(EDGES.format("left")))) == 1


@pytest.mark.parametrize("part", ["", "office", "looks"])
def test_the_trail_is_read_on_a_telephone_without_scrolling_sideways(browser, live_server, part):
    factories.filed(factories.office())
    with crawl.person(browser, live_server.url, "b.lacombe", crawl.Findings()) as person:
        person.page.set_viewport_size({"width": 400, "height": 900})
        person.page.goto(f"{live_server.url}/audit-trail/?why=audit_sample&of={part}")
        table = person.page.locator(".scroll:has(.trail)")
        if part != "looks":
            assert table.locator("tbody tr").count() > 3
            assert "System" in table.inner_text()
        assert all(table.evaluate_all("each => each.map(one => one.scrollWidth <= one.clientWidth)"))
