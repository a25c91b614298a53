"""W14: what the office of `make run` delivers in a second beside what the same Celery does of nothing, and how long one
promise waits from its commit to its arrival while there is nothing else to do.

The agency answers by HTTPS from a process of its own and calls back; its budgets, of messages a minute and at once, are
lifted, since they would be what is measured. Figures are printed, never asserted: that all arrives once, and that one
alone arrives within the goal of two seconds, is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backoffice import embedded
from backoffice.env import Env
from tests import factories
from tests.journeys.office import NOT_SHIPPED, ROOT, Office
from tests.length import times

MANY, ALONE, NOTHINGS = times(10, 1000), times(3, 100), times(50, 4000)
LONGEST_SECONDS = 2.0
PATIENCE = times(120, 1800)
FPA = "sandbox-fraud-register"
OURS = f"SELECT id FROM cases_case WHERE opened_at = '{factories.AT.isoformat()}'"
MINE = f"FROM cases_outboxmessage m WHERE m.kind = 'fpa_file' AND m.case_id IN ({OURS})"
ORDER = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
import django
django.setup()
from django.utils import timezone
from cases.kernel import actors
from cases.kernel.exchange import agencies
channel, by, at = agencies.channel_of(agencies.get("{FPA}"), "out"), actors.system("bench"), timezone.now()
if sys.argv[1] == "pause":
    lifted = dict(rate_per_minute=1_000_000, max_in_flight=50)
    agencies.change_channel(channel, "agency.channel_changed", actor=by, at=at, **lifted)
    agencies.pause(channel, actor=by, at=at, cause="bench", until=None)
else:
    agencies.resume(channel, actor=by, at=at, cause="bench")
"""
pytestmark = [pytest.mark.faults, pytest.mark.timeout(2 * PATIENCE + 600)]


def environment(office: Office) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_SHIPPED}
    return kept | {"BACKOFFICE_HOME": str(office.home), "PORT": str(office.port)}


@pytest.fixture
def ask(office: Office) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    with psycopg.connect(embedded.database_url(Env(environment(office))), autocommit=True) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            cursor = connection.execute(sql)  # type: ignore[arg-type]  # -- literals of this file
            return cursor.fetchall() if cursor.description else []

        yield rows


def wait(is_so: Callable[[], Any], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def nothings_a_second(office: Office, marks: Path) -> float:
    """Let a worker like the office's do nothing NOTHINGS times."""
    words = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.bench.nothing", "worker", "--queues", "nothing"]
    words += ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen([*words, "--without-heartbeat"], cwd=ROOT, env=environment(office))
    ask_for = [sys.executable, "-m", "tests.bench.nothing"]
    try:
        subprocess.run([*ask_for, "1", str(marks)], cwd=ROOT, env=environment(office), check=True)
        wait(marks.exists, "the worker of nothing is awake")
        asking = subprocess.Popen([*ask_for, str(NOTHINGS), str(marks)], cwd=ROOT, env=environment(office))
        wait(lambda: marks.stat().st_size > 1, "the first is done")
        began, first = time.monotonic(), marks.stat().st_size
        wait(lambda: marks.stat().st_size == NOTHINGS + 1, "all of nothing is done")
        seconds = time.monotonic() - began
        assert asking.wait(60) == 0
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    return (NOTHINGS + 1 - first) / seconds


def order(office: Office, verb: str) -> None:
    """Pause the agency's channel and lift its budget, or let it go on."""
    words = [sys.executable, "-c", ORDER, verb]
    subprocess.run(words, cwd=ROOT, env=environment(office), check=True)


def promised(office: Office, number: int, first: int, *, apart: float = 0) -> dict[str, float]:
    """Let a process approve referrals; return by case when each was committed."""
    words = [sys.executable, "-m", "tests.faults.load", str(number), str(first), str(apart)]
    made = subprocess.run(words, cwd=ROOT, env=environment(office), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    rows = [line.split() for line in made.stdout.splitlines() if line.startswith("kept ")]
    assert len(rows) == number
    return {uid: float(at) for _, uid, at in rows}


def test_all_is_delivered_once_and_one_alone_within_two_seconds(office: Office, ask, tmp_path: Path) -> None:
    floor = nothings_a_second(office, tmp_path / "marks")
    print(f"\nnothing, by Celery: {floor:.0f}/s", flush=True)
    order(office, "pause")
    kept = promised(office, MANY, 1)
    waiting = f"SELECT count(*) {MINE} AND m.state IN ('pending', 'sending')"
    assert ask(waiting) == [(MANY,)]

    order(office, "resume")
    wait(lambda: ask(waiting) == [(0,)], "all is delivered")
    ((seconds,),) = ask(
        "SELECT extract(epoch FROM max(t.ended_at) - min(t.started_at)) FROM cases_deliveryattempt t"
        f" WHERE t.message_id IN (SELECT m.id {MINE})"
    )
    pace = MANY / float(seconds)
    print(f"delivered: {MANY} in {seconds:.1f} s, {pace:.0f}/s, {pace / floor:.2f} of it", flush=True)

    settled = f"SELECT count(*) FROM cases_case WHERE id IN ({OURS}) AND state <> 'filed'"
    wait(lambda: ask(settled) == [(0,)], "all is filed")
    alone = promised(office, ALONE, 500_000, apart=0.5)
    wait(lambda: ask(waiting) == [(0,)], "each is delivered")
    arrived = dict(
        ask(
            "SELECT c.uid::text, extract(epoch FROM t.ended_at)::float8 FROM cases_deliveryattempt t"
            f" JOIN cases_outboxmessage m ON m.id = t.message_id JOIN cases_case c ON c.id = m.case_id"
            f" WHERE m.id IN (SELECT m.id {MINE}) AND t.ended_at IS NOT NULL"
        )
    )
    took = sorted(arrived[uid] - at for uid, at in alone.items())
    print(f"one alone: median {took[len(took) // 2]:.2f} s, p99 {took[int(len(took) * 0.99)]:.2f} s", flush=True)

    received = Counter(row["id"] for row in office.order(FPA)["received"] if row["type"] == "fpa_file")
    owed = {str(uid) for (uid,) in ask(f"SELECT m.public_id {MINE}")}
    assert len(owed) == len(kept) + len(alone)
    assert owed <= set(received) and set(received.values()) == {1}
    assert took[int(len(took) * 0.99)] < LONGEST_SECONDS
