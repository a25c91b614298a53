"""Steps of a case as somebody takes them at its page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys.office import Office


def step(page: Page, name: str) -> None:
    """Open the offer of a step, if it is folded, and press its button."""
    unfold(page, name)
    page.locator("#decision").get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def unfold(page: Page, name: str) -> None:
    offer = page.locator("#decision details.offer", has=page.get_by_text(name, exact=True))
    if offer.get_attribute("open") is None:
        offer.locator("summary").click()


def wait_for_state(office: Office, page: Page, case: str, label: str) -> None:
    def arrived() -> bool:
        page.goto(case)
        return label in (page.locator(".head").text_content() or "")

    office.wait_for(arrived, seconds=60, what=f"the case to be {label}")
