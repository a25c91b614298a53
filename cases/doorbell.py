"""Nudges workers after a commit. The tables are the queues: a lost nudge costs waiting for the next sweep, no more."""

from __future__ import annotations

import logging
import time

from celery import Task
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

# A refused broker costs each caller about half a second; after one failure nobody asks again for this long.
SILENCE_SECONDS = 15.0
_quiet_until = 0.0


def nudge(task: Task) -> None:
    """Ask for a task to be run soon. Never raises: the broker may be down, and the sweep will come."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        task.apply_async(retry=False, expires=60)
    except (OperationalError, OSError):
        _quiet_until = time.monotonic() + SILENCE_SECONDS
        log.warning("broker_unreachable", extra={"task": task.name})
