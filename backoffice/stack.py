"""One supervisor for everything that runs on this machine: `manage.py up`.

It starts servers, brings the data up to date, starts web, workers and sandbox, restarts what dies and stops
all of it in order. It loads no Django: what fails to load must not take the supervisor with it.
"""

import argparse
import fcntl
import http.client
import json
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from backoffice import embedded
from backoffice.embedded import Child, Postgres, Valkey
from backoffice.env import BASE_DIR, LOOPBACK, Env
from backoffice.folders import private_folder
from backoffice.supervisor import Service, Stopped, Supervisor, say

PYTHON = sys.executable
MANAGE = str(BASE_DIR / "manage.py")
START_SECONDS = 90
QUEUES = {"worker": "bell,pump,inbox", "reports": "bell,reports", "jobs": "bell,jobs"}


class StackError(ImproperlyConfigured):
    """The stack cannot start as asked; the sentence says what to change."""


def main(argv: list[str]) -> int:
    """Run until told to stop. Returns the exit code; raises ImproperlyConfigured when it cannot start."""
    argparse.ArgumentParser(prog="manage.py up", description=__doc__).parse_args(argv)
    env = Env()
    stack = Stack(env, is_demo=demo_wanted(env))
    return stack.run()


def demo_wanted(env: Env) -> bool:
    """Say whether to run as a demonstration. Raises StackError where a demonstration would be dangerous."""
    is_demo = env.flag("BACKOFFICE_DEMO", True)
    if is_demo and env.hidden("DATABASE_URL"):
        raise StackError(
            "Demo mode signs anyone in, so it does not run on a DATABASE_URL: set BACKOFFICE_DEMO=0, or unset it."
        )
    if is_demo and env.text("HOST", "127.0.0.1") not in LOOPBACK:
        raise StackError(
            "Demo mode signs anyone in, so HOST must stay 127.0.0.1: set BACKOFFICE_DEMO=0, or unset HOST."
        )
    return is_demo


class Stack:
    """What runs here, in which order."""

    def __init__(self, env: Env, *, is_demo: bool) -> None:
        self.env = env
        self.is_demo = is_demo
        self.home = env.home
        self.host = env.text("HOST", "127.0.0.1")
        self.port = env.number("PORT", 8000, low=1, high=65535)
        self.address = f"http://localhost:{self.port}"
        self.supervisor = Supervisor(self._child_environment())

    def run(self) -> int:
        """Start all, watch, stop all. Whatever goes wrong on the way, nothing is left running."""
        try:
            self._prepare_home()
        except OSError as error:
            raise StackError(
                f"{self.home} cannot be written ({error.strerror}): set BACKOFFICE_HOME to another folder."
            ) from None
        lock = self._lock()
        self._refuse_taken_port()
        self._say_what_runs()
        self.supervisor.catch_signals()
        try:
            self._start()
            self.supervisor.watch()
        except Stopped:
            pass
        finally:
            self.supervisor.stop_all()
            lock.close()
        return 0

    def _start(self) -> None:
        self._start_servers()
        self.supervisor.run_once("prepare", Child((PYTHON, MANAGE, "prepare")))
        self.supervisor.start(self._web())
        self._wait_for_web()
        if self.is_demo:
            self._start_demo()
        for name, queues in QUEUES.items():
            self.supervisor.start(self._worker(name, queues))
        mode = f"Pages are at {self.env.text('PUBLIC_URL', self.address)}, behind a proxy that speaks TLS. "
        if self.is_demo:
            mode = "This is a demo with invented people; sign in as any of them. "
        say("up", f"Ready: {self.address}  {mode}Ctrl-C stops everything.")

    def _start_demo(self) -> None:
        """Make the demo data once, before the workers could deliver it; then start the sandbox agencies."""
        marker = self.home / "demo.made"
        if not marker.exists():
            say("up", f"Open {self.address} already now; its demo data is being made, once.")
            self.supervisor.run_once("demo", Child((PYTHON, MANAGE, "prepare", "--demo")))
            _write(marker, "")
        self.supervisor.start(Service("sandbox", Child((PYTHON, MANAGE, "sandbox")), rank=2))

    # --- servers --------------------------------------------------------------------------------------------
    def _start_servers(self) -> None:
        if not self.env.hidden("DATABASE_URL"):
            self._start_postgres()
        url = self.env.hidden("CELERY_BROKER_URL") or embedded.broker_url(self.env)
        if url.startswith("filesystem://"):
            say("up", "Folders serve as the broker: nudges arrive a little later, nothing else changes.")
            private_folder(self.home / "broker", owner=None)
        elif not self.env.hidden("CELERY_BROKER_URL"):
            self._start_valkey()

    def _start_valkey(self) -> None:
        valkey = Valkey.of(self.env)
        service = Service("broker", valkey.child(), rank=3, before=valkey.prepare)
        self.supervisor.start(service)
        self.supervisor.wait_until(valkey.is_ready, seconds=START_SECONDS, what="The broker")

    def _start_postgres(self) -> None:
        server = Postgres.of(self.env)
        if server.place.parent != self.home:
            say("up", f"The database's own user cannot pass through {self.home}; its files are in {server.place}.")
        server.prepare()
        _write(self.home / "postgres.place", str(server.place))
        self.supervisor.start(
            Service("database", server.child(), rank=4, stop=signal.SIGINT, grace=60, before=server.prepare)
        )
        self.supervisor.wait_until(server.is_ready, seconds=START_SECONDS, what="PostgreSQL")
        server.ensure_database()

    # --- our own processes ------------------------------------------------------------------------------------
    def _web(self) -> Service:
        # No query string: people search for names. No token of a one-time link either.
        access = "%(m)s %({backoffice.path}e)s %(s)s %(M)s ms"
        command = [PYTHON, "-m", "gunicorn", "backoffice.wsgi", "--preload", "--no-control-socket"]
        command += ["--forwarded-allow-ips", self.env.text("FORWARDED_ALLOW_IPS", "")]
        command += ["--bind", f"{self.host}:{self.port}", "--workers", "2", "--worker-class", "gthread"]
        command += ["--threads", "4", "--graceful-timeout", "8", "--access-logfile", "-"]
        command += ["--access-logformat", access, "--worker-tmp-dir", str(self.home / "run"), "--log-level", "warning"]
        return Service("web", Child(tuple(command)), rank=0, grace=15)

    def _worker(self, name: str, queues: str) -> Service:
        command = [PYTHON, "-m", "celery", "--quiet", "-A", "backoffice", "worker", "--hostname", f"{name}@localhost"]
        command += ["--queues", queues, "--concurrency", "2" if name == "worker" else "1", "--loglevel", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        if name == "worker":
            command += ["--beat", "--schedule", str(self.home / "run" / "beat")]
        # SIGQUIT: a running task has CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT to end, and then is dropped; its row waits.
        return Service(name, Child(tuple(command)), rank=1, stop=signal.SIGQUIT, grace=20)

    def _wait_for_web(self) -> None:
        self.supervisor.wait_until(self._answers, seconds=START_SECONDS, what="The web server")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz", headers={"Host": f"localhost:{self.port}"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    # --- the home ---------------------------------------------------------------------------------------------
    def _prepare_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        private_folder(self.home / "run", owner=None)
        private_folder(self.home / "media", owner=None)
        if not (self.home / "secret_key").exists() and not _has_secret(self.env):
            _write(self.home / "secret_key", secrets.token_urlsafe(64))

    def _say_what_runs(self) -> None:
        """Note for every later command what runs in this home. Only whoever holds the home may."""
        _write(self.home / "stack.json", json.dumps({"demo": self.is_demo, "port": self.port, "pid": os.getpid()}))

    def _lock(self) -> IO[str]:
        """Hold this home for one supervisor. Raises StackError if another has it."""
        lock = (self.home / "run" / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(
                f"It is already running in {self.home}; stop it, or set another BACKOFFICE_HOME."
            ) from None
        return lock

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host if self.host != "localhost" else "127.0.0.1", self.port))
            except OSError as error:
                raise StackError(f"Port {self.port} cannot be used ({error.strerror}): set PORT to another.") from None

    def _child_environment(self) -> dict[str, str]:
        own = {
            "BACKOFFICE_HOME": str(self.home),
            "BACKOFFICE_DEMO": "1" if self.is_demo else "0",
            "PUBLIC_URL": self.env.text("PUBLIC_URL", self.address),
            "PORT": str(self.port),
            "LOG_FORMAT": self.env.text("LOG_FORMAT", "lines"),
            "PYTHONUNBUFFERED": "1",
            # The workers read JSON alone, so running them as root is no door; everything here is this machine's own.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        }
        return {**self.env.values, **own}


def _has_secret(env: Env) -> bool:
    return bool(env.text("SECRET_KEY") or env.text("SECRET_KEY_FILE") or env.text("CREDENTIALS_DIRECTORY"))


def _write(path: Path, text: str) -> None:
    """Replace a small file of ours in one step; nobody else may read it."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
