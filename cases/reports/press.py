"""Hands a paper to a child process that has no database, no keys, no network to speak of, and little time."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
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


class PressFailed(CaseError):
    """The pages could not be set: too long, too large, or something in them asked for a file."""


def press(paper: Paper, *, within_seconds: float | None = None) -> Printed:
    """Return the printed paper, within WALL_SECONDS unless said otherwise. Call it outside any transaction: it takes
    seconds. Raises PressFailed."""
    try:
        finished = subprocess.run(
            [sys.executable, "-I", pdf.__file__],
            input=pdf.packed(paper),
            capture_output=True,
            timeout=within_seconds or WALL_SECONDS,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            cwd="/",
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise PressFailed("The pages took too long to set.") from None
    except subprocess.CalledProcessError as failed:
        log.error("press failed with status %s: %s", failed.returncode, _kind(failed.stderr))
        raise PressFailed("The pages could not be set.") from None
    pages, _, data = finished.stdout.partition(b"\n")
    return Printed(data=data, pages=int(pages))


def _kind(stderr: bytes) -> str:
    """Return the class of the child's error alone: its message may hold what was to be printed."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].partition(":")[0][:120] if lines else "no message"


@cache
def font() -> tuple[str, str]:
    """Return the name of the font file pages are set in, and its SHA-256."""
    found = subprocess.run(
        ["fc-match", "--format=%{file}", FONT], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    return Path(found).name, hashlib.sha256(Path(found).read_bytes()).hexdigest()
