"""The whole office as its users meet it: `manage.py up` in an empty home, spoken to by browser and HTTP only."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = (
    *("DATABASE_URL", "CELERY_BROKER_URL", "FAST_CACHE_URL"),
    *("DJANGO_SETTINGS_MODULE", "BACKOFFICE_STATIC", "SECRET_KEY"),
)
START_SECONDS = 420


def free_port() -> int:
    """Return a port that was free a moment ago, with its neighbour, which the sandbox takes."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


class Office:
    """A running office. Its only inputs are an empty folder and a port."""

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        self.home, self.port = home, port or free_port()
        self.log = home.parent / f"{home.name}.log"
        self.orders = home.parent / f"{home.name}.orders"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> Office:
        environment = {name: value for name, value in os.environ.items() if name not in NOT_SHIPPED}
        # The demonstration's people and agencies, and none of its cases: a journey makes its own.
        environment.setdefault("BACKOFFICE_DEMO_PERCENT", "0")
        environment |= {"BACKOFFICE_HOME": str(self.home), "PORT": str(self.port)}
        # Whoever puts the name of a place into this folder lets the worker fall that next comes by it.
        self.orders.mkdir(exist_ok=True)
        environment |= {"BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT_FOLDER": str(self.orders)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for(lambda: self.get("/readyz") == 200, seconds=START_SECONDS, what="the office to open")
        self.wait_for(self.has_agencies, seconds=START_SECONDS, what="demo data, workers and agencies")
        return self

    def has_agencies(self) -> bool:
        """Say whether everything was started and the sandbox agencies answer."""
        if "Ready: " not in self.log.read_text(errors="replace"):
            return False
        try:
            return bool(self.order("sandbox-post"))
        except OSError:
            return False

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def get(self, path: str) -> int:
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"The office closed:\n{self.tail()}")
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def wait_for(self, condition: Any, *, seconds: float, what: str) -> None:
        """Poll until something is so. Fails with the office's own words when it does not come."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"Waited {seconds} s for {what}:\n{self.tail()}")
            time.sleep(0.3)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on the running office."""
        environment = {name: value for name, value in os.environ.items() if name not in NOT_SHIPPED}
        environment |= {"BACKOFFICE_HOME": str(self.home), "PORT": str(self.port)}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def order(self, agency: str, **order: Any) -> dict[str, Any]:
        """Tell a sandbox agency how to behave; returns what it has received and sent."""
        config = json.loads((self.home / "sandbox" / "config.json").read_text())
        request = urllib.request.Request(
            f"https://127.0.0.1:{config['port']}/control/{agency}",
            data=json.dumps(order).encode(),
            headers={"authorization": f"Bearer {config['control_token']}"},
        )
        trusted = ssl.create_default_context(cafile=str(self.home / "sandbox" / "ca.pem"))
        with urllib.request.urlopen(request, timeout=10, context=trusted) as answer:
            report: dict[str, Any] = json.loads(answer.read())
        return report
