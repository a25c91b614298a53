"""The whole office of `manage.py up` under load, its workers and its database killed where it hurts most.

Workers fall at three named places, in real Celery processes under the supervisor; the database falls while a message
is in flight and while a callback waits. Then: nothing lost, nothing done twice, every chain verifies, and a restart
finds everything. The suite kills three workers and two databases, `make soak` eighty and twenty.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import psycopg
import pytest

from backoffice import embedded
from backoffice.env import Env
from tests import factories
from tests.journeys.office import NOT_SHIPPED, ROOT, Office
from tests.length import times

LENGTH = times(1, 4)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(900 * LENGTH)]
PLACES = ("after_claim", "after_answer", "inside_apply")
WORKER_KILLS = {"after_claim": times(1, 28), "after_answer": times(1, 28), "inside_apply": times(1, 24)}
DATABASE_KILLS = {"a message is in flight": times(1, 12), "a callback waits": times(1, 8)}
MOMENTS = {
    "a message is in flight": "SELECT count(*) FROM cases_outboxmessage WHERE state = 'sending'",
    "a callback waits": "SELECT count(*) FROM cases_callback WHERE state = 'received'",
}
# What was opened by the load: none else has its day.
OURS = f"opened_at = '{factories.AT.isoformat()}'"
OWED = f"FROM cases_outboxmessage WHERE kind = 'fpa_file' AND case_id IN (SELECT id FROM cases_case WHERE {OURS})"
FPA = "sandbox-fraud-register"
PATIENCE = 180 * LENGTH


class Place:
    """The office, its folder of orders to fall, and a look into its database."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.loads: list[subprocess.Popen[str]] = []
        self.acknowledged: set[str] = set()

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in NOT_SHIPPED}
        return kept | {"BACKOFFICE_HOME": str(self.office.home), "PORT": str(self.office.port)}

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows; nothing while the database is away."""
        try:
            url = embedded.database_url(Env(self.environment()))
            with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                cursor = connection.execute(sql)  # type: ignore[arg-type]  # -- literals of this file
                return cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:
            return []

    def count(self, sql: str) -> int:
        rows = self.ask(sql)
        return int(rows[0][0]) if rows else 0

    def load(self, number: int) -> None:
        """Let somebody work in the background."""
        words = [sys.executable, "-m", "tests.faults.load", str(number), str(1000 * (len(self.loads) + 1))]
        self.loads.append(subprocess.Popen(words, cwd=ROOT, env=self.environment(), stdout=subprocess.PIPE, text=True))

    def wait(self, is_so: Callable[[], Any], what: str, *, every: float = 0.05) -> None:
        until = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < until, f"It did not happen: {what}\n{self.stand()}\n{self.office.tail()}"
            time.sleep(every)

    def stand(self) -> list[list[tuple[Any, ...]]]:
        """How far everything is, for whoever has to find out why it is not done."""
        return [
            self.ask(sql)
            for sql in (
                "SELECT state, source, count(*) FROM cases_case GROUP BY 1, 2",
                f"SELECT state, settled_at IS NULL, attempts, count(*) {OWED} GROUP BY 1, 2, 3",
                "SELECT state, reason, tries, count(*) FROM cases_callback GROUP BY 1, 2, 3",
                "SELECT kind, state, attempts, due_at - now(), lease_until - now(), channel_id"
                " FROM cases_outboxmessage WHERE state IN ('pending', 'sending')",
                "SELECT c.id, c.address, c.state, h.pause_reason, h.consecutive_failures, h.circuit_open_until - now()"
                " FROM cases_channelhealth h JOIN cases_channel c ON c.id = h.channel_id"
                " WHERE h.consecutive_failures > 0 OR h.pause_reason <> '' OR c.state <> 'active'",
                "SELECT kind, count(*) FROM cases_task GROUP BY 1",
            )
        ]

    def end_leases(self) -> None:
        """Let the time pass for which a dead worker's messages stay its own."""
        self.ask("UPDATE cases_outboxmessage SET lease_until = now() - interval '1 second' WHERE state = 'sending'")

    def end_waits(self) -> None:
        """Let the minutes pass for which a failed try, and the circuit of an agency that failed often, wait."""
        self.ask("UPDATE cases_channelhealth SET circuit_open_until = now() WHERE circuit_open_until > now()")
        self.ask("UPDATE cases_outboxmessage SET due_at = now() WHERE state = 'pending' AND due_at > now()")

    def keep_busy(self) -> None:
        if all(load.poll() is not None for load in self.loads):
            self.load(25)

    def kill_worker(self, place: str) -> None:
        order = self.office.orders / place
        order.touch()
        self.wait(lambda: (self.keep_busy(), not order.exists())[1], f"a worker falls {place}")
        self.end_leases()

    def kill_database(self, moment: str) -> None:
        self.wait(lambda: (self.keep_busy(), self.count(MOMENTS[moment]))[1], moment, every=0.01)
        family = psutil.Process(self.office.process.pid).children()
        next(each for each in family if "postgres" in " ".join(each.cmdline())).kill()
        self.wait(lambda: self.count("SELECT 1"), "the database is back")
        self.end_leases()

    def settle(self) -> None:
        """Let the load end and everything owed be done."""
        for load in self.loads:
            out, _ = load.communicate(timeout=120 * LENGTH)
            assert load.returncode == 0, out
            self.acknowledged |= {line.split()[1] for line in out.splitlines() if line.startswith("kept ")}
        self.end_leases()
        open_cases = f"SELECT count(*) FROM cases_case WHERE state IN ('approved', 'submitted') AND {OURS}"
        waiting = "SELECT count(*) FROM cases_callback WHERE state = 'received'"
        self.wait(
            lambda: (self.end_waits(), self.ask("SELECT 1") and self.count(open_cases) + self.count(waiting) == 0)[1],
            "all is filed",
            every=3,
        )
        # What the agencies answer, and the month's access reviews the first sweep opens.
        moving = "SELECT count(*) FROM cases_outboxmessage WHERE state IN ('pending', 'sending')"
        self.wait(
            lambda: (
                self.end_waits(),
                self.count("SELECT count(*) FROM cases_accessreview") and self.count(moving) + self.count(waiting) == 0,
            )[1],
            "everything has come to rest",
            every=3,
        )


@pytest.fixture
def place(office: Office) -> Iterator[Place]:
    made = Place(office)
    yield made
    for load in made.loads:
        load.kill()


# What a restart must find again. The clocks go on meanwhile: a chain may be longer and a task of the hour may have run.
# Nothing that stood there may be gone or read otherwise, and nothing that was over may have begun again.
KEPT = {
    "case": "SELECT uid::text, reference FROM cases_case",
    "act": "SELECT stream::text, seq, encode(hash, 'hex') FROM cases_ledgerevent",
    # What has arrived may be answered while the office comes back.
    "message": "SELECT public_id::text, replace(state, 'acknowledged', 'delivered'), attempts FROM cases_outboxmessage"
    " WHERE state NOT IN ('pending', 'sending')",
    "reference": "SELECT public_id::text, agency_reference FROM cases_outboxmessage WHERE agency_reference <> ''",
    "callback": "SELECT uid::text, state, reason FROM cases_callback WHERE state IN ('applied', 'ignored')",
}


def test_whoever_is_killed_nothing_is_lost_and_nothing_is_done_twice(place: Place) -> None:
    fell: Counter[str] = Counter()
    databases = [moment for moment, times in DATABASE_KILLS.items() for _ in range(times)]
    place.load(25)
    for round_number in range(max(*WORKER_KILLS.values(), len(databases))):
        for name in PLACES:
            if round_number < WORKER_KILLS[name]:
                place.kill_worker(name)
                fell[name] += 1
        if databases:
            moment = databases.pop(0)
            place.kill_database(moment)
            fell[moment] += 1
    print("fell:", dict(fell))
    assert fell == {**WORKER_KILLS, **DATABASE_KILLS}
    place.settle()

    assert_nothing_lost_and_nothing_twice(place)
    verified = place.office.manage("verify_ledger")
    assert verified.returncode == 0, verified.stdout[-2000:]
    assert_restart_keeps_everything(place)


def assert_nothing_lost_and_nothing_twice(place: Place) -> None:
    owed = {str(row[0]) for row in place.ask(f"SELECT public_id {OWED}")}
    kept = {str(row[0]) for row in place.ask("SELECT uid FROM cases_case WHERE state = 'filed'")}
    received = Counter(row["id"] for row in place.office.order(FPA)["received"] if row["type"] == "fpa_file")
    print(f"{len(place.acknowledged)} approvals acknowledged, {len(owed)} filings owed, all received once")
    assert place.acknowledged <= kept
    assert set(received) >= owed and set(received.values()) == {1}
    acts = f"""SELECT max(n) FROM (SELECT count(*) AS n FROM cases_ledgerevent WHERE action = '{{}}'
        AND stream IN (SELECT uid FROM cases_case WHERE {OURS}) GROUP BY stream) t"""
    for action in ("fraud_referral.submitted", "fraud_referral.file"):
        assert place.count(acts.format(action)) == 1, action
    assert place.count(f"SELECT count(*) {OWED} AND state <> 'acknowledged'") == 0
    # The post tells of a letter whenever it likes, so one callback may still be on its way in.
    left = "SELECT type, state, reason, tries FROM cases_callback WHERE state NOT IN ('applied', 'ignored')"
    place.wait(lambda: place.ask("SELECT 1") and not place.ask(left), "every callback is applied")


def assert_restart_keeps_everything(place: Place) -> None:
    before = {name: set(map(tuple, place.ask(sql))) for name, sql in KEPT.items()}
    assert all(before.values())
    place.office.stop()
    assert place.ask("SELECT 1") == []
    place.office.start()
    for name, sql in KEPT.items():
        assert before[name] - set(map(tuple, place.ask(sql))) == set(), name
