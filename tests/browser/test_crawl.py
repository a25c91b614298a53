"""The crawl finds low contrast once for each sort of element, and everything else on each page."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import crawl
from tests.length import AT_LENGTH

pytestmark = pytest.mark.browser

PALE = "color: #bbb; background: #fff"
PAGE = """<!doctype html><html lang="en"><head><title>Page</title></head><body><main><h1>Heading</h1>{}</main></body>
</html>"""


def judged(browser, *bodies: str) -> list[list[str]]:
    """Return what is complained of on each page in turn, as rules and elements."""
    found = crawl.Findings()
    context = browser.new_context()
    context.add_init_script(Axe().axe_script)
    page, told = context.new_page(), []
    person = crawl.Person(page, "", found)
    for body in bodies:
        page.set_content(PAGE.format(body))
        page.evaluate(Axe().axe_script)
        person.judge()
        told.append([each.partition("axe ")[2] for each in found.complaints])
        found.complaints.clear()
    context.close()
    return told


def test_low_contrast_is_found_in_each_look_and_every_other_fault_on_each_page(browser):
    pale, nameless = f'<p class="pale" style="{PALE}">Pale</p>', "<button></button>"

    told = judged(browser, "<p>Black</p>", f"{pale}<p class='other'>Black</p>", nameless, nameless)

    whole = sum(rules is crawl.EVERY_RULE for _, _, rules in crawl.LOOKS) if AT_LENGTH else 1
    assert told == [
        [],
        ["color-contrast: ['.pale']"] * len(crawl.LOOKS),
        ["button-name: ['button']"] * whole,
        ["button-name: ['button']"] * whole,
    ]


def test_what_is_wider_than_the_window_is_found(browser):
    (told,) = judged(browser, '<div style="width: 1200px">Wide</div>')
    assert told == [""] * sum(width == 390 for _, width, _ in crawl.LOOKS)
