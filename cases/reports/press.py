"""Hands a paper to a process that has no database, no keys, no network to speak of, and little time.

The process stays for a minute after a paper, for the next: a thousand letters load WeasyPrint once.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import logging
import os
import select
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from cases.kernel.errors import CaseError
from cases.reports import pdf
from cases.reports.pdf import Paper, Printed

__all__ = ["PressFailed", "font", "press"]

log = logging.getLogger(__name__)

WALL_SECONDS = 300
FONT = "DejaVu Sans"
# All the child is given of our environment: how to find the font configuration, and nothing secret.
ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "LD_LIBRARY_PATH")

Press = subprocess.Popen[bytes]
# Those that wait for a paper.
_idle: list[Press] = []


class PressFailed(CaseError):
    """The pages could not be set: too long, too large, or something in them asked for a file."""


def press(paper: Paper, *, within_seconds: float | None = None) -> Printed:
    """Return the printed paper, within WALL_SECONDS unless said otherwise. Call it outside any transaction: it takes
    seconds. Raises PressFailed."""
    until = time.monotonic() + (within_seconds or WALL_SECONDS)
    packed = pdf.packed(paper)
    while True:
        running, is_new = _taken()
        try:
            pages, data = _printed(running, packed, until)
        except TimeoutError:
            _end(running)
            raise PressFailed("The pages took too long to set.") from None
        except OSError as error:  # it had been idle for long enough and went; a new one has no such excuse
            _end(running)
            if is_new:
                log.error("press failed: %s", type(error).__name__)
                raise PressFailed("The pages could not be set.") from None
            continue
        except BaseException:
            _end(running)
            raise
        _idle.append(running)
        if pages < 0:
            log.error("press failed: %s", data.decode(errors="replace")[:120])
            raise PressFailed("The pages could not be set.")
        return Printed(data=data, pages=pages)


def _taken() -> tuple[Press, bool]:
    """Return a process that prints for nobody else, and whether it is new."""
    while _idle:
        try:
            running = _idle.pop()
        except IndexError:  # another thread took the last
            break
        if running.poll() is None:
            return running, False
        _end(running)
    running = subprocess.Popen(
        [sys.executable, "-I", pdf.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        cwd="/",
        start_new_session=True,
    )
    return running, True


def _printed(running: Press, packed: bytes, until: float) -> tuple[int, bytes]:
    """Return what comes back for a paper. Raises TimeoutError, and another OSError where the process is gone."""
    assert running.stdin is not None and running.stdout is not None
    running.stdin.write(pdf.LENGTH.pack(len(packed)) + packed)
    running.stdin.flush()
    file, got, size = running.stdout.fileno(), bytearray(), pdf.LENGTH.size
    while len(got) < 2 * size or len(got) < 2 * size + pdf.LENGTH.unpack_from(got, size)[0]:
        if not select.select([file], [], [], max(until - time.monotonic(), 0))[0]:
            raise TimeoutError
        if not (more := os.read(file, 1 << 20)):
            raise BrokenPipeError
        got += more
    return pdf.LENGTH.unpack_from(got)[0], bytes(got[2 * size :])


def _end(running: Press) -> None:
    """End the process and whatever it is printing."""
    if running.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    _hang_up(running)


def _hang_up(running: Press) -> None:
    for pipe in (running.stdin, running.stdout):
        with contextlib.suppress(OSError):
            pipe.close()  # type: ignore[union-attr]  # -- both are there


def _end_all() -> None:
    while _idle:
        _end(_idle.pop())


def _forget_all() -> None:
    """Leave to the parent what is the parent's."""
    while _idle:
        running = _idle.pop()
        running.returncode = 0
        _hang_up(running)


atexit.register(_end_all)
os.register_at_fork(after_in_child=_forget_all)


@cache
def font() -> tuple[str, str]:
    """Return the name of the font file pages are set in, and its SHA-256."""
    found = subprocess.run(
        ["fc-match", "--format=%{file}", FONT], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    return Path(found).name, hashlib.sha256(Path(found).read_bytes()).hexdigest()
