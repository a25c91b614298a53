"""One office for all journeys; each browser page fails its test on a console error or a policy violation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.office import Office


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    """The office of `make run`, opened in an empty home with shipped settings. The test of `up` ends it.

    Not in pytest's own folder: whatever pytest starts next shuts that to the database's user.
    """
    with tempfile.TemporaryDirectory(prefix="backoffice-office-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        opened = Office(folder / "home").start()
        yield opened
        opened.stop()


@pytest.fixture
def desk(office: Office, browser: Any) -> Iterator[Any]:
    """Return a way to sit down as somebody: a signed-in browser page of their own."""
    contexts, faults = [], []

    def sit_down(name: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, base_url=office.address)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/sign-in/")
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_url(f"{office.address}/")
        return page

    yield sit_down
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def scene(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An office in this process, its agencies and its clock in the test's hand."""
    from tests.journeys.scene import Scene  # noqa: PLC0415 -- models load after the settings

    return Scene(monkeypatch)
