"""Places where a test may have this very process killed, to prove that nothing is lost there. Inert otherwise.

Armed only when BACKOFFICE_TEST_MODE is 1. BACKOFFICE_FAILPOINT names a place and a count, as in `after_claim:2`: the
second time the process comes by, it sends itself SIGKILL. BACKOFFICE_FAILPOINT_FOLDER names a folder: whoever first
comes by a place of which a file there has the name takes the file away and dies. Never set them in service.
"""

import os
import signal
import time
from pathlib import Path

_passed: dict[str, int] = {}


def reach(place: str) -> None:
    """Die here if a test says so."""
    if os.environ.get("BACKOFFICE_TEST_MODE") != "1":
        return
    if _takes_order(place):
        os.kill(os.getpid(), signal.SIGKILL)
    name, _, count = os.environ.get("BACKOFFICE_FAILPOINT", "").partition(":")
    if name != place:
        return
    _passed[place] = _passed.get(place, 0) + 1
    if _passed[place] == int(count or "1"):
        os.kill(os.getpid(), signal.SIGKILL)


def _takes_order(place: str) -> bool:
    """Say whether the folder orders a death here. Of several processes one takes the order: its file is renamed."""
    folder = os.environ.get("BACKOFFICE_FAILPOINT_FOLDER", "")
    if not folder:
        return False
    order = Path(folder) / place
    try:
        order.rename(order.with_name(f"{place}.fell.{os.getpid()}.{time.monotonic_ns()}"))
    except FileNotFoundError:
        return False
    return True
