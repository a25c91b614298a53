"""A clock that tests move, and a person who has set up everything."""

import time

import pytest
from django.core.cache import cache
from django.core.cache.backends import db as db_cache
from django.test import Client
from django.utils import timezone


@pytest.fixture(autouse=True)
def no_left_over_counts(db) -> None:
    """Limits are kept in the cache, which is a table; start with an empty one."""
    cache.clear()


@pytest.fixture
def clock(monkeypatch):
    """The time that Django, allauth and we read."""
    from tests.signin.desk import Clock  # noqa: PLC0415 -- models load after the settings

    moved = Clock()
    monkeypatch.setattr(time, "time", lambda: moved.seconds)
    monkeypatch.setattr(timezone, "now", lambda: moved.at)
    monkeypatch.setattr(db_cache, "tz_now", lambda: moved.at)
    return moved


@pytest.fixture
def member(clock):
    """Somebody who set up password and authenticator app a minute and a half ago."""
    from cases.kernel.office import people  # noqa: PLC0415 -- models load after the settings
    from tests.signin import desk  # noqa: PLC0415 -- models load after the settings

    user, token = people.add_first_administrator("Wren Halloran", at=clock.at)
    client = Client()
    desk.set_up(client, token, "wren")
    seed = desk.enrol(client, clock)
    clock.tick(90)
    user.refresh_from_db()
    return desk.Member(user, seed)
