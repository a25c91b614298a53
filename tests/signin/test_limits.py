"""Guessing in parallel: the limit is counted in the database and holds for all processes together."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from cases.kernel.models import User
from cases.ledger.models import SecurityEvent

GUESSES = 40


def _guess(number: int) -> None:
    try:
        Client().post(
            "/sign-in/",
            {"login": "wren", "password": f"guess number {number}"},
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        )
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_are_tried_five_times_at_most():
    cache.clear()
    User.objects.create_user(username="wren", password="lantern orchard gravel tide")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_guess, range(GUESSES)))

    assert 1 <= SecurityEvent.objects.filter(kind="sign_in_refused").count() <= 5
