"""An office with agencies, a case, and the real sandbox process. Models load after the settings, so inside fixtures."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def people(transactional_db) -> dict[str, Any]:
    from tests import factories  # noqa: PLC0415 -- models load after the settings

    return factories.office()


@pytest.fixture
def case(people) -> Any:
    from tests import factories  # noqa: PLC0415 -- models load after the settings

    return factories.referred(people)


@pytest.fixture
def sandbox(transactional_db, tmp_path) -> Iterator[Any]:
    """The sandbox process on TLS; its callbacks go nowhere."""
    from tests.agencies import stage  # noqa: PLC0415 -- models load after the settings

    made = stage.provisioned(tmp_path / "sandbox", "http://127.0.0.1:9")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def speaking_sandbox(transactional_db, live_server, tmp_path) -> Iterator[Any]:
    """The sandbox process, calling back over HTTP to a running server of ours."""
    from tests.agencies import stage  # noqa: PLC0415 -- models load after the settings

    made = stage.provisioned(tmp_path / "sandbox", live_server.url)
    made.start()
    yield made
    made.stop()
