"""Has a page of a document drawn by a child process without our environment that can soon open nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

from cases.kernel.errors import CaseError
from cases.reports import raster

__all__ = ["Drawn", "DrawingNow", "NotDrawn", "draw", "may_be_drawn"]

log = logging.getLogger(__name__)
WALL_SECONDS = 10
# A document may be made to be slow: one at a time is drawn in each process, and every other thread stays free.
_FREE = threading.BoundedSemaphore(1)
# How the child finds its libraries, and nothing secret.
ENVIRONMENT = ("PATH", "LANG", "LD_LIBRARY_PATH")


class NotDrawn(CaseError):
    """No picture can be made of this document. It can still be downloaded."""

    def __init__(self) -> None:
        super().__init__("No safe picture can be made of this document. Download it to look at it.")


class DrawingNow(CaseError):
    """Another picture is being drawn."""

    def __init__(self) -> None:
        super().__init__("Another picture is being drawn just now. Try again in a moment.")


class NoSuchPage(CaseError):
    """The document has fewer pages."""

    def __init__(self, pages: int) -> None:
        super().__init__(f"The document has {pages} page{'' if pages == 1 else 's'}.")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One page as JPEG, and how many there are."""

    picture: bytes
    page: int
    pages: int


def may_be_drawn(media_type: str) -> bool:
    """Say whether pictures are made of documents of this type."""
    return media_type in raster.KINDS


def draw(data: bytes, *, media_type: str, page: int) -> Drawn:
    """Return a picture of one page of a document. Call it outside any transaction: it takes a second, ten at most.
    Raises NotDrawn, NoSuchPage, DrawingNow."""
    if not may_be_drawn(media_type):
        raise NotDrawn
    if not _FREE.acquire(blocking=False):
        raise DrawingNow
    try:
        finished = subprocess.run(
            [sys.executable, "-I", raster.__file__, media_type, str(page)],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SECONDS,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            cwd="/",
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as failed:
        log.warning("a document could not be drawn: %s", getattr(failed, "returncode", "too slow"))
        raise NotDrawn from None
    finally:
        _FREE.release()
    count, _, picture = finished.stdout.partition(b"\n")
    if not picture:
        raise NoSuchPage(int(count))
    return Drawn(picture=picture, page=page, pages=int(count))
