"""Places where a test may have this very process killed, to prove that nothing is lost there. Inert otherwise.

Armed only when BACKOFFICE_TEST_MODE is 1 and BACKOFFICE_FAILPOINT names a place and a count, as in
`after_claim:2`: the second time the process comes by, it sends itself SIGKILL. Never set either in service.
"""

import os
import signal

_passed: dict[str, int] = {}


def reach(place: str) -> None:
    """Die here if a test says so."""
    if os.environ.get("BACKOFFICE_TEST_MODE") != "1":
        return
    name, _, count = os.environ.get("BACKOFFICE_FAILPOINT", "").partition(":")
    if name != place:
        return
    _passed[place] = _passed.get(place, 0) + 1
    if _passed[place] == int(count or "1"):
        os.kill(os.getpid(), signal.SIGKILL)
