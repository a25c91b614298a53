"""`manage.py up` itself, in an empty home: it comes up, mends itself, and leaves nothing behind."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
START_SECONDS = 400


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """One running supervisor and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.lines = folder / "lines"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        own = {"BACKOFFICE_HOME": str(folder / "home"), "PORT": str(self.port), "BACKOFFICE_DEMO_PERCENT": "1"}
        with self.lines.open("w") as out:
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up"]
            self.process = psutil.Popen(command, env={**kept, **own}, stdout=out, stderr=subprocess.STDOUT)

    def wait_for(self, text: str) -> None:
        limit = time.monotonic() + START_SECONDS
        while text not in self.lines.read_text():
            assert self.process.poll() is None and time.monotonic() < limit, self.lines.read_text()
            time.sleep(0.2)

    def child(self, word: str) -> psutil.Process:
        return next(each for each in self.process.children() if word in " ".join(each.cmdline()))

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while self.status("/readyz") != 200:
            assert time.monotonic() < limit, self.lines.read_text()
            time.sleep(0.2)


@pytest.fixture
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="backoffice-up-"))
    folder.chmod(0o711)  # the database's own user passes through
    running = Up(folder)
    yield running
    if running.process.poll() is None:
        running.process.terminate()
        running.process.wait(120)
    shutil.rmtree(folder)


def test_what_is_killed_comes_back_and_nothing_outlives_the_supervisor(up: Up) -> None:
    up.wait_for("Ready: ")
    for name, word in (("web", "gunicorn"), ("worker", "worker@"), ("broker", "valkey"), ("database", "postgres")):
        up.child(word).kill()
        up.wait_for(f"{name} was ended by SIGKILL; starting it again")
        up.wait_until_ready()
    family = up.process.children(recursive=True)
    sockets = list((up.lines.parent / "home").rglob("*.sock"))

    up.process.send_signal(signal.SIGTERM)
    gone, alive = psutil.wait_procs([up.process, *family], timeout=120)

    assert len(family) > 10
    assert sockets
    assert alive == []
    assert up.process.returncode == 0
    assert up.status("/healthz") == 0
    assert up.lines.read_text().rstrip().endswith("Everything is stopped.")
