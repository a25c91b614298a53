"""`manage.py up` itself: what falls comes back, and it leaves nothing behind. It ends the office of the journeys."""

import signal
import socket

import psutil
import pytest

from tests.journeys.office import START_SECONDS, Office

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
CHILDREN = (("web", "gunicorn"), ("worker", "worker@"), ("broker", "valkey"), ("database", "postgres"))


def child(supervisor: psutil.Process, word: str) -> psutil.Process:
    return next(each for each in supervisor.children() if word in " ".join(each.cmdline()))


def test_what_is_killed_comes_back_and_nothing_outlives_the_supervisor(office: Office) -> None:
    supervisor = psutil.Process(office.process.pid)
    for name, word in CHILDREN:
        child(supervisor, word).kill()
        said = f"{name} was ended by SIGKILL; starting it again"
        office.wait_for(lambda said=said: said in office.log.read_text(errors="replace"), seconds=60, what=said)
        office.wait_for(lambda: office.get("/readyz") == 200, seconds=START_SECONDS, what=f"the office after {name}")
    office.wait_for(lambda: len(supervisor.children(recursive=True)) > 10, seconds=60, what="every part with its own")
    family = supervisor.children(recursive=True)
    sockets = list(office.home.rglob("*.sock"))

    office.process.send_signal(signal.SIGTERM)
    gone, alive = psutil.wait_procs(family, timeout=120)

    assert office.process.wait(120) == 0
    assert sockets
    assert alive == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", office.port)) != 0
    assert office.log.read_text(errors="replace").rstrip().endswith("Everything is stopped.")
