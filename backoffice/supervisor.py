"""Starts processes, prefixes what they print, restarts those that die and stops them in ranks.

It knows nothing of what they are. Each child leads its own session, so that Ctrl-C reaches the supervisor alone,
and dies with it should the supervisor itself be killed.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from backoffice.embedded import Child

PR_SET_PDEATHSIG = 1
TICK_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 30.0
ONCE_GRACE_SECONDS = 10.0

_print_lock = threading.Lock()


class Stopped(Exception):
    """Somebody asked the supervisor to stop."""


def say(name: str, line: str) -> None:
    """Print one line with its origin before it."""
    with _print_lock:
        try:
            print(f"{name:<9}| {line}", flush=True)
        except (BrokenPipeError, ValueError):
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- whoever read us went away; keep stopping in order


@dataclass(frozen=True)
class Service:
    """A process to keep alive. Lower ranks stop first; `before` runs before each start."""

    name: str
    child: Child
    rank: int
    stop: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    before: Callable[[], None] | None = None


class Kept:
    """A service with its present process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.deaths = 0
        self.start_again_at: float | None = None


class Supervisor:
    """Holds the services of one stack. All of it runs in the main thread, but for the readers of output."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.kept: list[Kept] = []
        self.is_stopping = False
        self.asked = 0
        self.readers: list[threading.Thread] = []

    def catch_signals(self) -> None:
        """From here on Ctrl-C, SIGTERM and a closed terminal mean: stop in order. Asked thrice: at once."""
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, self._on_signal)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.asked += 1
        if not self.is_stopping:
            self.is_stopping = True
            raise Stopped

    # --- starting -----------------------------------------------------------------------------------------
    def start(self, service: Service) -> None:
        """Start a service and keep it alive from now on."""
        kept = Kept(service)
        self.kept.append(kept)
        self._launch(kept)

    def run_once(self, name: str, child: Child) -> None:
        """Run a process to its end while the services are watched. Raises ImproperlyConfigured if it fails."""
        process = self._spawn(name, child, signal.SIGTERM)
        try:
            while process.poll() is None:
                self.tick()
                time.sleep(TICK_SECONDS)
        finally:
            if process.poll() is None:
                _end(process, signal.SIGTERM, ONCE_GRACE_SECONDS)
        self.readers[-1].join(1)
        if process.returncode:
            raise ImproperlyConfigured(f"{name} failed; its lines above say why.")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Watch the services until one of them answers. Raises ImproperlyConfigured after so many seconds."""
        limit = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > limit:
                raise ImproperlyConfigured(f"{what} did not answer within {seconds:.0f} seconds.")
            self.tick()
            time.sleep(TICK_SECONDS)

    def watch(self) -> None:
        """Restart what dies, for ever. Ends by Stopped."""
        while True:
            self.tick()
            time.sleep(TICK_SECONDS)

    def tick(self) -> None:
        """Look at every service once: note deaths, start again what has waited long enough."""
        now = time.monotonic()
        for kept in self.kept:
            if kept.start_again_at is not None:
                if now >= kept.start_again_at:
                    self._launch(kept)
            elif kept.process is not None and kept.process.poll() is not None:
                self._note_death(kept, now=now)

    def _note_death(self, kept: Kept, *, now: float) -> None:
        assert kept.process is not None
        _kill_group(kept.process.pid)
        if now - kept.started_at > HEALTHY_AFTER_SECONDS:
            kept.deaths = 0
        pause = min(0.5 * 2**kept.deaths, LONGEST_PAUSE_SECONDS)
        kept.deaths += 1
        kept.start_again_at = now + pause
        say("up", f"{kept.service.name} {_ending(kept.process.returncode)}; starting it again in {pause:.1f} s.")

    def _launch(self, kept: Kept) -> None:
        kept.start_again_at = None
        kept.started_at = time.monotonic()
        if kept.service.before:
            kept.service.before()
        kept.process = self._spawn(kept.service.name, kept.service.child, kept.service.stop)

    def _spawn(self, name: str, child: Child, when_orphaned: signal.Signals) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            child.argv,
            env=self.environment,
            cwd="/" if child.user else None,
            user=child.user,
            group=pwd.getpwnam(child.user).pw_gid if child.user else None,
            extra_groups=[] if child.user else None,
            umask=child.umask,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(when_orphaned),
        )
        assert process.stdout is not None
        reader = threading.Thread(target=_echo, args=(name, process.stdout), daemon=True)
        reader.start()
        self.readers = [each for each in self.readers if each.is_alive()] + [reader]
        return process

    # --- stopping -----------------------------------------------------------------------------------------
    def stop_all(self) -> None:
        """Stop every service, rank by rank, each rank together; kill what outlives its grace."""
        self.is_stopping = True
        alive = [kept for kept in self.kept if kept.process is not None and kept.process.poll() is None]
        if alive:
            say("up", "Stopping.")
        for rank in sorted({kept.service.rank for kept in alive}):
            self._stop_together([kept for kept in alive if kept.service.rank == rank])
        for kept in self.kept:
            if kept.process is not None:
                _kill_group(kept.process.pid)
        for reader in self.readers:
            reader.join(1)  # so that the last words come before ours
        if alive:
            say("up", "Everything is stopped.")

    def _stop_together(self, group: list[Kept]) -> None:
        for kept in group:
            assert kept.process is not None
            kept.process.send_signal(kept.service.stop)
        for kept in group:
            assert kept.process is not None
            self._await_end(kept.process, kept.service)

    def _await_end(self, process: subprocess.Popen[bytes], service: Service) -> None:
        limit = time.monotonic() + service.grace
        while process.poll() is None and time.monotonic() < limit and self.asked < 3:
            time.sleep(TICK_SECONDS / 2)
        if process.poll() is None:
            say("up", f"{service.name} did not stop within {service.grace:.0f} s; it is killed.")
            _kill_group(process.pid)
            process.wait()


def _end(process: subprocess.Popen[bytes], how: signal.Signals, grace: float) -> None:
    process.send_signal(how)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid)
        process.wait()


def _kill_group(leader: int) -> None:
    """Kill whatever a child left in its process group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _echo(name: str, stream: IO[bytes]) -> None:
    with stream:
        for line in stream:
            say(name, line.decode(errors="replace").rstrip())


_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(how: signal.Signals) -> None:
    """Ask Linux to signal this child when the supervisor dies; other systems have no such call."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
