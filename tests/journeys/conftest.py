"""A page of a journey fails its test on a console error or a policy violation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.office import Office


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
