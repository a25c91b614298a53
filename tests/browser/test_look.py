"""How pages look where only a browser knows: on paper, and two things side by side."""

import pytest

from tests import factories, placements
from tests.browser import crawl
from tests.browser.test_accessibility import _redacted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A4_WIDTH = 794  # points of a page 210 mm wide, as browsers print
EDGES = "each => each.map(one => Math.round(one.getBoundingClientRect().{}))"


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
