"""One nudge serves all who ask for a task within a moment, and none who asked later than it."""

import os
import subprocess
import sys
import threading

import pytest
from kombu.exceptions import OperationalError

from cases import doorbell

PATIENCE = 20


class Bell:
    """A task that counts how often it was asked for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = threading.Semaphore(0)
        self.count = 0
        self.while_asked = lambda: None

    def apply_async(self, **_options: object) -> None:
        self.count += 1
        self.while_asked()
        self.asked.release()


@pytest.fixture
def bell(monkeypatch, request) -> Bell:
    monkeypatch.setattr(doorbell, "_quiet_until", 0.0)
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 0.5)
    return Bell(request.node.name)


def test_the_first_is_served_at_once_and_all_who_ask_soon_after_it_by_one_more(bell):
    doorbell.nudge(bell)
    assert bell.count == 1
    for _ in range(5):
        doorbell.nudge(bell)

    assert bell.asked.acquire(timeout=PATIENCE) and bell.asked.acquire(timeout=PATIENCE)
    assert bell.count == 2
    assert bell.name not in doorbell._to_come


def test_who_asks_while_the_nudge_for_others_is_under_way_gets_one_of_its_own(bell):
    doorbell.nudge(bell)
    doorbell.nudge(bell)
    bell.while_asked = lambda: bell.count == 2 and doorbell.nudge(bell)

    assert all(bell.asked.acquire(timeout=PATIENCE) for _ in range(3))
    assert bell.count == 3


def test_tasks_do_not_wait_for_each_other(bell):
    other = Bell("other")
    doorbell.nudge(bell)
    doorbell.nudge(other)

    assert (bell.count, other.count) == (1, 1)


def test_after_a_broker_that_is_down_nobody_asks_for_a_while(bell, monkeypatch):
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 0.0)

    def refuse() -> None:
        raise OperationalError

    bell.while_asked = refuse
    doorbell.nudge(bell)
    doorbell.nudge(bell)

    assert bell.count == 1


def test_who_is_forked_off_waits_for_nobody_elses_nudge(bell):
    doorbell.nudge(bell)
    doorbell.nudge(bell)
    assert bell.name in doorbell._to_come
    child = os.fork()
    if child == 0:
        os._exit(int(bell.name in doorbell._to_come or doorbell._lock.locked()))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bell.asked.acquire(timeout=PATIENCE) and bell.asked.acquire(timeout=PATIENCE)


def test_a_process_that_ends_gives_its_last_nudge_first():
    script = (
        "from types import SimpleNamespace\n"
        "from cases import doorbell\n"
        "bell = SimpleNamespace(name='bell', apply_async=lambda **_: print('asked', flush=True))\n"
        "doorbell.nudge(bell), doorbell.nudge(bell)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    assert ran.stdout.split() == ["asked", "asked"]
