"""Takes the pictures of the README from a running demonstration.

    make run
    .venv/bin/python docs/screenshots/make.py http://localhost:8000

Needs the development requirements (`make setup-dev`) and a Chromium; CHROMIUM names another than the tests use.
"""

import argparse
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LARGEST = 250_000


def signed_in(browser: Browser, address: str, name: str, *, viewport: dict[str, int], scheme: str = "light") -> Page:
    """Return a page on which one of the demonstration's people is signed in."""
    context = browser.new_context(
        base_url=address, viewport=viewport, color_scheme=scheme, locale="en-GB", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_url(f"{address}/")
    return page


def waiting_case(page: Page) -> str:
    """Return the path of a case that waits for this person's decision, the one due last."""
    page.goto("/approvals/")
    found = page.locator("main a[href^='/cases/']").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    return [path for path in found if path.count("-") == 4][-1].partition("#")[0]


def take(page: Page, path: str, name: str) -> None:
    """Open a path and keep what the window shows. Raises SystemExit when the picture is too large to commit."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.activeElement && document.activeElement.blur()")
    target = HERE / f"{name}.png"
    page.screenshot(path=target, animations="disabled")
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target.name} {size} bytes")
    if size > LARGEST:
        raise SystemExit(f"{target.name} is larger than {LARGEST} bytes.")


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", default="http://localhost:8000")
    address = parser.parse_args().address.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        checker = signed_in(browser, address, "D. Osei", viewport=DESK)
        case = waiting_case(checker)
        take(checker, "/cases/", "queue")
        take(checker, case, "case")
        dark = signed_in(browser, address, "D. Osei", viewport=DESK, scheme="dark")
        take(dark, "/cases/", "queue-dark")
        take(dark, case, "case-dark")
        phone = signed_in(browser, address, "D. Osei", viewport=PHONE)
        take(phone, case, "case-phone")
        browser.close()


if __name__ == "__main__":
    main()
