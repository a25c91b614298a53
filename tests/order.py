"""In which order the processes take the files of tests: the longest first, and a running office only once at a time.

A long file that begins last leaves a core idle until it ends.
"""

from __future__ import annotations

from typing import Any

# Seconds on the machine that checks, of files that take more than half a minute; no others have to be in the list.
SECONDS = {
    "tests/browser/test_accessibility.py": 300,
    "tests/journeys/test_sim_swap.py": 140,
    "tests/faults/test_kills_under_load.py": 80,
    "tests/journeys/test_trace.py": 25,
    "tests/journeys/test_up.py": 25,
    "tests/kernel/test_matrix.py": 130,
    "tests/restricted/test_canary.py": 130,
    "tests/ledger/test_verify.py": 75,
    "tests/web/test_routes_by_role.py": 110,
    "tests/api/test_fuzz.py": 55,
    "tests/ledger/test_guards.py": 65,
    "tests/fraud/test_demo.py": 60,
    "tests/journeys/test_edge_pages.py": 55,
    "tests/browser/test_states.py": 45,
    "tests/agencies/test_kills.py": 40,
    "tests/debt/test_sale_completing.py": 40,
    "tests/ledger/test_canary.py": 35,
    "tests/signin/test_browser.py": 35,
    "tests/browser/test_disclosure.py": 35,
    "tests/fraud/test_walks.py": 35,
    "tests/agencies/test_search_kills.py": 30,
}
# These work in the office that `manage.py up` opens: in this order in one process, which opens it once. Journeys expect
# it as it was shipped; the last ends it.
OFFICES = "the whole office"
IN_ONE_PROCESS = {
    "tests/journeys/test_sim_swap.py": OFFICES,
    "tests/journeys/test_trace.py": OFFICES,
    "tests/faults/test_kills_under_load.py": OFFICES,
    "tests/journeys/test_up.py": OFFICES,
}


def unit_of(file: str) -> str:
    """Return the name of what one process takes as a whole: a file, or several that belong together."""
    return IN_ONE_PROCESS.get(file, file)


def rank(file: str) -> tuple[int, int]:
    """Return the place of a file: the lower the earlier. Files of one unit stand together, in their order."""
    seconds = sum(seconds for each, seconds in SECONDS.items() if unit_of(each) == unit_of(file))
    return -seconds, list(IN_ONE_PROCESS).index(file) if file in IN_ONE_PROCESS else 0


def file_of(nodeid: str) -> str:
    """Return the file in which a test is."""
    return nodeid.partition("::")[0]


def scheduler(config: Any, log: Any) -> Any:
    """Return xdist's scheduler of whole files, which hands out a unit where it would have handed out a file."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 -- only where tests are handed out

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(file_of(nodeid))

    return Units(config, log)
