"""The menu as it is drawn: each place is one line of symbol, words and count, at a desk and on a telephone."""

import pytest

from tests import factories
from tests.browser import crawl

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DRAWN = """() => Array.from(document.querySelectorAll('#rail a'), link => {
    const box = each => { const r = each.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
    return {said: link.innerText, link: box(link), parts: Array.from(link.children, box)};
})"""


def faults(places, width):
    """What a person would see amiss: parts that leave their line or lie on each other, places that do."""
    found, below = [], 0.0
    for place in places:
        left, top, right, bottom = place["link"]
        if not (0 <= left < right <= width and 24 <= bottom - top <= 56 and top >= below):
            found.append(f"{place['said']!r} is drawn at {place['link']}")
        below, end = bottom, left
        for part in sorted(place["parts"]):
            is_beside = abs((part[1] + part[3]) - (top + bottom)) < 8
            if part[0] < end - 1 or part[2] > right + 1 or not is_beside:
                found.append(f"a part of {place['said']!r} is drawn at {part}, the place at {place['link']}")
            end = part[2]
    return found


def test_every_place_of_the_menu_is_one_line_in_its_order(browser, live_server):
    factories.office()
    found = crawl.Findings()
    for username in ("o.thackray", "d.osei"):
        with crawl.person(browser, live_server.url, username, found) as person:
            page = person.page
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(f"{live_server.url}/tasks/")
                if width == 390:
                    page.get_by_role("button", name="Menu").click()
                places = page.evaluate(DRAWN)
                assert len(places) > 5
                assert faults(places, width) == [], (username, width)
    assert found.complaints == []
