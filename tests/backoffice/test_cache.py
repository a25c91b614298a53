"""What the second cache keeps is data: nothing that is read back from its server can run."""

import os
import pickle

import pytest
from django.core.cache import caches

from backoffice.cache import JsonSerializer


class Wicked:
    """Leaves a mark in the environment when it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.putenv, ("BACKOFFICE_UNPICKLED", "1")


def test_values_come_back_as_they_were_kept():
    serializer = JsonSerializer()

    for value in ({"view.open": 171, "mine": 0}, [1, "two", None], "text", 7, True, None):
        assert serializer.loads(serializer.dumps(value) if type(value) is not int else b"7") == value


def test_what_somebody_else_wrote_is_a_miss_and_is_not_run():
    assert JsonSerializer().loads(pickle.dumps(Wicked())) is None
    assert JsonSerializer().loads(b"\xff\xfe") is None


@pytest.mark.usefixtures("second_cache")
def test_cache_keeps_counts_on_its_server():
    caches["fast"].set("counts", {"view.open": 171})

    assert caches["fast"].get("counts") == {"view.open": 171}
    assert caches["fast"]._cache._serializer.__class__ is JsonSerializer
