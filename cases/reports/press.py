"""Hands a paper to a process that has no database, no keys, no network to speak of, and little time.

The process stays for a minute after a paper, for the next: a thousand letters load WeasyPrint once.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import IO

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
    """Return a process that prints for nobody else, and whether it is new. Those that went meanwhile are dropped."""
    for gone in [each for each in list(_idle) if each.poll() is not None]:
        with contextlib.suppress(ValueError):  # another thread was here first
            _idle.remove(gone)
            _end(gone)
    with contextlib.suppress(IndexError):
        return _idle.pop(), False
    running = subprocess.Popen(
        [sys.executable, "-I", pdf.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        cwd="/",
        start_new_session=True,
    )
    for pipe in _pipes(running):
        os.set_blocking(pipe.fileno(), False)
    return running, True


def _printed(running: Press, packed: bytes, until: float) -> tuple[int, bytes]:
    """Return what comes back for a paper. Raises TimeoutError, and another OSError where the process is gone."""
    asking, answering = _pipes(running)
    left, got, size = memoryview(pdf.LENGTH.pack(len(packed)) + packed), bytearray(), pdf.LENGTH.size
    with selectors.DefaultSelector() as ready:
        ready.register(asking, selectors.EVENT_WRITE)
        ready.register(answering, selectors.EVENT_READ)
        while len(got) < 2 * size or len(got) < 2 * size + pdf.LENGTH.unpack_from(got, size)[0]:
            pipes = {key.fileobj for key, _ in ready.select(max(until - time.monotonic(), 0))}
            if not pipes:
                raise TimeoutError
            if answering in pipes:
                if not (more := os.read(answering.fileno(), 1 << 20)):
                    raise BrokenPipeError
                got += more
            if asking in pipes:
                left = left[os.write(asking.fileno(), left) :]
                if not left:
                    ready.unregister(asking)
    return pdf.LENGTH.unpack_from(got)[0], bytes(got[2 * size :])


def _end(running: Press) -> None:
    """End the process and whatever it is printing."""
    if running.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    _hang_up(running)


def _hang_up(running: Press) -> None:
    for pipe in _pipes(running):
        with contextlib.suppress(OSError):
            pipe.close()


def _pipes(running: Press) -> tuple[IO[bytes], IO[bytes]]:
    """Return the end that is written to and the end that is read from."""
    assert running.stdin is not None and running.stdout is not None
    return running.stdin, running.stdout


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
