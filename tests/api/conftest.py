"""Agencies with secrets, in a transaction that is rolled back. Models load after the settings, so inside fixtures."""

from datetime import UTC, datetime
from typing import Any

import pytest

AT = datetime(2026, 11, 14, 10, 0, tzinfo=UTC)


@pytest.fixture
def register(db) -> dict[str, str]:
    """Return the incoming secret of each caller."""
    from cases.agencies.provision import new_inbound_key  # noqa: PLC0415 -- models load after the settings
    from cases.kernel import actors
    from cases.kernel.exchange import agencies  # noqa: PLC0415 -- models load after the settings

    actor: Any = actors.system("tests")
    callers = (
        ("sandbox-fraud-register", "fpa"),
        ("sandbox-bank", "bank"),
        ("own-detection", "own_system"),
        ("own-billing", "own_system"),
        ("own-orders", "own_system"),
        ("own-website", "own_system"),
        ("own-messaging", "own_system"),
        ("sandbox-tv", "group_company"),
        ("sandbox-moratorium", "insolvency"),
    )
    for code, kind in callers:
        plan = agencies.ChannelPlan(direction="in")
        listing = agencies.Listing(code=code, kind=kind, display_name=code, channels=(plan,))
        agencies.register(listing, actor=actor, at=AT)
    return {code: new_inbound_key(code, actor=actor, at=AT) for code, _ in callers}


@pytest.fixture
def secret(register) -> str:
    return register["sandbox-fraud-register"]
