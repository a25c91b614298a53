"""Nudges workers after a commit. The tables are the queues: a lost nudge costs waiting for the next sweep, no more."""

from __future__ import annotations

import logging
import os
import threading
import time

from celery import Task
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

# A refused broker costs each caller about half a second; after one failure nobody asks again for this long.
SILENCE_SECONDS = 15.0
# A task does all that waits for it. Whoever asks for one so soon after somebody else of this process is served by one
# nudge for all, once this time is over.
GAP_SECONDS = 0.05
_quiet_until = 0.0
_nudged_at: dict[str, float] = {}
_to_come: set[str] = set()
_lock = threading.Lock()
# Who is forked off has no thread of those that wait here.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
os.register_at_fork(after_in_child=_to_come.clear)


def nudge(task: Task) -> None:
    """Ask for a task to be run soon: at once, or with others in GAP_SECONDS at most. Never raises: the broker may be
    down, and the sweep will come."""
    with _lock:
        if task.name in _to_come:
            return
        wait = _nudged_at.get(task.name, 0.0) + GAP_SECONDS - time.monotonic()
        if wait > 0:
            _to_come.add(task.name)
            threading.Timer(wait, _ask, [task]).start()  # not a daemon: who ends now waits for it
            return
    _ask(task)


def _ask(task: Task) -> None:
    global _quiet_until
    with _lock:
        _to_come.discard(task.name)  # before it is asked: what is committed from now on needs a nudge of its own
        _nudged_at[task.name] = time.monotonic()
    if time.monotonic() < _quiet_until:
        return
    try:
        task.apply_async(retry=False, expires=60)
    except (OperationalError, OSError):
        _quiet_until = time.monotonic() + SILENCE_SECONDS
        log.warning("broker_unreachable", extra={"task": task.name})
